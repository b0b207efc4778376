// A result that is there, but that JavaScript cannot have.
#pragma once

#include <napi.h>

#include <cstddef>

namespace guestfs_node {

/** Thrown where a value is made of a result. The facade turns it into an error with a code. */
struct Unrepresentable {
  const char* reason;      // as native-problem.ts lists them
  const char* type = "";   // the JavaScript type that is too short for it
  std::size_t length = 0;  // bytes of a string or Buffer, elements of an array, entries of a Map
  Napi::Value cause = {};  // what was thrown

  Napi::Object ToObject(Napi::Env env) const;
};

}  // namespace guestfs_node
