#include "error_report.h"

#define GUESTFS_NO_WARN_DEPRECATED 1
#include <guestfs.h>

namespace guestfs_node {

ErrorReport::ErrorReport(guestfs_h* g) : g_(g), outer_(guestfs_get_error_handler(g, &outer_data_)) {
  guestfs_set_error_handler(
      g, [](guestfs_h*, void* report, const char*) { static_cast<ErrorReport*>(report)->made_ = true; },
      this);
}

ErrorReport::~ErrorReport() { guestfs_set_error_handler(g_, outer_, outer_data_); }

}  // namespace guestfs_node
