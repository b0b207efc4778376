#include "arguments.h"

#include <string.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <string>
#include <utility>

#include "text.h"

namespace guestfs_node {
namespace {

constexpr double kMaxSafeInteger = 9007199254740991.0;

std::int32_t ToInt32(const char* name, Napi::Value value) {
  if (!value.IsNumber()) throw ArgumentProblem{"type", name, "number"};
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(std::trunc(number) == number)) throw ArgumentProblem{"integer", name, "int32"};
  if (number < std::numeric_limits<std::int32_t>::min() ||
      number > std::numeric_limits<std::int32_t>::max()) {
    throw ArgumentProblem{"range", name, "int32"};
  }
  return static_cast<std::int32_t>(number);
}

std::int64_t ToInt64(const char* name, Napi::Value value) {
  if (value.IsBigInt()) {
    bool lossless = false;
    const std::int64_t number = value.As<Napi::BigInt>().Int64Value(&lossless);
    if (!lossless) throw ArgumentProblem{"range", name, "int64"};
    return number;
  }
  if (!value.IsNumber()) throw ArgumentProblem{"type", name, "number or bigint"};
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(std::trunc(number) == number)) throw ArgumentProblem{"integer", name, "safe integer"};
  if (std::abs(number) > kMaxSafeInteger) throw ArgumentProblem{"range", name, "safe integer"};
  return static_cast<std::int64_t>(number);
}

/** Size of an option in its struct, bytes. */
std::size_t SizeOf(ArgumentKind kind) {
  switch (kind) {
    case ArgumentKind::Bool:
    case ArgumentKind::Int:
      return sizeof(Slot::i32);
    case ArgumentKind::Int64:
      return sizeof(Slot::i64);
    default:
      return sizeof(Slot::text);
  }
}

std::int32_t ToBool(const char* name, Napi::Value value) {
  if (!value.IsBoolean()) throw ArgumentProblem{"type", name, "boolean"};
  return value.As<Napi::Boolean>().Value() ? 1 : 0;
}

/** False also for memory that is shared: that cannot be detached. */
bool IsDetached(Napi::Uint8Array array) {
  bool detached = false;
  return napi_is_detached_arraybuffer(array.Env(), array.ArrayBuffer(), &detached) == napi_ok && detached;
}

}  // namespace

Napi::Object ArgumentProblem::ToObject(Napi::Env env) const {
  Napi::Object object = Napi::Object::New(env);
  object["reason"] = reason;
  object["argument"] = argument;
  object["expected"] = expected;
  object["element"] = element;
  if (!value.IsEmpty()) object["value"] = value;
  return object;
}

Arguments::Arguments(const Function& function, Napi::Array values, Napi::Array option_names,
                     Napi::Array option_values)
    : texts_(function.arguments.size() + option_names.Length()) {
  const std::uint32_t given_options = option_names.Length();
  slots_.reserve(function.arguments.size());
  for (std::uint32_t i = 0; i < function.arguments.size(); ++i) {
    const Argument& argument = function.arguments[i];
    const Napi::Value value = values[i];
    slots_.push_back(Convert(argument.name, argument.kind, value));
    if (argument.kind == ArgumentKind::Int64 && slots_.back().i64 < argument.min) {
      throw ArgumentProblem{"range", argument.name, "an integer >= " + std::to_string(argument.min), -1,
                            value};
    }
  }
  options_.resize((function.options_size + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t));
  for (std::uint32_t i = 0; i < given_options; ++i) {
    const Napi::Value name = option_names[i];
    SetOption(function, name.As<Napi::String>().Utf8Value(), option_values[i]);
  }
}

Texts::~Texts() {
  for (std::string& text : texts_) explicit_bzero(text.data(), text.size());
}

void Arguments::SetOption(const Function& function, const std::string& name, Napi::Value value) {
  for (std::size_t bit = 0; bit < function.options.size(); ++bit) {
    const Option& option = function.options[bit];
    if (name != option.name) continue;
    const Slot slot = Convert(option.name, option.kind, value);
    std::memcpy(reinterpret_cast<std::byte*>(options_.data()) + option.offset, &slot, SizeOf(option.kind));
    options_.front() |= std::uint64_t{1} << bit;  // the bitmask is the struct's first member
    return;
  }
  throw ArgumentProblem{"unknown", name, ""};
}

