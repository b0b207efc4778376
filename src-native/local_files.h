// The host's files that a call reads (FileIn) and writes (FileOut).
#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

#include "descriptors.h"

namespace guestfs_node {

class LocalFiles {
 public:
  LocalFiles(const Function& function, const Slot* arguments);

  /** On the handle's thread, before the call. */
  void RememberOutputs();
  /** After it failed: removes the regular files that it has created or changed. */
  void RemovePartialOutputs() const;

  /** A transfer that waits for the other end of a FIFO goes on, and sees that it has been cancelled. */
  void WakeTransfer() const;

 private:
  struct Output {
    std::string path;
    bool existed = false;
    struct stat before = {};
  };

  static bool WasWritten(const Output& output);

  std::vector<std::string> inputs_;
  std::vector<Output> outputs_;
};

}  // namespace guestfs_node
