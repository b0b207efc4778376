#include "private_data.h"

#include <guestfs.h>

#include <utility>

namespace guestfs_node {

class PrivateData::Write final : public Task {
 public:
  Write(std::string key, Slot* now, std::unique_ptr<Slot> before)
      : Task(0), key_(std::move(key)), now_(now), before_(std::move(before)) {}

  std::unique_ptr<Message> Run(guestfs_h* g) override {
    guestfs_set_private(g, key_.c_str(), now_);
    return nullptr;
  }

 private:
  std::string key_;
  Slot* now_;
  std::unique_ptr<Slot> before_;  // libguestfs points to it until this task has run
};

std::unique_ptr<Task> PrivateData::Set(const std::string& key) {
  return Replace(key, std::make_unique<Slot>());
}

std::unique_ptr<Task> PrivateData::Delete(const std::string& key) { return Replace(key, nullptr); }

std::unique_ptr<Task> PrivateData::Replace(const std::string& key, std::unique_ptr<Slot> slot) {
  Slot* now = slot.get();
  std::unique_ptr<Slot> before = std::move(slots_[key]);
  if (slot) {
    slots_[key] = std::move(slot);
  } else {
    slots_.erase(key);
  }
  foreign_.erase(key);
  return std::make_unique<Write>(key, now, std::move(before));
}

PrivateData::State PrivateData::Lookup(guestfs_h* g, const std::string& key) {
  return Note(key, guestfs_get_private(g, key.c_str()));
}

PrivateData::State PrivateData::Note(const std::string& key, const void* data) {
  foreign_.erase(key);
  const auto slot = slots_.find(key);
  if (slot != slots_.end()) {
    if (slot->second.get() == data) return State::Ours;
    slots_.erase(slot);  // nobody points to it any more
  }
  if (data == nullptr) return State::Missing;
  foreign_.insert(key);
  return State::Foreign;
}

std::vector<std::string> PrivateData::Keys(guestfs_h* g) {
  std::vector<std::string> keys;
  foreign_.clear();
  const char* key = nullptr;
  for (const void* data = guestfs_first_private(g, &key); data != nullptr;
       data = guestfs_next_private(g, &key)) {
    if (key[0] == '_') continue;  // reserved for language bindings
    keys.emplace_back(key);
    Note(keys.back(), data);
  }
  return keys;
}

PrivateData::State PrivateData::LookupBusy(const std::string& key) const {
  if (slots_.contains(key)) return State::Ours;
  return foreign_.contains(key) ? State::Foreign : State::Missing;
}

std::vector<std::string> PrivateData::KeysBusy() const {
  std::vector<std::string> keys(foreign_.begin(), foreign_.end());
  for (const auto& [key, slot] : slots_) keys.push_back(key);
  return keys;
}

}  // namespace guestfs_node
