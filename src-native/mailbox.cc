#include "mailbox.h"

#include <utility>

namespace guestfs_node {

void Mailbox::Post(std::unique_ptr<Message> message) {
  const std::lock_guard lock(mutex_);
  replaceable_ = nullptr;
  PostLocked(std::move(message));
}

void Mailbox::PostProgress(const Progress& progress) {
  const std::lock_guard lock(mutex_);
  const bool same_call = progressing_call_ == progress.call;
  if (same_call && replaceable_ != nullptr) {
    replaceable_->Replace(progress);
    return;
  }
  auto message = std::make_unique<ProgressMessage>(progress);
  ProgressMessage* posted = message.get();
  PostLocked(std::move(message));
  replaceable_ = same_call && !shut_ ? posted : nullptr;
  progressing_call_ = progress.call;
}

void Mailbox::TakeAll(Messages& taken) {
  const std::lock_guard lock(mutex_);
  replaceable_ = nullptr;
  for (auto& message : messages_) taken.push_back(std::move(message));
  messages_.clear();
}

void Mailbox::Shut() {
  const std::lock_guard lock(mutex_);
  shut_ = true;
  replaceable_ = nullptr;
  messages_.clear();
}

void Mailbox::PostLocked(std::unique_ptr<Message> message) {
  if (shut_) return;
  const bool was_empty = messages_.empty();
  messages_.push_back(std::move(message));
  if (was_empty) notify_();
}

}  // namespace guestfs_node
