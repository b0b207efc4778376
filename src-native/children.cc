#include "children.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <string>

namespace guestfs_node {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

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

int OpenProcess(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

/** A number may be reused between reading and signalling: the descriptor pins the process before the last
 * look. */
void KillIfChildOf(pid_t pid, pid_t parent) {
  const FileDescriptor process(OpenProcess(pid));
  const bool pinned = process.get() >= 0;
  if (!pinned && errno != ENOSYS) return;
  if (ParentOf(pid) != parent) return;
  if (pinned) {
    ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
  } else {
    ::kill(pid, SIGKILL);
  }
}

std::vector<pid_t> ChildrenOfProcess(pid_t pid) {
  const std::string path = std::to_string(pid);
  return ReadPids("/proc/" + path + "/task/" + path + "/children");
}

void KillTree(pid_t pid, pid_t parent) {
  const std::vector<pid_t> children = ChildrenOfProcess(pid);
  KillIfChildOf(pid, parent);
  // Their parent is gone, so they may have a new one already: take those whose parent still is or was `pid`.
  for (const pid_t child : children) {
    const pid_t adopted_by = ParentOf(child);
    if (adopted_by == pid || adopted_by == 1) KillTree(child, adopted_by);
  }
}

}  // namespace

std::vector<pid_t> ChildrenOfThread(pid_t thread) {
  return ReadPids("/proc/self/task/" + std::to_string(thread) + "/children");
}

int KillChildrenOfThread(pid_t thread) {
  const std::vector<pid_t> children = ChildrenOfThread(thread);
  for (const pid_t child : children) KillTree(child, ::getpid());
  return static_cast<int>(children.size());
}

}  // namespace guestfs_node
