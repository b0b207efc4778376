// The host's side of a transfer: the files that a call reads (FileIn) and writes (FileOut).
#pragma once

#include <sys/stat.h>

#include <mutex>
#include <string>
#include <vector>

#include "arguments.h"
#include "descriptors.h"
#include "file_descriptor.h"
#include "spare_descriptor.h"

namespace guestfs_node {

class LocalFiles {
 public:
  LocalFiles(const Function& function, const Slot* arguments);

  /** The file is a stream of JavaScript, for which libguestfs gets one end of a pipe. No function has two. */
  bool IsStream() const { return stream_ != kNone; }

  /**
   * On the handle's thread, before the call: lets the argument name libguestfs's end of a new pipe. Returns
   * the other end; without one, errno says why.
   */
  FileDescriptor OpenPipe(Arguments& arguments);
  /** Closes our end of the pipe, after the call. */
  void ClosePipe();

  /** Remembers what the outputs were, on the handle's thread, before the call. */
  void RememberOutputs();
  /** After it failed: removes the regular files that it has created or changed. */
  void RemovePartialOutputs() const;

  /** A transfer that waits for the other end of a pipe goes on, and sees that it has been cancelled. */
  void WakeTransfer(SpareDescriptor& spare);

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  struct Output {
    std::string path;
    bool existed = false;
    struct stat before = {};
  };

  static bool WasWritten(const Output& output);

  std::vector<std::string> inputs_;
  std::vector<Output> outputs_;
  std::size_t stream_ = kNone;  // its place among the arguments
  bool reads_stream_ = false;
  std::string pipe_path_;
  std::mutex mutex_;
  FileDescriptor ours_;  // guarded: its number means something else when it is closed
};

}  // namespace guestfs_node
