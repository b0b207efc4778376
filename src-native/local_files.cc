#include "local_files.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <utility>

#include "file_descriptor.h"
#include "owned.h"

namespace guestfs_node {
namespace {

constexpr int kPipeSize = 1 << 20;

bool IsFifo(const std::string& path) {
  struct stat status = {};
  return stat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode);
}

bool IsSameFile(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/** What /dev/stdout leads to may be a file that is not this call's alone. */
bool IsStandardStream(const struct stat& file) {
  struct stat stream = {};
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fstat(fd, &stream) == 0 && IsSameFile(file, stream)) return true;
  return false;
}

bool SameTime(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

void WakeReader(const std::string& fifo, SpareDescriptor& spare) {
  spare.Use(fifo.c_str(), O_WRONLY | O_NONBLOCK, [](int writer) {
    int waiting = 0;
    // One byte, which goes the way of the transfer, and only to a reader that has nothing else to read.
    if (ioctl(writer, FIONREAD, &waiting) == 0 && waiting == 0) [[maybe_unused]]
      const ssize_t written = write(writer, "", 1);
  });
}

void WakeWriter(const std::string& fifo, SpareDescriptor& spare) {
  spare.Use(fifo.c_str(), O_RDONLY | O_NONBLOCK, [](int reader) {
    std::array<char, 1 << 16> dropped;
    [[maybe_unused]] const ssize_t taken = read(reader, dropped.data(), dropped.size());
  });
}

}  // namespace

LocalFiles::LocalFiles(const Function& function, const Slot* arguments) {
  for (std::size_t i = 0; i < function.arguments.size(); ++i) {
    const ArgumentKind kind = function.arguments[i].kind;
    if (kind != ArgumentKind::FileIn && kind != ArgumentKind::FileOut) continue;
    if (arguments[i].text == nullptr) {
      stream_ = i;
      reads_stream_ = kind == ArgumentKind::FileIn;
    } else if (kind == ArgumentKind::FileIn) {
      inputs_.emplace_back(arguments[i].text);
    } else {
      outputs_.push_back({arguments[i].text});
    }
  }
}

FileDescriptor LocalFiles::OpenPipe(Arguments& arguments) {
  std::array<int, 2> ends = {-1, -1};  // to read from, to write to
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return FileDescriptor();
  if (!reads_stream_) std::swap(ends[0], ends[1]);
  FileDescriptor ours(ends[0]);
  FileDescriptor others(ends[1]);
  fcntl(ours.get(), F_SETPIPE_SZ, kPipeSize);  // where it may: the default does as well
  const std::lock_guard lock(mutex_);
  ours_ = std::move(ours);
  pipe_path_ = "/proc/self/fd/" + std::to_string(ours_.get());
  arguments.SetFile(stream_, pipe_path_.c_str());
  return others;
}

void LocalFiles::ClosePipe() {
  const std::lock_guard lock(mutex_);
  ours_ = FileDescriptor();
}

void LocalFiles::RememberOutputs() {
  for (Output& output : outputs_) output.existed = stat(output.path.c_str(), &output.before) == 0;
}

bool LocalFiles::WasWritten(const Output& output) {
  struct stat now = {};
  if (stat(output.path.c_str(), &now) != 0 || !S_ISREG(now.st_mode) || IsStandardStream(now)) return false;
  if (!output.existed) return true;
  const struct stat& before = output.before;
  return IsSameFile(now, before) && !(now.st_size == before.st_size && SameTime(now.st_mtim, before.st_mtim));
}

void LocalFiles::RemovePartialOutputs() const {
  for (const Output& output : outputs_) {
    if (!WasWritten(output)) continue;
    // Where the path is a symbolic link, it is what it leads to that was written.
    const OwnedText target(realpath(output.path.c_str(), nullptr));
    if (target) unlink(target.get());
  }
}

void LocalFiles::WakeTransfer(SpareDescriptor& spare) {
  const std::lock_guard lock(mutex_);
  if (ours_) reads_stream_ ? WakeReader(pipe_path_, spare) : WakeWriter(pipe_path_, spare);
  for (const std::string& path : inputs_)
    if (IsFifo(path)) WakeReader(path, spare);
  for (const Output& output : outputs_)
    if (IsFifo(output.path)) WakeWriter(output.path, spare);
}

}  // namespace guestfs_node
