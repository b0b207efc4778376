#include "children.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <sstream>
#include <string>
#include <utility>

#include "file_descriptor.h"

// Newer than the kernel headers of some systems; the numbers are the same everywhere.
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

namespace guestfs_node {
namespace {

/** The process whose file, or whose number, it was has ended meanwhile. */
bool HasVanished(int problem) { return problem == ENOENT || problem == ESRCH; }

/** Looks at processes, and goes on where it cannot. */
class Look {
 public:
  explicit Look(SpareDescriptor& spare) : spare_(spare) {}

  std::vector<pid_t> ChildrenOfThread(pid_t thread) {
    std::vector<pid_t> children = Children("/proc/self/task/" + std::to_string(thread) + "/children");
    const bool lives = ::syscall(SYS_tgkill, ::getpid(), thread, 0) == 0;
    if (problem_ == 0 && vanished_ && lives) problem_ = ENOENT;  // a kernel, or a /proc, without such files
    return children;
  }

  std::vector<pid_t> ChildrenOfProcess(pid_t pid) {
    const std::string number = std::to_string(pid);
    return Children("/proc/" + number + "/task/" + number + "/children");
  }

  /** Parent of a process; -1 where the process has ended or cannot be seen. */
  pid_t ParentOf(pid_t pid) {
    const std::string stat = Read("/proc/" + std::to_string(pid) + "/stat");
    const std::size_t name_end = stat.rfind(')');  // the name may hold spaces and parentheses
    if (name_end == std::string::npos) return -1;
    std::istringstream rest(stat.substr(name_end + 1));
    char state = 0;
    pid_t parent = -1;
    rest >> state >> parent;
    return parent;
  }

  void Note(int problem) {
    vanished_ = HasVanished(problem);
    if (problem_ == 0 && !vanished_) problem_ = problem;
  }
  /** Errno of the first problem that was more than a process's end. */
  int problem() const { return problem_; }

 private:
  std::vector<pid_t> Children(const std::string& path) {
    std::istringstream numbers(Read(path));
    std::vector<pid_t> pids;
    for (pid_t pid = 0; numbers >> pid;) pids.push_back(pid);
    return pids;
  }

  std::string Read(const std::string& path) {
    std::string content;
    Note(spare_.Use(path.c_str(), O_RDONLY, [&](int file) {
      std::array<char, 4096> part;
      for (;;) {
        const ssize_t size = ::read(file, part.data(), part.size());
        if (size < 0) Note(errno);
        if (size <= 0) return;
        content.append(part.data(), static_cast<std::size_t>(size));
      }
    }));
    return content;
  }

  SpareDescriptor& spare_;
  int problem_ = 0;
  bool vanished_ = false;  // what was looked at last
};

/** A process that cannot be mistaken for a later one with its number, where the kernel can do that and a
 * descriptor is left for it. */
class Target {
 public:
  explicit Target(pid_t pid) : pid_(pid), descriptor_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}

  /** Returns 0 or the errno. */
  int Kill() const {
    if (descriptor_) {
      if (::syscall(SYS_pidfd_send_signal, descriptor_.get(), SIGKILL, nullptr, 0) == 0) return 0;
      if (errno == ESRCH) return ESRCH;
    }
    return ::kill(pid_, SIGKILL) == 0 ? 0 : errno;
  }

 private:
  pid_t pid_;
  FileDescriptor descriptor_;
};

/** Adds a process and its descendants, while each is known by its living parent. */
void Collect(Look& look, pid_t pid, pid_t parent, std::vector<Target>& targets) {
  Target target(pid);
  if (look.ParentOf(pid) != parent) return;
  targets.push_back(std::move(target));
  for (const pid_t child : look.ChildrenOfProcess(pid)) Collect(look, child, pid, targets);
}

}  // namespace

std::vector<pid_t> ChildrenOfThread(pid_t thread, SpareDescriptor& spare) {
  return Look(spare).ChildrenOfThread(thread);
}

int KillChildrenOfThread(pid_t thread, SpareDescriptor& spare) {
  Look look(spare);
  std::vector<Target> targets;
  for (const pid_t child : look.ChildrenOfThread(thread)) Collect(look, child, ::getpid(), targets);
  for (const Target& target : targets) look.Note(target.Kill());
  return look.problem();
}

}  // namespace guestfs_node
