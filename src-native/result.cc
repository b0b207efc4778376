#include "result.h"

#define GUESTFS_NO_WARN_DEPRECATED 1
#include <guestfs.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "text.h"
#include "unrepresentable.h"

namespace guestfs_node {
namespace {

bool Failed(const Function& function, const RawResult& raw) {
  switch (function.result) {
    case ReturnKind::Err:
    case ReturnKind::Int:
    case ReturnKind::Int64:
    case ReturnKind::Bool:
      return raw.integer == -1;
    case ReturnKind::ConstOptString:  // cannot report an error: NULL is a value
      return false;
    default:
      return raw.pointer == nullptr;
  }
}

bool WritesFile(const Function& function) {
  return std::ranges::find(function.arguments, ArgumentKind::FileOut, &Argument::kind) !=
         function.arguments.end();
}

Failure Explain(const Function& function, guestfs_h* g, const ErrorReport& report) {
  const char* last = guestfs_last_error(g);
  // When the host cannot take the data, the daemon's confirmation that it has stopped sending is the last
  // error.
  const bool written_over = WritesFile(function) && report.first() && guestfs_last_errno(g) == 0;
  if (written_over) return *report.first();
  if (report.first() && last != nullptr) return {guestfs_last_errno(g), last};
  // It may be of an earlier call, or one that libguestfs thought to overcome.
  const std::string none = "libguestfs gave no reason";
  return {0, last == nullptr ? none : none + "; its last error was: " + last};
}

/** Elements; half of what V8 can hold, for it tries for minutes before it gives up. */
constexpr std::size_t kLongestList = std::size_t{1} << 26;
/** Elements; V8 makes a hash table of a longer array that it is to make in one go, and may end the process.
 */
constexpr std::size_t kLongestAtOnce = std::size_t{1} << 25;
/** Entries that a Map of V8 can hold. */
constexpr std::size_t kLongestMap = std::size_t{1} << 24;

Napi::Array NewArray(Napi::Env env, std::size_t length) {
  if (length > kLongestList) throw Unrepresentable{"length", "array", length};
  return length > kLongestAtOnce ? Napi::Array::New(env) : Napi::Array::New(env, length);
}

std::size_t LengthOf(char** list) {
  std::size_t length = 0;
  while (list[length] != nullptr) ++length;
  return length;
}

Napi::Array ListToJs(Napi::Env env, char** list) {
  const std::size_t length = LengthOf(list);
  Napi::Array array = NewArray(env, length);
  for (std::uint32_t i = 0; i < length; ++i) {
    const Napi::HandleScope scope(env);
    array.Set(i, Decode(env, list[i]));
  }
  return array;
}

/** Key, value, key, value …: the facade makes the Map. */
Napi::Array MapToJs(Napi::Env env, char** list) {
  const std::size_t entries = LengthOf(list) / 2;
  if (entries > kLongestMap) throw Unrepresentable{"length", "Map", entries};
  return ListToJs(env, list);
}

template <typename T>
T Read(const std::byte* base, std::size_t offset) {
  T value;
  std::memcpy(&value, base + offset, sizeof value);
  return value;
}

std::string_view UntilNul(const char* text, std::size_t size) { return {text, strnlen(text, size)}; }

Napi::Value BytesToJs(Napi::Env env, OwnedText data, std::size_t size) {
  using Share = std::shared_ptr<OwnedText>;
  const auto let_go = [](napi_env, void*, void* share) { delete static_cast<Share*>(share); };
  const Share bytes = std::make_shared<OwnedText>(std::move(data));
  auto buffers = std::make_unique<Share>(bytes);
  napi_value buffer = nullptr;
  napi_status status = napi_create_external_buffer(env, size, bytes->get(), let_go, buffers.get(), &buffer);
  if (status == napi_no_external_buffers_allowed) {
    status = napi_create_buffer_copy(env, size, bytes->get(), nullptr, &buffer);
  } else {
    static_cast<void>(
        buffers.release());  // also where Node refuses the length: it lets go of it then, at once or later
  }
  if (status == napi_ok) return {env, buffer};
  bytes->reset();
  napi_value refusal = nullptr;
  napi_get_and_clear_last_exception(env, &refusal);
  throw Unrepresentable{"length", "Buffer", size};
}

/** V8 ends the process where it has no memory for bytes of its own, so large ones are ours. */
Napi::Value CopyToJs(Napi::Env env, const char* data, std::size_t size) {
  constexpr std::size_t kSmall = std::size_t{64} * 1024;
  if (size <= kSmall) return Napi::Buffer<char>::Copy(env, data, size).As<Napi::Value>();
  OwnedText copy(static_cast<char*>(std::malloc(size)));
  if (!copy) throw std::bad_alloc();
  std::memcpy(copy.get(), data, size);
  return BytesToJs(env, std::move(copy), size);
}

Napi::Value FieldToJs(Napi::Env env, const Field& field, const std::byte* base) {
  switch (field.kind) {
    case FieldKind::String:
    case FieldKind::Device: {
      const auto* text = Read<const char*>(base, field.offset);
      return Decode(env, text == nullptr ? "" : text);
    }
    case FieldKind::UUID:  // 32 characters without a NUL behind them
      return Decode(env, UntilNul(reinterpret_cast<const char*>(base + field.offset), 32));
    case FieldKind::Buffer: {
      const auto size = Read<std::uint32_t>(base, field.length_offset);
      const auto* data = Read<const char*>(base, field.offset);
      return CopyToJs(env, data, data == nullptr ? 0 : size);
    }
    case FieldKind::Char:
      return Decode(env, UntilNul(reinterpret_cast<const char*>(base + field.offset), 1));
    case FieldKind::Bytes:
    case FieldKind::UInt64:
      return Napi::BigInt::New(env, Read<std::uint64_t>(base, field.offset));
    case FieldKind::Int64:
      return Napi::BigInt::New(env, Read<std::int64_t>(base, field.offset));
    case FieldKind::Int32:
      return Napi::Number::New(env, Read<std::int32_t>(base, field.offset));
    case FieldKind::UInt32:
      return Napi::Number::New(env, Read<std::uint32_t>(base, field.offset));
    case FieldKind::OptPercent: {
      const auto percent = Read<float>(base, field.offset);
      return percent < 0 ? env.Null() : Napi::Number::New(env, percent).As<Napi::Value>();
    }
  }
  return env.Undefined();
}

std::vector<napi_value> FieldNames(Napi::Env env, const Struct& structure) {
  std::vector<napi_value> names;
  names.reserve(structure.fields.size());
  for (const Field& field : structure.fields) names.push_back(Napi::String::New(env, field.name));
  return names;
}

Napi::Object StructToJs(Napi::Env env, const Struct& structure, const std::vector<napi_value>& names,
                        const std::byte* base) {
  Napi::Object object = Napi::Object::New(env);
  for (std::size_t i = 0; i < names.size(); ++i)
    object.Set(names[i], FieldToJs(env, structure.fields[i], base));
  return object;
}

Napi::Array StructListToJs(Napi::Env env, const Struct& structure, const void* pointer) {
  struct AnyList {
    std::uint32_t length;
    const std::byte* values;
  };
  const auto* list = static_cast<const AnyList*>(pointer);
  const std::vector<napi_value> names = FieldNames(env, structure);
  Napi::Array array = NewArray(env, list->length);
  for (std::uint32_t i = 0; i < list->length; ++i) {
    const Napi::HandleScope scope(env);
    array.Set(i, StructToJs(env, structure, names, list->values + i * structure.size));
  }
  return array;
}

}  // namespace

Result::Result(const Function& function, RawResult raw, guestfs_h* g, const ErrorReport& report)
    : function_(&function) {
  if (Failed(function, raw)) {
    failure_ = Explain(function, g, report);
  } else {
    Take(raw);
  }
}

void Result::Take(RawResult raw) {
  switch (function_->result) {
    case ReturnKind::Err:
    case ReturnKind::Int:
    case ReturnKind::Int64:
    case ReturnKind::Bool:
      integer_ = raw.integer;
      break;
    case ReturnKind::ConstString:
    case ReturnKind::ConstOptString:
      if (raw.pointer != nullptr) constant_ = static_cast<const char*>(raw.pointer);
      break;
    case ReturnKind::String:
    case ReturnKind::BufferOut:
      text_.reset(static_cast<char*>(raw.pointer));
      size_ = raw.size;
      break;
    case ReturnKind::StringList:
    case ReturnKind::Hashtable:
      list_.reset(static_cast<char**>(raw.pointer));
      break;
    case ReturnKind::Struct:
      structure_ = OwnedStruct{raw.pointer, function_->structure->free};
      break;
    case ReturnKind::StructList:
      structure_ = OwnedStruct{raw.pointer, function_->structure->free_list};
      break;
  }
}

Napi::Value Result::ToJs(Napi::Env env) try { return Convert(env); } catch (const std::bad_alloc&) {
  throw Unrepresentable{"memory"};
} catch (const Napi::Error& error) {  // a setter of the program's on a prototype of JavaScript's
  throw Unrepresentable{"exception", "", 0, error.Value()};
}

Napi::Value Result::Convert(Napi::Env env) {
  switch (function_->result) {
    case ReturnKind::Err:
      return env.Undefined();
    case ReturnKind::Int:
      return Napi::Number::New(env, static_cast<double>(integer_));
    case ReturnKind::Int64:
      return Napi::BigInt::New(env, integer_);
    case ReturnKind::Bool:
      return Napi::Boolean::New(env, integer_ != 0);
    case ReturnKind::ConstString:
    case ReturnKind::ConstOptString:
      return constant_ ? Decode(env, *constant_) : env.Null();
    case ReturnKind::String:
      return Decode(env, text_.get());
    case ReturnKind::BufferOut:
      return BytesToJs(env, std::move(text_), size_);
    case ReturnKind::StringList:
      return ListToJs(env, list_.get());
    case ReturnKind::Hashtable:
      return MapToJs(env, list_.get());
    case ReturnKind::Struct: {
      const Struct& structure = *function_->structure;
      const auto* base = static_cast<const std::byte*>(structure_.get());
      return StructToJs(env, structure, FieldNames(env, structure), base);
    }
    case ReturnKind::StructList:
      return StructListToJs(env, *function_->structure, structure_.get());
  }
  return env.Undefined();
}

}  // namespace guestfs_node
