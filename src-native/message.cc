#include "message.h"

#include "text.h"

namespace guestfs_node {

void CallStarted::Deliver(Napi::Env env, const Napi::Function& receiver) {
  receiver({Napi::String::New(env, "started"), Napi::Number::New(env, call_)});
}

void EventMessage::Deliver(Napi::Env env, const Napi::Function& receiver) {
  receiver({Napi::String::New(env, "event"), Napi::Number::New(env, call_),
            Napi::Number::New(env, static_cast<double>(event_)), Decode(env, text_)});
}

void ProgressMessage::Deliver(Napi::Env env, const Napi::Function& receiver) {
  receiver({Napi::String::New(env, "progress"), Napi::Number::New(env, progress_.call),
            Napi::Number::New(env, progress_.procedure), Napi::Number::New(env, progress_.serial),
            Napi::BigInt::New(env, progress_.position), Napi::BigInt::New(env, progress_.total)});
}

}  // namespace guestfs_node
