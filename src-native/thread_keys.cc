#include "thread_keys.h"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <optional>

namespace guestfs_node {
namespace {

constexpr std::size_t kSpare = 16;

class ThreadKey {
 public:
  ThreadKey() {
    pthread_key_t key{};
    if (pthread_key_create(&key, nullptr) == 0) key_ = key;
  }
  ~ThreadKey() {
    if (key_) pthread_key_delete(*key_);
  }
  ThreadKey(const ThreadKey&) = delete;
  ThreadKey& operator=(const ThreadKey&) = delete;

  bool exists() const { return key_.has_value(); }

 private:
  std::optional<pthread_key_t> key_;
};

}  // namespace

bool HasSpareThreadKeys() {
  const std::array<ThreadKey, kSpare> keys;
  return std::ranges::all_of(keys, &ThreadKey::exists);
}

}  // namespace guestfs_node
