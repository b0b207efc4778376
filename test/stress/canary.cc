// Mistakes on purpose: a checker that does not find them is not at work, and what it says of our code means
// nothing.
#include <napi.h>

#include <cstdlib>
#include <limits>
#include <thread>

namespace {

// Volatile, so that the compiler leaves the mistakes in.
char* volatile block = nullptr;
volatile char byte = 0;
volatile int number = std::numeric_limits<int>::max();
int shared = 0;

void Leak(const Napi::CallbackInfo&) {
  block = static_cast<char*>(std::malloc(100));
  block = nullptr;
}

void ReadBehindBlock(const Napi::CallbackInfo&) {
  block = static_cast<char*>(std::malloc(100));
  byte = block[100];
  std::free(block);
}

void OverflowInt(const Napi::CallbackInfo&) { number = number + 1; }

void Race(const Napi::CallbackInfo&) {
  const auto count = [] {
    for (int i = 0; i < 100'000; ++i) shared = shared + byte + 1;
  };
  std::thread one(count);
  std::thread other(count);
  one.join();
  other.join();
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports["leak"] = Napi::Function::New<&Leak>(env);
  exports["readBehindBlock"] = Napi::Function::New<&ReadBehindBlock>(env);
  exports["overflowInt"] = Napi::Function::New<&OverflowInt>(env);
  exports["race"] = Napi::Function::New<&Race>(env);
  return exports;
}

}  // namespace

NODE_API_MODULE(canary, Init)
