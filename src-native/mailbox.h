// Where a handle's thread leaves its messages for the JS thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "message.h"

namespace guestfs_node {

using Messages = std::deque<std::unique_ptr<Message>>;

class Mailbox {
 public:
  /** `notify` is called from the posting thread when the box was empty, while it is locked. */
  explicit Mailbox(std::function<void()> notify) : notify_(std::move(notify)) {}

  void Post(std::unique_ptr<Message> message);

  /** Messages of one call that nobody has read yet coalesce to the newest, but the first one stays. */
  void PostProgress(const Progress& progress);

  /** Moves all messages to the end of `taken`. */
  void TakeAll(Messages& taken);

  /** From now on messages are dropped and nobody is notified. */
  void Shut();

 private:
  void PostLocked(std::unique_ptr<Message> message);

  std::mutex mutex_;
  Messages messages_;
  std::function<void()> notify_;
  bool shut_ = false;
  ProgressMessage* replaceable_ = nullptr;  // the last message, if a newer one may take its place
  CallId progressing_call_ = 0;             // whose first progress message has been posted
};

}  // namespace guestfs_node
