// JavaScript values on their way to C: checked and copied once, when the call is made.
#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "descriptors.h"

namespace guestfs_node {

/** Why a call was refused. The facade turns it into an error with a code. */
struct ArgumentProblem {
  std::string reason;      // as native-problem.ts lists them
  std::string argument;    // its name
  std::string expected;    // the kind that was expected
  int element = -1;        // of a list
  Napi::Value value = {};  // the offending one, or what was thrown while it was read

  Napi::Object ToObject(Napi::Env env) const;
};

/** Copies of texts, which may be keys: nothing of them stays in memory. */
class Texts {
 public:
  /** `most` of them, which do not move. */
  explicit Texts(std::size_t most) { texts_.reserve(most); }
  ~Texts();
  Texts(const Texts&) = delete;
  Texts& operator=(const Texts&) = delete;

  std::string& Add() { return texts_.emplace_back(); }

 private:
  std::vector<std::string> texts_;
};

/** The arguments of one call. They own what the C pointers point to and do not move. */
class Arguments {
 public:
  /** Throws ArgumentProblem. */
  Arguments(const Function& function, Napi::Array values, Napi::Array option_names,
            Napi::Array option_values);
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  const Slot* slots() const { return slots_.data(); }
  const void* options() const { return options_.data(); }

  /** For a file that was given as null. The path is the caller's. */
  void SetFile(std::size_t i, const char* path) { slots_[i].text = path; }

 private:
  struct List {
    std::vector<std::string> items;
    std::vector<char*> pointers;  // NULL-terminated
  };

  void SetOption(const Function& function, const std::string& name, Napi::Value value);
  Slot Convert(const char* name, ArgumentKind kind, Napi::Value value);
  const char* KeepText(const char* name, const char* expected, Napi::Value value, int element, bool c_string);
  Slot ConvertBytes(const char* name, Napi::Value value);
  char* const* KeepList(const char* name, Napi::Value value);

  std::vector<Slot> slots_;
  Texts texts_;
  std::vector<std::unique_ptr<List>> lists_;
  std::vector<std::uint64_t> options_;  // a guestfs_*_argv struct, aligned
};

}  // namespace guestfs_node
