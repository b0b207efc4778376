#include "spare_descriptor.h"

#include <fcntl.h>

namespace guestfs_node {

void SpareDescriptor::Keep() {
  if (!spare_) spare_ = FileDescriptor(open("/", O_PATH | O_CLOEXEC));
}

FileDescriptor SpareDescriptor::Open(const char* path, int flags) {
  FileDescriptor file(open(path, flags | O_CLOEXEC));
  if (file || (errno != EMFILE && errno != ENFILE) || !spare_) return file;
  Drop();
  return FileDescriptor(open(path, flags | O_CLOEXEC));
}

}  // namespace guestfs_node
