// Owning types for what libguestfs allocates with malloc and leaves to the caller.
#pragma once

#include <cstdlib>
#include <functional>
#include <memory>

namespace guestfs_node {

struct FreeDeleter {
  void operator()(void* p) const { std::free(p); }
};

using OwnedText = std::unique_ptr<char, FreeDeleter>;

/** A NULL-terminated array of strings, each allocated. */
struct StringListDeleter {
  void operator()(char** list) const {
    for (char** p = list; *p != nullptr; ++p) std::free(*p);
    std::free(list);
  }
};

using OwnedStringList = std::unique_ptr<char*, StringListDeleter>;

/** A struct or a list of structs: libguestfs has a function to free each type. */
using OwnedStruct = std::unique_ptr<void, void (*)(void*)>;

}  // namespace guestfs_node
