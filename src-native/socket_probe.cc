#include "socket_probe.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>

#include "file_descriptor.h"

namespace guestfs_node {

// /proc/net/unix tells of one network namespace only. Connecting finds the owner of a path in all of them,
// and with a socket of another type than the owner's it is refused (EPROTOTYPE) without the owner noticing.
bool IsSocketBound(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return true;
  std::ranges::copy(path, address.sun_path);
  const FileDescriptor probe(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!probe) return true;
  const int status = ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  return status == 0 || errno != ECONNREFUSED;
}

}  // namespace guestfs_node
