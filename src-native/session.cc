#include "session.h"

#define GUESTFS_NO_WARN_DEPRECATED 1
#include <guestfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <new>
#include <system_error>
#include <utility>

#include "call.h"
#include "children.h"
#include "open_sessions.h"
#include "text.h"
#include "thread_keys.h"

namespace guestfs_node {
namespace {

using namespace std::chrono_literals;

/** Keys with a leading underscore are for language bindings. */
constexpr const char* kOwnKey = "_guestfs_node";

/** How long a running call may go on when the environment ends, before its appliance is killed. */
constexpr auto kGrace = 1s;
/** How long guestfs_close may then take to sync the disks. */
constexpr auto kCloseGrace = 30s;
/** How long killing may take to have an effect: what hangs on after that does not hang on the appliance. */
constexpr auto kKillGrace = 5s;

/** What an open handle weighs for the garbage collector, which sees only a small object, not the thread
 * behind it. */
constexpr std::int64_t kWeight = std::int64_t{1024} * 1024;

class HoldBegun final : public Message {
 public:
  explicit HoldBegun(CallId call) : call_(call) {}
  void Deliver(Napi::Env env, const Receiver& receiver) override {
    receiver(MessageKind::Result, call_, {env.Undefined()});
  }

 private:
  CallId call_;
};

class Closed final : public Message {
 public:
  explicit Closed(CallId call) : call_(call) {}
  Effect effect() const override { return Effect::Closes; }
  void Deliver(Napi::Env env, const Receiver& receiver) override {
    receiver(MessageKind::Result, call_, {env.Undefined()});
  }

 private:
  CallId call_;
};

/** The error whose code lib/host/limits.ts knows. */
Napi::Error LimitReached(Napi::Env env, const char* code, const char* message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", code);
  return error;
}

/** No exception may pass through libguestfs: without memory for it, a message is lost. */
template <typename F>
void Guarded(F deliver) {
  try {
    deliver();
  } catch (const std::bad_alloc&) {
  }
}

}  // namespace

class Session::Hold final : public Task {
 public:
  Hold(CallId id, TaskQueue& queue) : Task(id), queue_(queue) {}

  std::unique_ptr<Message> Run(guestfs_h*) override {
    queue_.Hold();
    return std::make_unique<HoldBegun>(id());
  }

 private:
  TaskQueue& queue_;
};

class Session::Close final : public Task {
 public:
  Close(CallId id, Session& session) : Task(id), session_(session) {}

  std::unique_ptr<Message> Run(guestfs_h*) override {
    session_.closing_ = true;
    session_.local_mount_.DetachAndWait();
    session_.handle_.reset();
    return std::make_unique<Closed>(id());
  }

