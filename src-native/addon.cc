// The addon's entry point. It keeps no state of its own: everything belongs to a handle or to its
// environment.
#include <napi.h>

#include <algorithm>
#include <memory>
#include <span>

#include "descriptors.h"
#include "file_times.h"
#include "native_handle.h"
#include "open_sessions.h"
#include "socket_probe.h"

namespace guestfs_node {
namespace {

template <typename T>
Napi::Array Texts(Napi::Env env, std::span<const T> described, const char* T::*text) {
  Napi::Array texts = Napi::Array::New(env, described.size());
  for (std::uint32_t i = 0; i < described.size(); ++i) texts.Set(i, described[i].*text);
  return texts;
}

/** The place of the first argument of a kind, or -1. */
int PlaceOf(ArgumentKind kind, const Function& function) {
  const auto found = std::ranges::find(function.arguments, kind, &Argument::kind);
  return found == function.arguments.end() ? -1 : static_cast<int>(found - function.arguments.begin());
}

Napi::Object Describe(Napi::Env env, const Function& function) {
  Napi::Object description = Napi::Object::New(env);
  description["name"] = function.name;
  description["cName"] = function.c_name;
  description["since"] = function.since;
  description["available"] = function.symbol != nullptr;
  description["cancellable"] = function.cancellable;
  description["fileIn"] = PlaceOf(ArgumentKind::FileIn, function);
  description["fileOut"] = PlaceOf(ArgumentKind::FileOut, function);
  description["returnsMap"] = function.result == ReturnKind::Hashtable;
  description["arguments"] = Texts(env, function.arguments, &Argument::name);
  description["options"] = Texts(env, function.options, &Option::name);
  description["optionsSince"] = Texts(env, function.options, &Option::since);
  return description;
}

/** All functions, in the order of their numbers. */
Napi::Value DescribeFunctions(const Napi::CallbackInfo& info) {
  Napi::Array all = Napi::Array::New(info.Env(), Functions().size());
  for (std::uint32_t i = 0; i < Functions().size(); ++i) {
    const Napi::HandleScope scope(info.Env());
    all.Set(i, Describe(info.Env(), Functions()[i]));
  }
  return all;
}

void NextTurn(const Napi::CallbackInfo& info) { info.Env().GetInstanceData<OpenSessions>()->NextTurn(); }

Napi::Value IsSocketBoundAt(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), IsSocketBound(info[0].As<Napi::String>()));
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(std::make_unique<OpenSessions>().release());  // the environment deletes it
  exports["NativeHandle"] = NativeHandle::Define(env);
  exports["nextTurn"] = Napi::Function::New<&NextTurn>(env, "nextTurn");
  exports["setFileTimes"] = Napi::Function::New<&SetFileTimes>(env, "setFileTimes");
  exports["functions"] = Napi::Function::New<&DescribeFunctions>(env, "functions");
  exports["isSocketBound"] = Napi::Function::New<&IsSocketBoundAt>(env, "isSocketBound");
  return exports;
}

}  // namespace

NODE_API_MODULE(guestfs, Init)

}  // namespace guestfs_node
