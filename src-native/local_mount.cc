#include "local_mount.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <sstream>
#include <string_view>
#include <thread>
#include <utility>

#include "owned.h"

namespace guestfs_node {
namespace {

/** How often the helper is looked at by who waits for it. */
constexpr std::chrono::milliseconds kHelperPoll{5};

/** A mount as /proc/self/mountinfo has it. */
struct Mount {
  std::string folder;
  unsigned device = 0;
  bool fuse = false;
};

/** Spaces and the like stand there as three octal digits. */
std::string Unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 3)), nullptr, 8));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

/** A line: number, parent, major:minor, root, folder, options, fields of any number, "-", type, source … */
Mount Parsed(const std::string& line) {
  std::istringstream fields(line);
  std::string number, parent, device, root, folder, field, type;
  fields >> number >> parent >> device >> root >> folder;
  while (fields >> field && field != "-") {
  }
  fields >> type;
  const std::size_t colon = device.find(':');
  const unsigned minor =
      colon == std::string::npos ? 0 : std::strtoul(device.c_str() + colon + 1, nullptr, 10);
  return {Unescaped(folder), minor, type == "fuse" || type.starts_with("fuse.")};
}

/** Sets `mount` to the one that is seen in a folder, if there is one of FUSE's. Returns the errno for which
 * it could not look, or 0. */
int LookAt(const std::string& folder, SpareDescriptor& spare, std::optional<Mount>& mount) {
  std::string content;
  const int problem = spare.Use("/proc/self/mountinfo", O_RDONLY, [&](int file) {
    std::array<char, 4096> part;
    for (ssize_t size = 0; (size = ::read(file, part.data(), part.size())) > 0;)
      content.append(part.data(), static_cast<std::size_t>(size));
  });
  std::optional<Mount> top;
  std::istringstream lines(content);
  for (std::string line; std::getline(lines, line);) {
    Mount each = Parsed(line);
    if (each.folder == folder) top = std::move(each);
  }
  if (top && top->fuse) mount = std::move(top);
  return problem;
}

/** Whoever is not root has FUSE's own program do it. Returns 0 where there is no process for it. */
pid_t StartHelper(const std::string& folder) {
  constexpr const char* kScript =
      R"(exec >/dev/null 2>&1; fusermount3 -u -z -- "$0" || fusermount -u -z -- "$0")";
  std::string shell = "sh", flag = "-c", script = kScript, place = folder;
  std::array<char*, 5> arguments = {shell.data(), flag.data(), script.data(), place.data(), nullptr};
  pid_t pid = 0;
  return posix_spawn(&pid, "/bin/sh", nullptr, nullptr, arguments.data(), environ) == 0 ? pid : 0;
}

}  // namespace

std::string ResolvedPath(const char* path) {
  const OwnedText resolved(realpath(path, nullptr));
  return resolved ? resolved.get() : "";
}

LocalMount::~LocalMount() {
  if (!HelperRuns()) return;
  ::kill(helper_, SIGKILL);
  ::waitpid(helper_, nullptr, 0);
}

void LocalMount::Note(const std::string& folder) {
  const std::lock_guard lock(mutex_);
  std::optional<Mount> mount;
  LookAt(folder, spare_, mount);
  if (mount) {
    place_ = Place{folder, mount->device};
  } else {
    ForgetLocked();
  }
}

void LocalMount::Forget() {
  const std::lock_guard lock(mutex_);
  ForgetLocked();
}

void LocalMount::ForgetLocked() {
  place_.reset();
  spare_.Drop();
}

void LocalMount::Detach() {
  const std::lock_guard lock(mutex_);
  if (!place_ || HelperRuns()) return;
  std::optional<Mount> mount;
  if (LookAt(place_->folder, spare_, mount) != 0) return;
  if (!mount || mount->device != place_->device) return ForgetLocked();
  // Somebody may have files open there, for whom the server would go on. The number is the mount's only as
  // long as that is there.
  const std::string connection = "/sys/fs/fuse/connections/" + std::to_string(place_->device) + "/abort";
  spare_.Use(connection.c_str(), O_WRONLY,
             [](int file) { [[maybe_unused]] const ssize_t size = ::write(file, "1", 1); });
  if (::umount2(place_->folder.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
    helper_ = StartHelper(place_->folder);
}

void LocalMount::DetachAndWait() {
  for (Detach();; std::this_thread::sleep_for(kHelperPoll)) {
    const std::lock_guard lock(mutex_);
    if (!HelperRuns()) return;
  }
}

bool LocalMount::HelperRuns() {
  if (helper_ != 0 && ::waitpid(helper_, nullptr, WNOHANG) != 0) helper_ = 0;
  return helper_ != 0;
}

}  // namespace guestfs_node
