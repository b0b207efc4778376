// Guest strings are bytes. In JavaScript, bytes that are not UTF-8 become lone surrogates U+DC80..U+DCFF and
// turn back into the same bytes (the scheme of Python's PEP 383), so that nothing is ever lost.
#pragma once

#include <napi.h>

#include <string>
#include <string_view>

namespace guestfs_node {

enum class TextProblem : std::uint8_t { None, EmbeddedNul, LoneSurrogate };

/** JavaScript to bytes. NULs pass unless `text` must be a C string. */
TextProblem Encode(Napi::String text, bool c_string, std::string& bytes);

/** Bytes to JavaScript; throws Unrepresentable. A plain value: node-addon-api turns a Napi::String into a
 * std::string wherever it may. */
Napi::Value Decode(Napi::Env env, std::string_view bytes);

/** Decodes at most so many bytes of a message, which is nobody's data. */
Napi::Value DecodeBeginning(Napi::Env env, std::string_view bytes, std::size_t most);

}  // namespace guestfs_node
