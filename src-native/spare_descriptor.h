// A file descriptor for the moment in which there is none left.
#pragma once

#include <cerrno>

#include "file_descriptor.h"

namespace guestfs_node {

/** Descriptor for what ends calls: it has to open files also in a process, or on a machine, that has none
 * left. For one thread at a time. */
class SpareDescriptor {
 public:
  /** Makes sure that there is a spare descriptor, where it can. */
  void Keep();
  void Drop() { spare_ = FileDescriptor(); }

  /** Opens a file for as long as `use` takes, which gets the descriptor; else returns the errno. */
  template <typename F>
  int Use(const char* path, int flags, F use) {
    int problem = 0;
    if (const FileDescriptor file = Open(path, flags)) {
      use(file.get());
    } else {
      problem = errno;
    }
    Keep();
    return problem;
  }

 private:
  FileDescriptor Open(const char* path, int flags);

  FileDescriptor spare_;
};

}  // namespace guestfs_node
