// Whether a call said why it failed: libguestfs keeps its last error for ever, also that of an earlier call.
#pragma once

struct guestfs_h;

namespace guestfs_node {

/** Listens for errors on this thread as long as it lives. */
class ErrorReport {
 public:
  explicit ErrorReport(guestfs_h* g);
  ~ErrorReport();
  ErrorReport(const ErrorReport&) = delete;
  ErrorReport& operator=(const ErrorReport&) = delete;

  bool made() const { return made_; }

 private:
  guestfs_h* g_;
  void* outer_data_ = nullptr;  // before what sets it
  void (*outer_)(guestfs_h*, void*, const char*);
  bool made_ = false;
};

}  // namespace guestfs_node
