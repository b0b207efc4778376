// Whether anybody has a Unix socket, in whatever network namespace.
#pragma once

#include <string>

namespace guestfs_node {

/** False only where it is certain that no process has bound the socket at this path and keeps it open. */
bool IsSocketBound(const std::string& path);

}  // namespace guestfs_node
