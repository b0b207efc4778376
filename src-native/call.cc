#include "call.h"

#define GUESTFS_NO_WARN_DEPRECATED 1
#include <fcntl.h>
#include <guestfs.h>
#include <sys/stat.h>

#include <cerrno>
#include <new>
#include <system_error>
#include <utility>

#include "error_report.h"
#include "local_mount.h"
#include "text.h"
#include "unrepresentable.h"

namespace guestfs_node {
namespace {

class CallEnded final : public Message {
 public:
  CallEnded(CallId call, Result result) : call_(call), result_(std::move(result)) {}

  Effect effect() const override { return Effect::Settles; }

  void Deliver(Napi::Env env, const Receiver& receiver) override {
    if (const Failure* failure = result_.failure()) {
      receiver(MessageKind::Failed, call_, {FailureToObject(env, *failure)});
      return;
    }
    try {
      receiver(MessageKind::Result, call_, {result_.ToJs(env)});
    } catch (const Unrepresentable& problem) {
      receiver(MessageKind::Unrepresentable, call_, {problem.ToObject(env)});
    }
  }

 private:
  CallId call_;
  Result result_;
};

/** The end of a pipe that is JavaScript's. */
class PipeOpened final : public Message {
 public:
  PipeOpened(CallId call, FileDescriptor end) : call_(call), end_(std::move(end)) {}

  void Deliver(Napi::Env env, const Receiver& receiver) override {
    struct stat before = {};
    fstat(end_.get(), &before);
    const bool received = receiver(MessageKind::Pipe, call_, {Napi::Number::New(env, end_.get())});
    if (received || !IsLeft(before)) end_.Release();
  }

 private:
  /** Whether a worker was terminated before it could take the end: a stream makes it non-blocking. */
  bool IsLeft(const struct stat& before) const {
    struct stat now = {};
    return fstat(end_.get(), &now) == 0 && now.st_ino == before.st_ino && now.st_dev == before.st_dev &&
           (fcntl(end_.get(), F_GETFL) & O_NONBLOCK) == 0;
  }

  CallId call_;
  FileDescriptor end_;
};

}  // namespace

Result Call::Invoke(guestfs_h* g) const try {
  RawResult raw;
  const ErrorReport report(g);
  function_.thunk(g, arguments_->slots(), arguments_->options(), &raw);
  return {function_, raw, g, report};
} catch (const std::bad_alloc&) {  // for the copy of a text of the handle's
  return {function_, Failure{ENOMEM, std::generic_category().message(ENOMEM)}};
}

std::unique_ptr<Message> Call::Prepare() {
  if (!files_.IsStream()) return nullptr;
  FileDescriptor other_end = files_.OpenPipe(*arguments_);
  if (!other_end) {
    pipe_error_ = errno;
    return nullptr;
  }
  return std::make_unique<PipeOpened>(id(), std::move(other_end));
}

Result Call::PipeFailure() const {
  return Result(function_,
                Failure{pipe_error_, std::string("pipe: ") + std::generic_category().message(pipe_error_)});
}

std::unique_ptr<Message> Call::Run(guestfs_h* g) {
  if (pipe_error_ != 0) return std::make_unique<CallEnded>(id(), PipeFailure());
  files_.RememberOutputs();
  if (function_.local_mount == MountRole::Makes) mount_folder_ = ResolvedPath(arguments_->slots()[0].text);
  Result result = Invoke(g);
  files_.ClosePipe();
  succeeded_ = result.failure() == nullptr;
  if (result.failure() && !keep_partial_) files_.RemovePartialOutputs();
  arguments_.reset();  // here rather than on the JS thread
  return std::make_unique<CallEnded>(id(), std::move(result));
}

void Call::TellMount(LocalMount& mount) const {
  switch (function_.local_mount) {
    case MountRole::None:
      break;
    case MountRole::Makes:
      if (succeeded_) mount.Note(mount_folder_);
      break;
    case MountRole::Serves:
      mount.Forget();
      break;
    case MountRole::Ends:
      if (succeeded_) mount.Forget();
      break;
  }
}

bool Call::Cancel(guestfs_h* g, SpareDescriptor& spare) {
  if (!function_.cancellable) return false;
  guestfs_user_cancel(g);  // it takes no lock
  files_.WakeTransfer(spare);
  return true;
}

Napi::Object FailureToObject(Napi::Env env, const Failure& failure) {
  constexpr std::size_t kMost = 1 << 20;  // libguestfs puts whole arguments into some of its messages
  Napi::Object object = Napi::Object::New(env);
  object["errno"] = failure.error_number;
  object["message"] = DecodeBeginning(env, failure.message, kMost);
  return object;
}

}  // namespace guestfs_node
