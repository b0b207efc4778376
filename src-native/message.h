// What travels from a handle's thread to JavaScript.
#pragma once

#include <napi.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>

#include "events.h"

namespace guestfs_node {

/** Number that the facade gives to a call; 0 stands for none. */
using CallId = std::uint32_t;

/** What the delivery of a message means for the handle behind it. */
enum class Effect {
  None,
  Settles,  // a call that keeps the process alive has ended
  Closes,   // the handle is closed and its thread is ending
};

/** Numbers as in lib/native/addon.ts. */
enum class MessageKind : std::uint32_t {
  Turn,
  Started,
  Pipe,
  Event,
  Progress,
  Result,
  Failed,
  Unrepresentable,
};

/** The facade's function that takes messages, called as receiver(kind, callId, ...). */
class Receiver {
 public:
  Receiver(Napi::Env env, napi_value function) : env_(env), function_(function) {}

  /** In plain Node-API: a worker that is being terminated runs no JavaScript, and C++ exceptions of that kill
   * it. False when the function has not come to its end. */
  bool operator()(MessageKind kind, CallId call, std::initializer_list<napi_value> rest = {}) const;

 private:
  Napi::Env env_;
  napi_value function_;
};

/** One message. It is delivered on the JS thread, in order, or dropped when nobody is left to receive it. */
class Message {
 public:
  virtual ~Message() = default;

  virtual void Deliver(Napi::Env env, const Receiver& receiver) = 0;

  virtual Effect effect() const { return Effect::None; }
};

class CallStarted final : public Message {
 public:
  explicit CallStarted(CallId call) : call_(call) {}
  void Deliver(Napi::Env env, const Receiver& receiver) override;

 private:
  CallId call_;
};

class EventMessage final : public Message {
 public:
  EventMessage(CallId call, EventMask event, std::string text)
      : call_(call), event_(event), text_(std::move(text)) {}
  void Deliver(Napi::Env env, const Receiver& receiver) override;

 private:
  CallId call_;
  EventMask event_;
  std::string text_;
};

struct Progress {
  CallId call;
  std::int32_t procedure;
  std::int32_t serial;
  std::uint64_t position;
  std::uint64_t total;
};

class ProgressMessage final : public Message {
 public:
  explicit ProgressMessage(const Progress& progress) : progress_(progress) {}
  void Deliver(Napi::Env env, const Receiver& receiver) override;

  const Progress& progress() const { return progress_; }
  void Replace(const Progress& newer) { progress_ = newer; }

 private:
  Progress progress_;
};

}  // namespace guestfs_node
