#include "native_handle.h"

#include <array>
#include <string>
#include <utility>

#include "arguments.h"
#include "call.h"
#include "descriptors.h"
#include "text.h"
#include "unrepresentable.h"

namespace guestfs_node {
namespace {

CallId IdAt(const Napi::CallbackInfo& info, std::size_t i) {
  return info[i].As<Napi::Number>().Uint32Value();
}

EventMask MaskAt(const Napi::CallbackInfo& info, std::size_t i) {
  return static_cast<EventMask>(info[i].As<Napi::Number>().Int64Value());
}

/** Keys have been checked by the facade. */
std::string KeyAt(const Napi::CallbackInfo& info, std::size_t i) {
  std::string key;
  Encode(info[i].As<Napi::String>(), true, key);
  return key;
}

/** As in lib/native/addon.ts: ordinary, urgent, callback. */
Lane LaneAt(const Napi::CallbackInfo& info, std::size_t i) {
  constexpr std::array kLanes = {Lane::Ordinary, Lane::Urgent, Lane::Callback};
  return kLanes[info[i].As<Napi::Number>().Uint32Value()];
}

const Function& FunctionAt(const Napi::CallbackInfo& info, std::size_t i) {
  return Functions()[info[i].As<Napi::Number>().Uint32Value()];
}

/** The arguments at `i` (values), `i + 1` (names of options) and `i + 2` (values of options). */
std::unique_ptr<Arguments> ArgumentsAt(const Function& function, const Napi::CallbackInfo& info,
                                       std::size_t i) {
  return std::make_unique<Arguments>(function, info[i].As<Napi::Array>(), info[i + 1].As<Napi::Array>(),
                                     info[i + 2].As<Napi::Array>());
}

Napi::Object ToObject(Napi::Env env, Result& result) {
  if (const Failure* failure = result.failure()) return FailureToObject(env, *failure);
  Napi::Object outcome = Napi::Object::New(env);
  try {
    outcome["value"] = result.ToJs(env);
  } catch (const Unrepresentable& problem) {
    outcome["unrepresentable"] = problem.ToObject(env);
  }
  return outcome;
}

}  // namespace

Napi::Function NativeHandle::Define(Napi::Env env) {
  return DefineClass(env, "NativeHandle",
                     {
                         InstanceMethod<&NativeHandle::Call>("call"),
                         InstanceMethod<&NativeHandle::CallInstantly>("callInstantly"),
                         InstanceMethod<&NativeHandle::Remove>("remove"),
                         InstanceMethod<&NativeHandle::RemoveAll>("removeAll"),
                         InstanceMethod<&NativeHandle::Cancel>("cancel"),
                         InstanceMethod<&NativeHandle::Hold>("hold"),
                         InstanceMethod<&NativeHandle::Release>("release"),
                         InstanceMethod<&NativeHandle::RelayEvents>("relayEvents"),
                         InstanceMethod<&NativeHandle::Close>("close"),
                         InstanceMethod<&NativeHandle::LetCallGo>("letGo"),
                         InstanceMethod<&NativeHandle::SetEventMasks>("setEventMasks"),
                         InstanceMethod<&NativeHandle::SetPrivate>("setPrivate"),
                         InstanceMethod<&NativeHandle::DeletePrivate>("deletePrivate"),
                         InstanceMethod<&NativeHandle::LookupPrivate>("lookupPrivate"),
                         InstanceMethod<&NativeHandle::PrivateKeys>("privateKeys"),
                         InstanceMethod<&NativeHandle::Children>("children"),
                         InstanceMethod<&NativeHandle::Kill>("kill"),
                         InstanceMethod<&NativeHandle::ConsoleTail>("consoleTail"),
                         InstanceMethod<&NativeHandle::AnswerLibvirtAuth>("answerLibvirtAuth"),
                         InstanceMethod<&NativeHandle::EndCallback>("endCallback"),
                     });
}

NativeHandle::NativeHandle(const Napi::CallbackInfo& info)
    : ObjectWrap(info), session_(Session::Open(info.Env(), *this)) {}

NativeHandle::~NativeHandle() {
  if (session_) session_->Abandon();
}

napi_value NativeHandle::ReceiverFunction() {
  const Napi::Object object = Value();
  napi_value receiver = nullptr;
  if (object.IsEmpty()) return nullptr;
  return napi_get_named_property(Env(), object, "receive", &receiver) == napi_ok ? receiver : nullptr;
}

Napi::Value NativeHandle::Call(const Napi::CallbackInfo& info) {
  const CallId id = IdAt(info, 0);
  const Function& function = FunctionAt(info, 1);
  const bool keep_partial = info[6].ToBoolean();
  try {
    auto task =
        std::make_unique<guestfs_node::Call>(id, function, ArgumentsAt(function, info, 2), keep_partial);
    if (!session_->Submit(std::move(task), LaneAt(info, 5), true))
      return ArgumentProblem{"closed", "", ""}.ToObject(info.Env());
  } catch (const ArgumentProblem& problem) {
    return problem.ToObject(info.Env());
  }
  return info.Env().Undefined();
}

Napi::Value NativeHandle::CallInstantly(const Napi::CallbackInfo& info) {
  if (!session_->IsFree()) return info.Env().Undefined();
  const Function& function = FunctionAt(info, 0);
  try {
    const guestfs_node::Call call(0, function, ArgumentsAt(function, info, 1));
    if (!session_->IsFree()) return info.Env().Undefined();  // arguments may be proxies, which run JavaScript
    Result result = session_->CallInstantly(call);
    Napi::Object outcome = ToObject(info.Env(), result);
    if (session_->HasEvents()) outcome["hasEvents"] = true;
    return outcome;
  } catch (const ArgumentProblem& problem) {
    return problem.ToObject(info.Env());
  }
}

Napi::Value NativeHandle::Remove(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), session_->RemoveWaiting(IdAt(info, 0)));
}

