// What a call said of its failure: libguestfs keeps only its last error, and that for ever.
#pragma once

#include <optional>
#include <string>

struct guestfs_h;

namespace guestfs_node {

/** libguestfs's error of a failed call. */
struct Failure {
  int error_number = 0;
  std::string message;
};

/** Listens for errors on this thread as long as it lives. */
class ErrorReport {
 public:
  explicit ErrorReport(guestfs_h* g);
  ~ErrorReport();
  ErrorReport(const ErrorReport&) = delete;
  ErrorReport& operator=(const ErrorReport&) = delete;

  /** First error; null when there was none. */
  const Failure* first() const { return first_ ? &*first_ : nullptr; }

 private:
  static void OnError(guestfs_h* g, void* report, const char* message);

  guestfs_h* g_;
  void* outer_data_ = nullptr;  // before what sets it
  void (*outer_)(guestfs_h*, void*, const char*);
  std::optional<Failure> first_;
};

}  // namespace guestfs_node
