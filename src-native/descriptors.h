// What the call layer knows of each libguestfs function. The tables are generated from api/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

struct guestfs_h;

namespace guestfs_node {

enum class ArgumentKind : std::uint8_t {
  String,
  Key,
  FileIn,
  FileOut,
  OptString,
  StringList,
  Bool,
  Int,
  Int64,
  BufferIn,
};

enum class ReturnKind : std::uint8_t {
  Err,
  Int,
  Int64,
  Bool,
  ConstString,
  ConstOptString,
  String,
  StringList,
  Struct,
  StructList,
  Hashtable,
  BufferOut,
};

enum class FieldKind : std::uint8_t {
  String,
  Device,
  UUID,
  Buffer,
  Char,
  Bytes,
  Int32,
  UInt32,
  Int64,
  UInt64,
  OptPercent,
};

struct Field {
  const char* name;
  FieldKind kind;
  std::uint16_t offset;
  std::uint16_t length_offset = 0;  // offset of a Buffer's length
};

struct Struct {
  std::span<const Field> fields;
  std::size_t size;
  void (*free)(void*);
  void (*free_list)(void*);
};

struct Argument {
  const char* name;
  ArgumentKind kind;
  std::int64_t min = std::numeric_limits<std::int64_t>::min();  // least value of an Int64
};

/** An optional argument: its bit is its place in the table, its value lies in the `_argv` struct. */
struct Option {
  const char* name;
  ArgumentKind kind;
  std::uint16_t offset;
  const char* since;  // empty when it came with the function
};

/** One C argument. */
union Slot {
  const char* text;
  char* const* list;
  std::int32_t i32;
  std::int64_t i64;
  struct {
    const char* data;
    std::size_t size;
  } bytes;
};

/** What a C function returned, before anybody owns it. */
struct RawResult {
  std::int64_t integer = 0;
  void* pointer = nullptr;
  std::size_t size = 0;  // size of a BufferOut, bytes
};

/** What a function does to the folder of the host in which the guest is shown; the one that mounts is given
 * it first. */
enum class MountRole : std::uint8_t { None, Makes, Serves, Ends };

using Thunk = void (*)(guestfs_h*, const Slot* arguments, const void* options, RawResult*);

struct Function {
  const char* name;  // in JavaScript
  const char* c_name;
  const char* since;   // libguestfs version, empty for test functions
  const void* symbol;  // null when the running library lacks the function
  Thunk thunk;
  ReturnKind result;
  const Struct* structure;
  std::span<const Argument> arguments;
  std::span<const Option> options;
  std::size_t options_size;
  bool cancellable;
  bool starts_appliance;
  MountRole local_mount;
};

std::span<const Function> Functions();

}  // namespace guestfs_node