Slot Arguments::Convert(const char* name, ArgumentKind kind, Napi::Value value) try {
  Slot slot{};
  switch (kind) {
    case ArgumentKind::Key:
    case ArgumentKind::String:
      slot.text = KeepText(name, "string", value, -1, true);
      break;
    case ArgumentKind::FileIn:  // null: a stream
    case ArgumentKind::FileOut:
    case ArgumentKind::OptString:
      slot.text = value.IsNull() ? nullptr : KeepText(name, "string or null", value, -1, true);
      break;
    case ArgumentKind::StringList:
      slot.list = KeepList(name, value);
      break;
    case ArgumentKind::Bool:
      slot.i32 = ToBool(name, value);
      break;
    case ArgumentKind::Int:
      slot.i32 = ToInt32(name, value);
      break;
    case ArgumentKind::Int64:
      slot.i64 = ToInt64(name, value);
      break;
    case ArgumentKind::BufferIn:
      slot = ConvertBytes(name, value);
      break;
  }
  return slot;
} catch (ArgumentProblem& problem) {
  if (problem.value.IsEmpty()) problem.value = value;
  throw;
} catch (const std::bad_alloc&) {
  throw ArgumentProblem{"memory", name, ""};
}

namespace {

void ToBytes(const char* name, const char* expected, Napi::Value value, int element, bool c_string,
             std::string& bytes) {
  if (!value.IsString()) throw ArgumentProblem{"type", name, expected, element};
  switch (Encode(value.As<Napi::String>(), c_string, bytes)) {
    case TextProblem::None:
      return;
    case TextProblem::EmbeddedNul:
      throw ArgumentProblem{"nul", name, expected, element};
    case TextProblem::LoneSurrogate:
      throw ArgumentProblem{"surrogate", name, expected, element};
  }
}

}  // namespace

const char* Arguments::KeepText(const char* name, const char* expected, Napi::Value value, int element,
                                bool c_string) {
  std::string& text = texts_.Add();
  ToBytes(name, expected, value, element, c_string, text);
  return text.c_str();
}

Slot Arguments::ConvertBytes(const char* name, Napi::Value value) {
  std::string& text = texts_.Add();
  if (value.IsString()) {
    ToBytes(name, "Uint8Array or string", value, -1, false, text);
  } else {
    const bool bytes =
        value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array;
    if (!bytes) throw ArgumentProblem{"type", name, "Uint8Array or string"};
    const auto array = value.As<Napi::Uint8Array>();
    if (IsDetached(array)) throw ArgumentProblem{"detached", name, "Uint8Array or string"};
    const auto* data = reinterpret_cast<const char*>(array.Data());
    if (data != nullptr) text.assign(data, array.ByteLength());
  }
  Slot slot{};
  slot.bytes.data = text.data();
  slot.bytes.size = text.size();
  return slot;
}

char* const* Arguments::KeepList(const char* name, Napi::Value value) {
  if (!value.IsArray()) throw ArgumentProblem{"type", name, "string[]"};
  const auto array = value.As<Napi::Array>();
  auto list = std::make_unique<List>();
  try {
    const std::uint32_t length = array.Length();
    for (std::uint32_t i = 0; i < length; ++i) {
      Napi::EscapableHandleScope scope(value.Env());
      const Napi::Value item = array[i];
      try {
        ToBytes(name, "string", item, static_cast<int>(i), true, list->items.emplace_back());
      } catch (ArgumentProblem& problem) {
        problem.value = scope.Escape(item);
        throw;
      }
    }
  } catch (const Napi::Error& error) {  // a getter or a proxy threw
    throw ArgumentProblem{"throws", name, "string[]", -1, error.Value()};
  }
  list->pointers.reserve(list->items.size() + 1);
  for (std::string& item : list->items) list->pointers.push_back(item.data());
  list->pointers.push_back(nullptr);
  lists_.push_back(std::move(list));
  return lists_.back()->pointers.data();
}

}  // namespace guestfs_node
