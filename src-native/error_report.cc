#include "error_report.h"

#define GUESTFS_NO_WARN_DEPRECATED 1
#include <guestfs.h>

#include <new>

namespace guestfs_node {

ErrorReport::ErrorReport(guestfs_h* g) : g_(g), outer_(guestfs_get_error_handler(g, &outer_data_)) {
  guestfs_set_error_handler(g, &OnError, this);
}

ErrorReport::~ErrorReport() { guestfs_set_error_handler(g_, outer_, outer_data_); }

void ErrorReport::OnError(guestfs_h* g, void* data, const char* message) {
  auto* report = static_cast<ErrorReport*>(data);
  if (report->first_) return;
  report->first_.emplace();
  try {
    report->first_->error_number = guestfs_last_errno(g);
    report->first_->message = message;
  } catch (const std::bad_alloc&) {  // nothing may pass through libguestfs
  }
}

}  // namespace guestfs_node
