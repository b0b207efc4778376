#include "children.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
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

std::vector<pid_t> ReadPids(const std::string& path) {
  std::ifstream file(path);
  std::vector<pid_t> pids;
  for (pid_t pid = 0; file >> pid;) pids.push_back(pid);
  return pids;
}

pid_t ParentOf(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat;
  std::getline(file, stat);
  const std::size_t name_end = stat.rfind(')');  // the name may hold spaces and parentheses
  if (name_end == std::string::npos) return -1;
  std::istringstream rest(stat.substr(name_end + 1));
  char state = 0;
  pid_t parent = -1;
  rest >> state >> parent;
  return parent;
}

std::vector<pid_t> ChildrenOfProcess(pid_t pid) {
  const std::string path = std::to_string(pid);
  return ReadPids("/proc/" + path + "/task/" + path + "/children");
}

/** A process that cannot be mistaken for a later one with its number, where the kernel can do that. */
class Target {
 public:
  explicit Target(pid_t pid) : pid_(pid), descriptor_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}

  pid_t pid() const { return pid_; }

  void Kill() const {
    const bool sent = descriptor_.get() >= 0 &&
                      ::syscall(SYS_pidfd_send_signal, descriptor_.get(), SIGKILL, nullptr, 0) == 0;
    if (!sent && errno != ESRCH) ::kill(pid_, SIGKILL);
  }

 private:
  pid_t pid_;
  FileDescriptor descriptor_;
};

/** Adds a process and its descendants, while each is known by its living parent. */
void Collect(pid_t pid, pid_t parent, std::vector<Target>& targets) {
  Target target(pid);
  if (ParentOf(pid) != parent) return;
  targets.push_back(std::move(target));
  for (const pid_t child : ChildrenOfProcess(pid)) Collect(child, pid, targets);
}

}  // namespace

std::vector<pid_t> ChildrenOfThread(pid_t thread) {
  return ReadPids("/proc/self/task/" + std::to_string(thread) + "/children");
}

int KillChildrenOfThread(pid_t thread) {
  std::vector<Target> targets;
  for (const pid_t child : ChildrenOfThread(thread)) Collect(child, ::getpid(), targets);
  for (const Target& target : targets) target.Kill();
  return static_cast<int>(targets.size());
}

}  // namespace guestfs_node
