// Something for a handle's thread to do.
#pragma once

#include <memory>

#include "message.h"

struct guestfs_h;

namespace guestfs_node {

class LocalMount;
class SpareDescriptor;

class Task {
 public:
  explicit Task(CallId id) : id_(id) {}
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  CallId id() const { return id_; }

  /** Runs the task, on the handle's thread. Returns the message for JavaScript, if there is one. */
  virtual std::unique_ptr<Message> Run(guestfs_h* g) = 0;

  /** Message for JavaScript before the task runs, if there is one. */
  virtual std::unique_ptr<Message> Prepare() { return nullptr; }

  /** Whether the task starts an appliance: what the console said so far is that of another one. */
  virtual bool StartsAppliance() const { return false; }

  /** Tells what the task, which has run, has done to the folder in which the guest is shown, if anything. */
  virtual void TellMount(LocalMount&) const {}

  /** Whether the task ends when that folder is unmounted, and not before. */
  virtual bool ServesMount() const { return false; }

  /** Makes the running task end early, from another thread. False when it cannot. */
  virtual bool Cancel(guestfs_h*, SpareDescriptor&) { return false; }

 private:
  CallId id_;
};

}  // namespace guestfs_node
