#include "file_times.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

namespace guestfs_node {
namespace {

using Times = std::array<timespec, 2>;

constexpr int kNoDescriptor = -1;

/** On a thread of libuv, as Node's own calls: storage that hangs must not hold up JavaScript. */
class TimesWorker : public Napi::AsyncWorker {
 public:
  TimesWorker(Napi::Env env, int descriptor, std::string path, const Times& times)
      : AsyncWorker(env, "guestfs:setFileTimes"),
        descriptor_(descriptor),
        path_(std::move(path)),
        times_(times),
        deferred_(Napi::Promise::Deferred::New(env)) {}

  Napi::Promise Promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    const int result = descriptor_ == kNoDescriptor
                           ? utimensat(AT_FDCWD, path_.c_str(), times_.data(), AT_SYMLINK_NOFOLLOW)
                           : futimens(descriptor_, times_.data());
    error_ = result == 0 ? 0 : errno;
  }

  void OnOK() override { deferred_.Resolve(Napi::Number::New(Env(), error_)); }

 private:
  const int descriptor_;
  const std::string path_;
  const Times times_;
  const Napi::Promise::Deferred deferred_;
  int error_ = 0;
};

timespec TimeOf(const Napi::Value& seconds, const Napi::Value& nanoseconds) {
  bool is_whole = true;
  return {.tv_sec = static_cast<time_t>(seconds.As<Napi::BigInt>().Int64Value(&is_whole)),
          .tv_nsec = nanoseconds.As<Napi::Number>().Int32Value()};
}

}  // namespace

Napi::Value SetFileTimes(const Napi::CallbackInfo& info) {
  const Times times = {TimeOf(info[1], info[2]), TimeOf(info[3], info[4])};
  int descriptor = kNoDescriptor;
  std::string path;
  if (info[0].IsNumber()) {
    descriptor = info[0].As<Napi::Number>().Int32Value();
  } else {
    const auto bytes = info[0].As<Napi::Buffer<char>>();
    path.assign(bytes.Data(), bytes.Length());
  }
  auto* worker = new TimesWorker(info.Env(), descriptor, std::move(path), times);  // deletes itself
  worker->Queue();
  return worker->Promise();
}

}  // namespace guestfs_node
