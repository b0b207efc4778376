#include "task_queue.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace guestfs_node {
namespace {

/** About as long as it takes to wake a sleeping thread. */
constexpr auto kSpin = std::chrono::microseconds(50);

}  // namespace

void TaskQueue::Push(std::unique_ptr<Task> task, Lane lane) {
  {
    const std::lock_guard lock(mutex_);
    auto& queue = lane == Lane::Ordinary ? ordinary_ : lane == Lane::Urgent ? urgent_ : callback_;
    queue.push_back(std::move(task));
    waiting_ = true;
  }
  wake_.notify_one();
}

std::unique_ptr<Task> TaskQueue::Remove(CallId id) {
  const std::lock_guard lock(mutex_);
  for (auto* lane : {&urgent_, &ordinary_}) {
    const auto found =
        std::find_if(lane->begin(), lane->end(), [id](const auto& task) { return task->id() == id; });
    if (found == lane->end()) continue;
    std::unique_ptr<Task> task = std::move(*found);
    lane->erase(found);
    return task;
  }
  return nullptr;
}

std::vector<std::unique_ptr<Task>> TaskQueue::RemoveAll() {
  const std::lock_guard lock(mutex_);
  std::vector<std::unique_ptr<Task>> removed(std::make_move_iterator(ordinary_.begin()),
                                             std::make_move_iterator(ordinary_.end()));
  ordinary_.clear();
  return removed;
}

void TaskQueue::Hold() {
  const std::lock_guard lock(mutex_);
  held_ = true;
}

void TaskQueue::Release() {
  {
    const std::lock_guard lock(mutex_);
    held_ = false;
  }
  wake_.notify_one();
}

void TaskQueue::BeginCallback() {
  const std::lock_guard lock(mutex_);
  in_callback_ = !callbacks_forbidden_;
}

void TaskQueue::EndCallback() {
  {
    const std::lock_guard lock(mutex_);
    in_callback_ = false;
  }
  wake_.notify_one();
}

void TaskQueue::ForbidCallbacks() {
  {
    const std::lock_guard lock(mutex_);
    callbacks_forbidden_ = true;
  }
  EndCallback();
}

bool TaskQueue::Idle() {
  const std::lock_guard lock(mutex_);
  return !running_ && urgent_.empty() && ordinary_.empty();
}

/** A program that awaits one call after the other is back before a thread that sleeps would have woken up. */
void TaskQueue::SpinForNext() {
  const auto end = std::chrono::steady_clock::now() + kSpin;
  while (!waiting_.load(std::memory_order_acquire) && std::chrono::steady_clock::now() < end) {
  }
}

Task& TaskQueue::Take() {
  SpinForNext();
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return !urgent_.empty() || (!held_ && !ordinary_.empty()); });
  auto& lane = urgent_.empty() ? ordinary_ : urgent_;
  running_ = std::move(lane.front());
  lane.pop_front();
  waiting_ = !urgent_.empty() || !ordinary_.empty();
  return *running_;
}

std::unique_ptr<Task> TaskQueue::TakeInCallback() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return !callback_.empty() || !in_callback_; });
  if (callback_.empty()) return nullptr;
  std::unique_ptr<Task> task = std::move(callback_.front());
  callback_.pop_front();
  return task;
}

void TaskQueue::Finish() {
  std::unique_ptr<Task> done;
  const std::lock_guard lock(mutex_);
  done = std::move(running_);
}

}  // namespace guestfs_node