 private:
  Session& session_;
};

void Session::Closer::operator()(guestfs_h* g) const { guestfs_close(g); }

std::shared_ptr<Session> Session::Open(Napi::Env env, SessionOwner& owner) {
  if (!HasSpareThreadKeys()) throw LimitReached(env, "ERR_NO_KEY", "no thread-specific key is left");
  env.GetInstanceData<OpenSessions>()->WatchExit(env);  // runs JavaScript, so it may throw: first of all
  std::shared_ptr<Session> session(new Session(env, owner));  // the constructor is private
  session->channel_.Open(session);
  session->Register();
  return session;
}

Session::Session(Napi::Env env, SessionOwner& owner)
    : env_(env),
      channel_(env, owner, mailbox_, [this] { Finish(); }),
      mailbox_([this] { channel_.Notify(); }),
      handle_(guestfs_create_flags(GUESTFS_CREATE_NO_ENVIRONMENT | GUESTFS_CREATE_NO_CLOSE_ON_EXIT)) {
  if (!handle_) throw Napi::Error::New(env, "guestfs_create_flags: out of memory");
  RegisterCallbacks();
}

Session::~Session() {
  if (thread_.joinable()) thread_.join();
}

// Callbacks. They run on the thread that makes the call, inside the handle's recursive lock.

void Session::RegisterCallbacks() {
  guestfs_h* g = handle_.get();
  guestfs_set_error_handler(g, nullptr, nullptr);
  guestfs_set_private(g, kOwnKey, this);
  guestfs_set_progress_callback(g, &OnProgress, nullptr);
  const EventMask events = GUESTFS_EVENT_ALL & ~static_cast<EventMask>(GUESTFS_EVENT_PROGRESS);
  if (guestfs_set_event_callback(g, &OnEvent, events & ~EventMask{GUESTFS_EVENT_LIBVIRT_AUTH}, 0, nullptr) ==
      -1) {
    throw Napi::Error::New(env_, "guestfs_set_event_callback failed");
  }
}

Session* Session::Find(guestfs_h* g) { return static_cast<Session*>(guestfs_get_private(g, kOwnKey)); }

void Session::OnProgress(guestfs_h* g, void*, int procedure, int serial, std::uint64_t position,
                         std::uint64_t total) {
  Session* session = Find(g);
  Guarded([&] {
    session->mailbox_.PostProgress({session->running_call_, procedure, serial, position, total});
  });
}

void Session::OnEvent(guestfs_h* g, void*, std::uint64_t event, int, int, const char* text, std::size_t size,
                      const std::uint64_t*, std::size_t) {
  Session* session = Find(g);
  Guarded([&] { session->HandleEvent(g, event, {text == nullptr ? "" : text, size}); });
}

void Session::OnLibvirtAuth(guestfs_h* g, void*, std::uint64_t, int, int, const char* uri, std::size_t size,
                            const std::uint64_t*, std::size_t) {
  Session* session = Find(g);
  Guarded([&] { session->AskForCredentials({uri == nullptr ? "" : uri, size}); });
}

/** JavaScript answers by calls, which libguestfs accepts within this callback only. */
void Session::AskForCredentials(std::string_view uri) {
  queue_.BeginCallback();
  mailbox_.Post(std::make_unique<EventMessage>(running_call_, GUESTFS_EVENT_LIBVIRT_AUTH, std::string(uri)));
  queue_.ServeCallback([this](Task& task) { RunTask(task); });
}

void Session::HandleEvent(guestfs_h* g, EventMask event, std::string_view text) {
  if (event == GUESTFS_EVENT_APPLIANCE) console_.Append(text);
  relay_.Relay(g, running_call_, event, text);
}

// The handle's thread.

void Session::StartThread() try {
  thread_ = std::thread([self = shared_from_this()] { self->ServeQueue(); });
} catch (const std::system_error& error) {
  throw LimitReached(env_, "ERR_NO_THREAD", error.what());
}

void Session::ServeQueue() {
  thread_id_ = static_cast<pid_t>(::syscall(SYS_gettid));
  guestfs_set_error_handler(handle_.get(), nullptr, nullptr);  // it is kept per thread
  queue_.Serve([this](Task& task) { return RunTask(task); });
  thread_id_ = 0;
  ended_.set_value();
}

bool Session::RunTask(Task& task) {
  const CallId outer = std::exchange(running_call_, task.id());
  if (task.id() != 0) relay_.TellStart(task.id());
  if (std::unique_ptr<Message> message = task.Prepare()) mailbox_.Post(std::move(message));
  if (task.StartsAppliance()) console_.Clear();
  std::unique_ptr<Message> message = task.Run(handle_.get());
  task.TellMount(local_mount_);
  running_call_ = outer;
  if (message) mailbox_.Post(std::move(message));
  return handle_ != nullptr;
}

// The JS thread.

void Session::Register() {
  // Hooks run last in, first out: ours ends the thread before Node closes the thread-safe function.
  napi_add_env_cleanup_hook(env_, &TearDown, this);
  env_.GetInstanceData<OpenSessions>()->Add(this);
  Napi::MemoryManagement::AdjustExternalMemory(env_, kWeight);
}

bool Session::Submit(std::unique_ptr<Task> task, Lane lane, bool awaited) {
  if (finished_) return true;  // the environment ends: nobody will hear of it
  if (closed_to_calls_ && lane == Lane::Ordinary) return false;
  if (!thread_.joinable()) StartThread();
  if (awaited) channel_.AddPending();
  queue_.Push(std::move(task), lane);
  return true;
}

bool Session::IsFree() {
  // The handle last: until the queue is idle it may be the thread's.
  return !finished_ && !closed_to_calls_ && relay_.HasRoom() && queue_.Idle() && handle_;
}

Result Session::CallInstantly(const Call& call) {
  const EventRelay::InstantCall instant(relay_);
  return call.Invoke(handle_.get());
}

bool Session::RemoveWaiting(CallId id) {
  const std::unique_ptr<Task> task = queue_.Remove(id);
  if (task) channel_.RemovePending();
  return task != nullptr;
}

std::vector<CallId> Session::RemoveAllWaiting() {
  std::vector<CallId> ids;
  for (const auto& task : queue_.RemoveAll()) {
    ids.push_back(task->id());
    channel_.RemovePending();
  }
  return ids;
}

bool Session::Cancel(CallId id) {
  bool cancelled = false;
  queue_.WhileRunning(id, [&](Task& task) {
    cancelled = task.Cancel(cancel_handle_, Spare());
    if (task.ServesMount()) local_mount_.Detach();
  });
  return cancelled;
}

void Session::SubmitHold(CallId id) { Submit(std::make_unique<Hold>(id, queue_), Lane::Ordinary, true); }

void Session::Release() {
  queue_.Release();
  channel_.RemovePending();
}

void Session::SubmitClose(CallId id) {
  if (finished_) return;  // the environment ends: its thread may still have the handle
  auto close = std::make_unique<Close>(id, *this);
  if (thread_.joinable()) {
    closed_to_calls_ = false;  // submitted again, when kill() has emptied the queue
    Submit(std::move(close), Lane::Ordinary, true);
  } else {  // it made no call: there is nothing to wait for
    channel_.AddPending();
    RunTask(*close);
  }
  closed_to_calls_ = true;
}

void Session::Abandon() {
  channel_.LoseOwner();
  if (closed_to_calls_ || finished_) return;
  if (!thread_.joinable()) {  // it made no call: there is nothing to wait for
    handle_.reset();
    Finish();
    return;
  }
  Submit(std::make_unique<Close>(0, *this), Lane::Ordinary, false);
}

void Session::AnswerLibvirtAuth() {
  guestfs_h* g = handle_.get();
  if (guestfs_set_event_callback(g, &OnLibvirtAuth, GUESTFS_EVENT_LIBVIRT_AUTH, 0, nullptr) == -1)
    throw Napi::Error::New(env_, "guestfs_set_event_callback failed");
}

void Session::WritePrivate(std::unique_ptr<Task> task) {
  if (!queue_.Idle()) {
    Submit(std::move(task), Lane::Urgent, false);
  } else if (handle_) {  // else it has been closed, and nobody will ask libguestfs any more
    task->Run(handle_.get());
  }
}

void Session::SetPrivate(const std::string& key) { WritePrivate(private_.Set(key)); }

void Session::DeletePrivate(const std::string& key) { WritePrivate(private_.Delete(key)); }

PrivateData::State Session::LookupPrivate(const std::string& key) {
  return queue_.Idle() && handle_ ? private_.Lookup(handle_.get(), key) : private_.LookupBusy(key);
}

std::vector<std::string> Session::PrivateKeys() {
  return queue_.Idle() && handle_ ? private_.Keys(handle_.get()) : private_.KeysBusy();
}

SpareDescriptor& Session::Spare() const { return env_.GetInstanceData<OpenSessions>()->spare(); }

std::vector<pid_t> Session::Children() const { return ChildrenOfThread(thread_id_, Spare()); }

int Session::KillChildrenOf(CallId id) {
  int problem = 0;
  queue_.WhileRunning(id, [&](const Task&) { problem = KillChildren(); });
  return problem;
}

int Session::KillChildren() {
  local_mount_.Detach();
  return thread_id_ == 0 ? 0 : KillChildrenOfThread(thread_id_, Spare());
}

// The end.

void Session::Finish() {
  finished_ = true;
  mailbox_.Shut();
  if (thread_.joinable()) thread_.join();
  napi_remove_env_cleanup_hook(env_, &TearDown, this);
  env_.GetInstanceData<OpenSessions>()->Remove(this);
  Napi::MemoryManagement::AdjustExternalMemory(env_, -kWeight);
  channel_.Close();
}

/** Cleanup hook of each session: the first one to run closes them all. */
void Session::TearDown(void* session) {
  static_cast<Session*>(session)->env_.GetInstanceData<OpenSessions>()->CloseAll();
}

void Session::BeginTearDown() {
  if (finished_) return;
  finished_ = true;
  channel_.LoseOwner();
  patience_began_ = std::chrono::steady_clock::now();
  mailbox_.Shut();
  queue_.RemoveAll();
  queue_.ForbidCallbacks();
  if (!thread_.joinable()) {
    handle_.reset();
    return;
  }
  queue_.Push(std::make_unique<Close>(0, *this),
              Lane::Urgent);  // one too many does not matter: it never runs
  queue_.Release();
}

/** When the thread takes too long, kills what the running call or guestfs_close waits for. */
bool Session::GoOnTearingDown(std::chrono::microseconds wait) {
  if (!thread_.joinable()) return true;
  if (end_.wait_for(wait) == std::future_status::ready) {
    thread_.join();
    return true;
  }
  const auto now = std::chrono::steady_clock::now();
  if (closing_ && !std::exchange(seen_closing_, true)) patience_began_ = now;
  const auto grace = patience_began_ + (seen_closing_ ? kCloseGrace : kGrace);
  if (now > grace + kKillGrace) {
    thread_.detach();  // a call that waits for something on the host, as a pipe: the thread keeps the session
                       // alive
    return true;
  }
  if (now > grace) {
    KillChildren();
    queue_.WithRunning(
        [this](Task& task) { task.Cancel(cancel_handle_, Spare()); });  // it may wait for the host
  }
  return false;
}

}  // namespace guestfs_node
