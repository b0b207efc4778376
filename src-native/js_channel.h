// The channel from a session to JavaScript.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>

#include "mailbox.h"
#include "message.h"

namespace guestfs_node {

/** The JavaScript object that a session belongs to. */
class SessionOwner {
 public:
  virtual void KeepAlive() = 0;
  virtual void LetGo() = 0;
  /** Null when the object has been collected. */
  virtual napi_value ReceiverFunction() = 0;

 protected:
  ~SessionOwner() = default;
};

/** Delivers the messages of a mailbox, and keeps process and owner alive while some are awaited. For the JS
 * thread. */
class JsChannel {
 public:
  /** `closed` is called when the message that the handle is closed has come, before it is delivered. */
  JsChannel(Napi::Env env, SessionOwner& owner, Mailbox& mailbox, std::function<void()> closed);
  JsChannel(const JsChannel&) = delete;
  JsChannel& operator=(const JsChannel&) = delete;

  /** `session`, whose channel it is, lives until the thread-safe function has been finalised. */
  void Open(std::shared_ptr<void> session);
  void Close();

  /** From any thread: there are messages. */
  void Notify();

  /** Delivers what waits, as far as this turn of the event loop has time for it. */
  void Drain();
  /** Delivers these messages now. */
  void Deliver(Messages messages);

  /** The object has been collected, or its environment ends. */
  void LoseOwner() { owner_ = nullptr; }

  /** Counts one more message that is awaited, or one less. */
  void AddPending();
  void RemovePending();
  /** Lets one awaited message go: nobody waits for it any longer, though it may still come. */
  void LetGo();

 private:
  enum class Extent {
    Turn,  // as much as this turn of the event loop has time for
    All,
  };

  void Deliver(Messages& messages, Extent extent);
  void DeliverEach(Messages& messages, Extent extent);
  void Settle(Effect effect);

  Napi::Env env_;
  SessionOwner* owner_;
  Mailbox& mailbox_;
  std::function<void()> closed_;
  std::shared_ptr<void> session_;
  napi_threadsafe_function function_ = nullptr;
  Messages inbox_;   // taken from the mailbox, not yet delivered
  int pending_ = 0;  // awaited messages that keep the process alive
  int let_go_ = 0;   // others
  bool is_closed_ = false;
};

}  // namespace guestfs_node
