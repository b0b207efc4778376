// The first-in-first-out queue between the JS thread and a handle's thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "task.h"

namespace guestfs_node {

/** Order in which a task runs. */
enum class Lane {
  Ordinary,  // in the order of the calls
  Urgent,    // before everything that waits, also while the queue is held
  Callback,  // inside the running call, by the callback that waits for JavaScript
};

class TaskQueue {
 public:
  void Push(std::unique_ptr<Task> task, Lane lane);

  /** Takes a waiting task out; null when it is not waiting (any more). */
  std::unique_ptr<Task> Remove(CallId id);

  /** Takes out all waiting ordinary tasks. */
  std::vector<std::unique_ptr<Task>> RemoveAll();

  /** While held, only urgent tasks run. */
  void Hold();
  void Release();

  /** For a callback of the running call that waits for JavaScript, before it tells JavaScript so. */
  void BeginCallback();
  /** Then: runs `run` on every task of the callback lane, until EndCallback(). */
  template <typename F>
  void ServeCallback(F run) {
    while (const std::unique_ptr<Task> task = TakeInCallback()) run(*task);
  }
  void EndCallback();
  /** No callback waits any more. */
  void ForbidCallbacks();

  /** True when nothing waits and nothing runs: the handle's lock is free. */
  bool Idle();

  /** Calls `act` while the task with this id runs, and keeps it from ending meanwhile; false when it does not
   * run. */
  template <typename F>
  bool WhileRunning(CallId id, F act) {
    const std::lock_guard lock(mutex_);
    if (!running_ || running_->id() != id) return false;
    act(*running_);
    return true;
  }

  /** Calls `act` while any task runs, and keeps it from ending meanwhile. */
  template <typename F>
  void WithRunning(F act) {
    const std::lock_guard lock(mutex_);
    if (running_) act(*running_);
  }

  /** For the handle's thread: runs `run` on one task after the other, and returns after it returned false. */
  template <typename F>
  void Serve(F run) {
    for (;;) {
      Task& task = Take();
      const bool go_on = run(task);
      Finish();
      if (!go_on) return;
    }
  }

 private:
  void SpinForNext();
  Task& Take();
  void Finish();
  std::unique_ptr<Task> TakeInCallback();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Task>> urgent_;
  std::deque<std::unique_ptr<Task>> ordinary_;
  std::deque<std::unique_ptr<Task>> callback_;
  std::unique_ptr<Task> running_;
  std::atomic<bool> waiting_{false};  // something may be there to take
  bool held_ = false;
  bool in_callback_ = false;
  bool callbacks_forbidden_ = false;
};

}  // namespace guestfs_node
