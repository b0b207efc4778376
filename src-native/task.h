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

  /** On the handle's thread. Returns what JavaScript is to be told of it, if anything. */
  virtual std::unique_ptr<Message> Run(guestfs_h* g) = 0;

  /** What JavaScript is to be told before it runs, if anything. */
  virtual std::unique_ptr<Message> Prepare() { return nullptr; }

  /** Whether what the console said so far is that of an appliance before. */
  virtual bool StartsAppliance() const { return false; }

  /** After it has run: what it has done to the folder in which the guest is shown, if anything. */
  virtual void TellMount(LocalMount&) const {}

  /** Whether it ends when that folder is unmounted, and not before. */
  virtual bool ServesMount() const { return false; }

  /** While it runs, from another thread: makes it end early. False when it cannot. */
  virtual bool Cancel(guestfs_h*, SpareDescriptor&) { return false; }

 private:
  CallId id_;
};

}  // namespace guestfs_node
