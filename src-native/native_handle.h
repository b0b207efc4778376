// The JavaScript class behind the facade's Guestfs: thin, unchecked by itself, for lib/native/addon.ts only.
#pragma once

#include <napi.h>

#include <memory>

#include "session.h"

namespace guestfs_node {

class NativeHandle final : public Napi::ObjectWrap<NativeHandle>, private SessionOwner {
 public:
  static Napi::Function Define(Napi::Env env);

  explicit NativeHandle(const Napi::CallbackInfo& info);
  ~NativeHandle() override;

 private:
  void KeepAlive() override { Ref(); }
  void LetGo() override { Unref(); }
  napi_value ReceiverFunction() override;

  Napi::Value Call(const Napi::CallbackInfo& info);
  Napi::Value CallInstantly(const Napi::CallbackInfo& info);
  Napi::Value Remove(const Napi::CallbackInfo& info);
  Napi::Value RemoveAll(const Napi::CallbackInfo& info);
  Napi::Value Cancel(const Napi::CallbackInfo& info);
  void Hold(const Napi::CallbackInfo& info);
  void Release(const Napi::CallbackInfo& info);
  void RelayEvents(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);
  void LetCallGo(const Napi::CallbackInfo& info);
  void SetEventMasks(const Napi::CallbackInfo& info);
  void SetPrivate(const Napi::CallbackInfo& info);
  void DeletePrivate(const Napi::CallbackInfo& info);
  Napi::Value LookupPrivate(const Napi::CallbackInfo& info);
  Napi::Value PrivateKeys(const Napi::CallbackInfo& info);
  Napi::Value Children(const Napi::CallbackInfo& info);
  Napi::Value Kill(const Napi::CallbackInfo& info);
  Napi::Value ConsoleTail(const Napi::CallbackInfo& info);
  void AnswerLibvirtAuth(const Napi::CallbackInfo& info);
  void EndCallback(const Napi::CallbackInfo& info);

  std::shared_ptr<Session> session_;
};

}  // namespace guestfs_node
