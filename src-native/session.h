// An open libguestfs handle with its thread, its queue and its mailbox.
#pragma once

#include <napi.h>
#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "arguments.h"
#include "console_tail.h"
#include "event_relay.h"
#include "js_channel.h"
#include "local_mount.h"
#include "mailbox.h"
#include "private_data.h"
#include "result.h"
#include "task_queue.h"

struct guestfs_h;

namespace guestfs_node {

class Call;

/**
 * All public methods are for the JS thread. The session lives as long as its thread-safe function: after the
 * owner has gone it closes the handle by itself, and so it does when the environment ends.
 */
class Session : public std::enable_shared_from_this<Session> {
 public:
  static std::shared_ptr<Session> Open(Napi::Env env, SessionOwner& owner);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /**
   * Queues a task; false when the handle is being closed. An awaited one keeps the process alive until its
   * message has been delivered.
   */
  bool Submit(std::unique_ptr<Task> task, Lane lane, bool awaited);

  /** Whether instant calls may be made: nothing runs, and nothing waits. */
  bool IsFree();

  /** Makes a call on the JS thread: only while the handle is free. Its events wait for RelayEvents(). */
  Result CallInstantly(const Call& call);
  bool HasEvents() const { return relay_.HasEvents(); }

  bool RemoveWaiting(CallId id);
  std::vector<CallId> RemoveAllWaiting();

  /** Makes that call end early, if it runs and can be cancelled. */
  bool Cancel(CallId id);

  /** Queues a hold: once it has begun, only urgent calls run until Release(). */
  void SubmitHold(CallId id);
  void Release();

  /** Closes the handle after all that waits. */
  void SubmitClose(CallId id);

  /** A task that is awaited, and does not end, keeps the process no longer. */
  void LetGo() { channel_.LetGo(); }

  /** The owner has been collected: closes the handle off the JS thread. */
  void Abandon();

  /** From now on libvirt's questions for credentials are events, and wait for EndCallback(). */
  void AnswerLibvirtAuth();
  void EndCallback() { queue_.EndCallback(); }

  /** `deliver`: events that go to JavaScript; `listened`: those that need not go to stderr; `starts`: whether
   * JavaScript is told of the start of each call. */
  void SetEventMasks(EventMask deliver, EventMask listened, bool starts) {
    relay_.SetMasks(deliver, listened, starts);
  }

  void SetPrivate(const std::string& key);
  void DeletePrivate(const std::string& key);
  PrivateData::State LookupPrivate(const std::string& key);
  std::vector<std::string> PrivateKeys();

  std::vector<pid_t> Children() const;
  /** Ends the local mount too. Returns 0, or the errno for which some could not be seen, or not be killed. */
  int KillChildren();
  /** Kills children as KillChildren() does, while that call runs, and nothing of a later call. */
  int KillChildrenOf(CallId id);
  std::string ConsoleTailText() { return console_.Read(); }

  /** Delivers the events of instant calls; those of calls that listeners make are kept for the next time. */
  void RelayEvents() { channel_.Deliver(relay_.TakeEvents()); }

  /** Delivers what waits, as far as this turn of the event loop has time for it. */
  void Drain() { channel_.Drain(); }

  /** Keeps it while its messages are delivered. */
  std::shared_ptr<Session> Keep() { return shared_from_this(); }

  /** Closes the handle on behalf of an environment that ends: a running call is given a moment to finish. */
  void BeginTearDown();
  /** To be called after BeginTearDown() again and again, until it says that this is over. */
  bool GoOnTearingDown(std::chrono::microseconds wait);

 private:
  class Hold;
  class Close;
  struct Closer {
    void operator()(guestfs_h* g) const;
  };

  Session(Napi::Env env, SessionOwner& owner);

  void RegisterCallbacks();
  static Session* Find(guestfs_h* g);
  static void OnProgress(guestfs_h*, void*, int procedure, int serial, std::uint64_t position,
                         std::uint64_t total);
  static void OnEvent(guestfs_h*, void*, std::uint64_t event, int, int, const char* text, std::size_t size,
                      const std::uint64_t*, std::size_t);
  static void OnLibvirtAuth(guestfs_h*, void*, std::uint64_t event, int, int, const char* uri,
                            std::size_t size, const std::uint64_t*, std::size_t);
  void HandleEvent(guestfs_h* g, EventMask event, std::string_view text);
  void AskForCredentials(std::string_view uri);

  void StartThread();
  void ServeQueue();
  bool RunTask(Task& task);
  void WritePrivate(std::unique_ptr<Task> task);

  void Register();
  void Finish();
  static void TearDown(void* session);
  SpareDescriptor& Spare() const;

  Napi::Env env_;
  JsChannel channel_;

  PrivateData private_;
  ConsoleTail console_;
  LocalMount local_mount_;
  Mailbox mailbox_;
  TaskQueue queue_;
  EventRelay relay_{mailbox_};
  bool closed_to_calls_ = false;
  bool finished_ = false;

  std::atomic<pid_t> thread_id_{0};
  std::atomic<bool> closing_{false};  // the thread has begun guestfs_close
  CallId running_call_ = 0;           // on the handle's thread

  std::unique_ptr<guestfs_h, Closer> handle_;       // the thread's own while it runs a task
  guestfs_h* const cancel_handle_ = handle_.get();  // for the JS thread, where the task is known to be a call
  std::promise<void> ended_;
  const std::future<void> end_ = ended_.get_future();
  std::chrono::steady_clock::time_point patience_began_;  // when the environment ends
  bool seen_closing_ = false;                             // likewise
  std::thread thread_;
};

}  // namespace guestfs_node
