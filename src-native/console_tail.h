// The last of what the appliance wrote to its console, for errors that have to say why it died.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

namespace guestfs_node {

class ConsoleTail {
 public:
  void Append(std::string_view text) {
    const std::lock_guard lock(mutex_);
    text_.append(text);
    if (text_.size() > 2 * kSize) text_.erase(0, text_.size() - kSize);
  }

  std::string Read() {
    const std::lock_guard lock(mutex_);
    return text_.size() > kSize ? text_.substr(text_.size() - kSize) : text_;
  }

  void Clear() {
    const std::lock_guard lock(mutex_);
    text_.clear();
  }

 private:
  static constexpr std::size_t kSize = std::size_t{16} * 1024;  // a kernel's panic is long

  std::mutex mutex_;
  std::string text_;
};

}  // namespace guestfs_node
