// Private data of a handle: guestfs_set_private and its family. JavaScript holds the values; libguestfs
// holds, under each key, a pointer to a slot that is alive as long as libguestfs points to it.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "task.h"

namespace guestfs_node {

class PrivateData {
 public:
  enum class State { Missing, Ours, Foreign };

  /** The task that writes it to libguestfs: to be run at once while the handle is idle, else on its thread.
   */
  std::unique_ptr<Task> Set(const std::string& key);
  std::unique_ptr<Task> Delete(const std::string& key);

  /** While the handle is idle: what libguestfs says. */
  State Lookup(guestfs_h* g, const std::string& key);
  std::vector<std::string> Keys(guestfs_h* g);

  /** While a call holds the handle's lock: what libguestfs will say once the writes on their way have
   * arrived. */
  State LookupBusy(const std::string& key) const;
  std::vector<std::string> KeysBusy() const;

 private:
  struct Slot {};
  class Write;

  std::unique_ptr<Task> Replace(const std::string& key, std::unique_ptr<Slot> slot);
  /** While the handle is idle: where libguestfs points to, be it another component's doing. */
  State Note(const std::string& key, const void* data);

  std::map<std::string, std::unique_ptr<Slot>> slots_;
  std::set<std::string> foreign_;  // keys last seen with pointers of other components
};

}  // namespace guestfs_node