Napi::Value NativeHandle::RemoveAll(const Napi::CallbackInfo& info) {
  Napi::Array ids = Napi::Array::New(info.Env());
  for (const CallId id : session_->RemoveAllWaiting()) ids[ids.Length()] = id;
  return ids;
}

Napi::Value NativeHandle::Cancel(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), session_->Cancel(IdAt(info, 0)));
}

void NativeHandle::Hold(const Napi::CallbackInfo& info) { session_->SubmitHold(IdAt(info, 0)); }

void NativeHandle::Release(const Napi::CallbackInfo&) { session_->Release(); }

void NativeHandle::RelayEvents(const Napi::CallbackInfo&) { session_->RelayEvents(); }

void NativeHandle::Close(const Napi::CallbackInfo& info) { session_->SubmitClose(IdAt(info, 0)); }

void NativeHandle::LetCallGo(const Napi::CallbackInfo&) { session_->LetGo(); }

void NativeHandle::SetEventMasks(const Napi::CallbackInfo& info) {
  session_->SetEventMasks(MaskAt(info, 0), MaskAt(info, 1), info[2].ToBoolean());
}

void NativeHandle::SetPrivate(const Napi::CallbackInfo& info) { session_->SetPrivate(KeyAt(info, 0)); }

void NativeHandle::DeletePrivate(const Napi::CallbackInfo& info) { session_->DeletePrivate(KeyAt(info, 0)); }

Napi::Value NativeHandle::LookupPrivate(const Napi::CallbackInfo& info) {
  switch (session_->LookupPrivate(KeyAt(info, 0))) {
    case PrivateData::State::Missing:
      break;
    case PrivateData::State::Ours:
      return Napi::String::New(info.Env(), "ours");
    case PrivateData::State::Foreign:
      return Napi::String::New(info.Env(), "foreign");
  }
  return info.Env().Undefined();
}

Napi::Value NativeHandle::PrivateKeys(const Napi::CallbackInfo& info) {
  Napi::Array keys = Napi::Array::New(info.Env());
  std::uint32_t i = 0;
  for (const std::string& key : session_->PrivateKeys()) keys.Set(i++, Decode(info.Env(), key));
  return keys;
}

Napi::Value NativeHandle::Children(const Napi::CallbackInfo& info) {
  Napi::Array pids = Napi::Array::New(info.Env());
  std::uint32_t i = 0;
  for (const pid_t pid : session_->Children()) pids.Set(i++, Napi::Number::New(info.Env(), pid));
  return pids;
}

Napi::Value NativeHandle::Kill(const Napi::CallbackInfo& info) {
  const int problem = info[0].IsNumber() ? session_->KillChildrenOf(IdAt(info, 0)) : session_->KillChildren();
  return Napi::Number::New(info.Env(), problem);
}

Napi::Value NativeHandle::ConsoleTail(const Napi::CallbackInfo& info) {
  return Decode(info.Env(), session_->ConsoleTailText());
}

void NativeHandle::AnswerLibvirtAuth(const Napi::CallbackInfo&) { session_->AnswerLibvirtAuth(); }

void NativeHandle::EndCallback(const Napi::CallbackInfo&) { session_->EndCallback(); }

}  // namespace guestfs_node
