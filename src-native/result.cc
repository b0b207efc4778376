#include "result.h"

#define GUESTFS_NO_WARN_DEPRECATED 1
#include <guestfs.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "text.h"

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

Napi::Array ListToJs(Napi::Env env, char** list) {
  Napi::Array array = Napi::Array::New(env);
  for (std::uint32_t i = 0; list[i] != nullptr; ++i) {
    const Napi::HandleScope scope(env);
    array.Set(i, Decode(env, list[i]));
  }
  return array;
}

template <typename T>
T Read(const std::byte* base, std::size_t offset) {
  T value;
  std::memcpy(&value, base + offset, sizeof value);
  return value;
}

std::string_view UntilNul(const char* text, std::size_t size) { return {text, strnlen(text, size)}; }

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
      return Napi::Buffer<char>::Copy(env, data, data == nullptr ? 0 : size);
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
  Napi::Array array = Napi::Array::New(env, list->length);
  for (std::uint32_t i = 0; i < list->length; ++i) {
    const Napi::HandleScope scope(env);
    array.Set(i, StructToJs(env, structure, names, list->values + i * structure.size));
  }
  return array;
}

Napi::Value BytesToJs(Napi::Env env, OwnedText data, std::size_t size) {
  char* bytes = data.release();
  return Napi::Buffer<char>::NewOrCopy(env, bytes, size, [](Napi::Env, char* p) { OwnedText{p}; });
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

Napi::Value Result::ToJs(Napi::Env env) {
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
    case ReturnKind::Hashtable:  // key, value, key, value …: the facade makes the Map
      return ListToJs(env, list_.get());
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
