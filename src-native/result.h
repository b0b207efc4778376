// What a call returned: taken over on the handle's thread, turned into JavaScript on the JS thread.
#pragma once

#include <napi.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "descriptors.h"
#include "error_report.h"
#include "owned.h"

namespace guestfs_node {

class Result {
 public:
  Result(const Function& function, RawResult raw, guestfs_h* g, const ErrorReport& report);

  Result(const Function& function, Failure failure) : function_(&function), failure_(std::move(failure)) {}

  const Failure* failure() const { return failure_ ? &*failure_ : nullptr; }

  /** Hands over what it owns: call it once, and not on a failure. Throws Unrepresentable. */
  Napi::Value ToJs(Napi::Env env);

 private:
  Napi::Value Convert(Napi::Env env);
  void Take(RawResult raw);

  const Function* function_;
  std::optional<Failure> failure_;
  // The one that the function's return kind says.
  std::int64_t integer_ = 0;
  std::optional<std::string> constant_;  // owned by the handle, so copied before the next call changes it
  OwnedText text_;
  std::size_t size_ = 0;  // of the text, when it is a buffer
  OwnedStringList list_;
  OwnedStruct structure_{nullptr, nullptr};
};

}  // namespace guestfs_node
