// The folder of the host in which a handle shows its guest, by FUSE.
#pragma once

#include <sys/types.h>

#include <mutex>
#include <optional>
#include <string>

#include "spare_descriptor.h"

namespace guestfs_node {

/** Path of a folder with all links followed; to be asked for before anything is mounted there, for afterwards
 * that would ask the guest. */
std::string ResolvedPath(const char* path);

class LocalMount {
 public:
  LocalMount() = default;
  ~LocalMount();
  LocalMount(const LocalMount&) = delete;
  LocalMount& operator=(const LocalMount&) = delete;

  /** On the handle's thread: the guest is mounted in that folder now. */
  void Note(const std::string& folder);

  /** On the handle's thread: the guest is mounted nowhere any more. */
  void Forget();

  /**
   * From any thread, and again and again: takes the mount out of its folder and ends its connection, so that
   * nobody waits for it and its server returns. Waits for nothing, and touches no mount but this.
   */
  void Detach();
  /** On the handle's thread: detaches, and returns when the mount is gone. */
  void DetachAndWait();

 private:
  struct Place {
    std::string folder;
    unsigned device = 0;  // minor number: that of FUSE's connection too
  };

  void ForgetLocked();
  bool HelperRuns();

  std::mutex mutex_;
  std::optional<Place> place_;
  SpareDescriptor spare_;  // while there is a place
  pid_t helper_ = 0;
};

}  // namespace guestfs_node
