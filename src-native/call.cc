#include "call.h"

#define GUESTFS_NO_WARN_DEPRECATED 1
#include <guestfs.h>

#include <utility>

#include "error_report.h"
#include "text.h"

namespace guestfs_node {
namespace {

class CallEnded final : public Message {
 public:
  CallEnded(CallId call, Result result) : call_(call), result_(std::move(result)) {}

  Effect effect() const override { return Effect::Settles; }

  void Deliver(Napi::Env env, const Receiver& receiver) override {
    if (const Failure* failure = result_.failure()) {
      receiver("failed", call_, {FailureToObject(env, *failure)});
      return;
    }
    Napi::Value value = env.Undefined();
    try {
      value = result_.ToJs(env);
    } catch (const Napi::Error& error) {  // too large for a JavaScript string
      receiver("unrepresentable", call_, {error.Value()});
      return;
    }
    receiver("result", call_, {value});
  }

 private:
  CallId call_;
  Result result_;
};

}  // namespace

Result Call::Invoke(guestfs_h* g) const {
  RawResult raw;
  const ErrorReport report(g);
  function_.thunk(g, arguments_->slots(), arguments_->options(), &raw);
  return Result(function_, raw, g, report);
}

std::unique_ptr<Message> Call::Run(guestfs_h* g) {
  files_.RememberOutputs();
  Result result = Invoke(g);
  if (result.failure() && !keep_partial_) files_.RemovePartialOutputs();
  arguments_.reset();  // here rather than on the JS thread
  return std::make_unique<CallEnded>(id(), std::move(result));
}

bool Call::Cancel(guestfs_h* g) {
  if (!function_.cancellable) return false;
  guestfs_user_cancel(g);  // it takes no lock
  files_.WakeTransfer();
  return true;
}

Napi::Object FailureToObject(Napi::Env env, const Failure& failure) {
  Napi::Object object = Napi::Object::New(env);
  object["errno"] = failure.error_number;
  object["message"] = Decode(env, failure.message);
  return object;
}

}  // namespace guestfs_node
