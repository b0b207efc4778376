#include "open_sessions.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "session.h"

namespace guestfs_node {
namespace {

using std::chrono::steady_clock;

/** How long messages may be delivered in one turn of the event loop, by all sessions together. */
constexpr std::chrono::milliseconds kTurn{4};
/** How often all threads are looked at while the handles are closed. */
constexpr std::chrono::microseconds kTearDownPoll{20'000};

}  // namespace

void OpenSessions::Add(Session* session) {
  spare_.Keep();
  sessions_.push_back(session);
}

void OpenSessions::Remove(Session* session) {
  std::erase(sessions_, session);
  if (sessions_.empty()) spare_.Drop();
}

void OpenSessions::WatchExit(Napi::Env env) {
  if (!exit_listener_.IsEmpty()) return;
  const auto close_all = [](const Napi::CallbackInfo& info) {
    info.Env().GetInstanceData<OpenSessions>()->CloseAll();
  };
  const Napi::Function listener = Napi::Function::New(env, close_all, "closeGuestfsHandles");
  Process(env, "on", listener);
  exit_listener_ = Napi::Persistent(listener);
}

void OpenSessions::StopWatchingExit(Napi::Env env) {
  if (!sessions_.empty() || exit_listener_.IsEmpty()) return;
  const Napi::FunctionReference listener = std::move(exit_listener_);  // who hears of it may open a handle
  Process(env, "off", listener.Value());
}

void OpenSessions::Process(Napi::Env env, const char* method, Napi::Function listener) {
  const auto process = env.Global().Get("process").As<Napi::Object>();
  process.Get(method).As<Napi::Function>().Call(process, {Napi::String::New(env, "exit"), listener});
}

void OpenSessions::CloseAll() {
  std::vector<Session*> ending = std::exchange(sessions_, {});
  for (Session* session : ending) session->BeginTearDown();
  while (!ending.empty()) {  // round and round: all have their grace at the same time
    const auto wait = kTearDownPoll / ending.size();
    std::erase_if(ending, [wait](Session* session) { return session->GoOnTearingDown(wait); });
  }
  spare_.Drop();
}

/** Node calls again in the same turn while there are notifications, so the facade tells when the next one
 * begins. */
bool OpenSessions::TurnIsOver(const Receiver& receiver) {
  if (turn_began_) return TimeIsUp();
  turn_began_ = steady_clock::now();
  receiver(MessageKind::Turn, 0);
  return false;
}

void OpenSessions::NextTurn() {
  turn_began_.reset();
  // What is delivered may open and close sessions.
  std::vector<std::shared_ptr<Session>> now_open;
  for (Session* session : sessions_) now_open.push_back(session->Keep());
  for (const auto& session : now_open) {
    if (turn_began_ && TimeIsUp()) return;
    session->Drain();
    MoveToBack(session.get());
  }
}

bool OpenSessions::TimeIsUp() const { return steady_clock::now() >= *turn_began_ + kTurn; }

void OpenSessions::MoveToBack(const Session* session) {
  const auto found = std::ranges::find(sessions_, session);
  if (found != sessions_.end()) std::rotate(found, found + 1, sessions_.end());
}

}  // namespace guestfs_node
