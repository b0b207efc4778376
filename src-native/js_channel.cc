#include "js_channel.h"

#include <exception>
#include <utility>

#include "open_sessions.h"

namespace guestfs_node {

JsChannel::JsChannel(Napi::Env env, SessionOwner& owner, Mailbox& mailbox, std::function<void()> closed)
    : env_(env), owner_(&owner), mailbox_(mailbox), closed_(std::move(closed)) {}

void JsChannel::Open(std::shared_ptr<void> session) {
  const auto call_js = [](napi_env env, napi_value, void* channel, void*) {
    if (env != nullptr) static_cast<JsChannel*>(channel)->Drain();
  };
  const auto finalize = [](napi_env, void*, void* channel) {
    const std::shared_ptr<void> last = std::move(static_cast<JsChannel*>(channel)->session_);
  };
  const napi_status status =
      napi_create_threadsafe_function(env_, nullptr, nullptr, Napi::String::New(env_, "guestfs"), 0, 1,
                                      nullptr, finalize, this, call_js, &function_);
  if (status != napi_ok) throw Napi::Error::New(env_);
  session_ = std::move(session);
  napi_unref_threadsafe_function(env_, function_);
}

void JsChannel::Close() {
  is_closed_ = true;
  napi_release_threadsafe_function(function_, napi_tsfn_abort);
}

void JsChannel::Notify() { napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking); }

void JsChannel::Drain() {
  mailbox_.TakeAll(inbox_);
  Deliver(inbox_, Extent::Turn);
}

void JsChannel::Deliver(Messages messages) { Deliver(messages, Extent::All); }

void JsChannel::Deliver(Messages& messages, Extent extent) {
  const std::shared_ptr<void> alive = session_;
  const Napi::HandleScope scope(env_);
  try {
    DeliverEach(messages, extent);
    if (is_closed_) env_.GetInstanceData<OpenSessions>()->StopWatchingExit(env_);
  } catch (const Napi::Error& error) {
    error.ThrowAsJavaScriptException();
  } catch (const std::exception& error) {
    Napi::Error::New(env_, error.what()).ThrowAsJavaScriptException();
  }
}

void JsChannel::DeliverEach(Messages& messages, Extent extent) {
  napi_value function = owner_ == nullptr ? nullptr : owner_->ReceiverFunction();
  const Receiver receiver(env_, function);
  auto* open = env_.GetInstanceData<OpenSessions>();
  while (!messages.empty()) {
    if (extent == Extent::Turn && function != nullptr && open->TurnIsOver(receiver)) return;
    const Napi::HandleScope scope(env_);
    const std::unique_ptr<Message> message = std::move(messages.front());
    messages.pop_front();
    if (message->effect() != Effect::None) Settle(message->effect());
    if (function != nullptr) message->Deliver(env_, receiver);
  }
}

void JsChannel::Settle(Effect effect) {
  if (let_go_ > 0) {
    --let_go_;
  } else if (pending_ > 0) {
    RemovePending();
  }
  if (effect == Effect::Closes) closed_();
}

void JsChannel::AddPending() {
  if (pending_++ > 0) return;
  napi_ref_threadsafe_function(env_, function_);
  if (owner_ != nullptr) owner_->KeepAlive();
}

void JsChannel::RemovePending() {
  if (--pending_ > 0) return;
  napi_unref_threadsafe_function(env_, function_);
  if (owner_ != nullptr) owner_->LetGo();
}

void JsChannel::LetGo() {
  if (pending_ == 0) return;
  ++let_go_;
  RemovePending();
}

}  // namespace guestfs_node
