#include "message.h"

#include <algorithm>
#include <array>
#include <new>

#include "text.h"

namespace guestfs_node {

bool Receiver::operator()(MessageKind kind, CallId call, std::initializer_list<napi_value> rest) const {
  constexpr std::size_t kMost = 6;
  std::array<napi_value, kMost> arguments{Napi::Number::New(env_, static_cast<double>(kind)),
                                          Napi::Number::New(env_, call)};
  std::ranges::copy(rest, arguments.begin() + 2);
  const napi_status status =
      napi_call_function(env_, env_.Undefined(), function_, 2 + rest.size(), arguments.data(), nullptr);
  napi_value exception = nullptr;
  if (status == napi_pending_exception && napi_get_and_clear_last_exception(env_, &exception) == napi_ok) {
    napi_fatal_exception(env_, exception);  // a mistake of the facade must not pass unseen
  }
  return status == napi_ok;
}

void CallStarted::Deliver(Napi::Env, const Receiver& receiver) { receiver(MessageKind::Started, call_); }

void EventMessage::Deliver(Napi::Env env, const Receiver& receiver) try {
  constexpr std::size_t kMost = std::size_t{1} << 28;  // fits into a string, however it is encoded
  receiver(MessageKind::Event, call_,
           {Napi::Number::New(env, static_cast<double>(event_)), DecodeBeginning(env, text_, kMost)});
} catch (const std::bad_alloc&) {  // lost, as it would have been on the handle's thread
}

void ProgressMessage::Deliver(Napi::Env env, const Receiver& receiver) {
  receiver(MessageKind::Progress, progress_.call,
           {Napi::Number::New(env, progress_.procedure), Napi::Number::New(env, progress_.serial),
            Napi::BigInt::New(env, progress_.position), Napi::BigInt::New(env, progress_.total)});
}

}  // namespace guestfs_node
