// The sessions of an environment, and what they share: its end, and the turns of its event loop.
#pragma once

#include <napi.h>

#include <chrono>
#include <optional>
#include <vector>

#include "message.h"
#include "spare_descriptor.h"

namespace guestfs_node {

class Session;

/** The open sessions of an environment (of the main thread or a worker), to be closed when it ends. */
class OpenSessions {
 public:
  void Add(Session* session);
  void Remove(Session* session);

  /** Closes them all when the process ends, for process.exit() runs no cleanup hooks. */
  void WatchExit(Napi::Env env);
  void CloseAll();
  /** Once there are none any more. It runs JavaScript, so no finalizer may call it. */
  void StopWatchingExit(Napi::Env env);

  /** Whether what more there is to deliver has to wait for the next turn of the event loop. */
  bool TurnIsOver(const Receiver& receiver);
  /** The turn of which the message "turn" has told is over: those go first that had no time in it. */
  void NextTurn();

  SpareDescriptor& spare() { return spare_; }

 private:
  static void Process(Napi::Env env, const char* method, Napi::Function listener);
  bool TimeIsUp() const;
  void MoveToBack(const Session* session);

  SpareDescriptor spare_;  // while sessions are open
  Napi::FunctionReference exit_listener_;
  std::vector<Session*> sessions_;
  std::optional<std::chrono::steady_clock::time_point> turn_began_;
};

}  // namespace guestfs_node
