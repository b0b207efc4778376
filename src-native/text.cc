#include "text.h"

#include <string.h>

#include <algorithm>
#include <cstdint>

#include "unrepresentable.h"

namespace guestfs_node {
namespace {

constexpr char32_t kEscapeBase = 0xDC00;  // byte 0x80..0xFF becomes U+DC80..U+DCFF

/** Code units, more than V8 takes: what is longer is not worth the memory of a copy. */
constexpr std::size_t kLongestString = std::size_t{1} << 30;

void AppendUtf8(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (c >> 18));
    out += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

bool IsHighSurrogate(char16_t c) { return c >= 0xD800 && c <= 0xDBFF; }
bool IsLowSurrogate(char16_t c) { return c >= 0xDC00 && c <= 0xDFFF; }
bool IsEscapedByte(char16_t c) { return c >= 0xDC80 && c <= 0xDCFF; }

struct Decoded {
  char32_t character;
  std::size_t length;  // 0: the first byte does not begin a UTF-8 sequence
};

/** The character at the beginning of `in`, by the strict rules: no overlong forms, no surrogates, <=
 * U+10FFFF. */
Decoded DecodeOne(std::string_view in) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(in[i]); };
  const std::uint8_t lead = byte(0);
  std::size_t length = 0;
  char32_t character = 0;
  char32_t least = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2, character = lead & 0x1F, least = 0x80;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3, character = lead & 0x0F, least = 0x800;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4, character = lead & 0x07, least = 0x10000;
  }
  if (length == 0 || length > in.size()) return {0, 0};
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {0, 0};
    character = (character << 6) | (byte(i) & 0x3F);
  }
  const bool surrogate = character >= 0xD800 && character <= 0xDFFF;
  if (character < least || character > 0x10FFFF || surrogate) return {0, 0};
  return {character, length};
}

void AppendUtf16(std::u16string& out, char32_t c) {
  if (c < 0x10000) {
    out += static_cast<char16_t>(c);
  } else {
    out += static_cast<char16_t>(0xD800 + ((c - 0x10000) >> 10));
    out += static_cast<char16_t>(0xDC00 + ((c - 0x10000) & 0x3FF));
  }
}

bool IsAscii(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return static_cast<std::uint8_t>(c) < 0x80; });
}

}  // namespace

namespace {

/** A copy of a JavaScript string, which may be a key: nothing of it stays in memory. */
class Utf16Copy {
 public:
  explicit Utf16Copy(Napi::String text) : text_(text.Utf16Value()) {}
  ~Utf16Copy() { explicit_bzero(text_.data(), text_.size() * sizeof(char16_t)); }
  Utf16Copy(const Utf16Copy&) = delete;
  Utf16Copy& operator=(const Utf16Copy&) = delete;

  std::u16string_view text() const { return text_; }

 private:
  std::u16string text_;
};

/** Bytes that `in` takes at most, as UTF-8. */
std::size_t MostBytes(std::u16string_view in) {
  std::size_t size = 0;
  for (const char16_t c : in) size += c < 0x80 ? 1 : c < 0x800 ? 2 : 3;
  return size;
}

}  // namespace

TextProblem Encode(Napi::String text, bool c_string, std::string& bytes) {
  const Utf16Copy copy(text);
  const std::u16string_view in = copy.text();
  bytes.clear();
  bytes.reserve(MostBytes(in));  // so that nothing of it stays where it grew out of
  for (std::size_t i = 0; i < in.size(); ++i) {
    const char16_t c = in[i];
    if (c == 0 && c_string) return TextProblem::EmbeddedNul;
    if (IsHighSurrogate(c) && i + 1 < in.size() && IsLowSurrogate(in[i + 1])) {
      AppendUtf8(bytes, 0x10000 + ((c - 0xD800u) << 10) + (in[++i] - 0xDC00u));
    } else if (IsEscapedByte(c)) {
      bytes += static_cast<char>(c - kEscapeBase);
    } else if (IsHighSurrogate(c) || IsLowSurrogate(c)) {
      return TextProblem::LoneSurrogate;
    } else {
      AppendUtf8(bytes, c);
    }
  }
  return TextProblem::None;
}

namespace {

/** Making a string fails for nothing but its length. */
Napi::Value MadeString(Napi::Env env, napi_status status, napi_value value, std::string_view bytes) {
  if (status != napi_ok) throw Unrepresentable{"length", "string", bytes.size()};
  return {env, value};
}

std::u16string ToUtf16(std::string_view bytes) {
  std::u16string out;
  out.reserve(std::min(bytes.size(), kLongestString));
  for (std::string_view rest = bytes; !rest.empty();) {
    if (out.size() > kLongestString) throw Unrepresentable{"length", "string", bytes.size()};
    const auto lead = static_cast<std::uint8_t>(rest.front());
    const Decoded decoded = lead < 0x80 ? Decoded{lead, 1} : DecodeOne(rest);
    if (decoded.length == 0) {
      out += static_cast<char16_t>(kEscapeBase + lead);
      rest.remove_prefix(1);
    } else {
      AppendUtf16(out, decoded.character);
      rest.remove_prefix(decoded.length);
    }
  }
  return out;
}

}  // namespace

Napi::Value Decode(Napi::Env env, std::string_view bytes) {
  napi_value value = nullptr;
  if (IsAscii(bytes)) {
    const napi_status status = napi_create_string_latin1(env, bytes.data(), bytes.size(), &value);
    return MadeString(env, status, value, bytes);
  }
  const std::u16string text = ToUtf16(bytes);
  const napi_status status = napi_create_string_utf16(env, text.data(), text.size(), &value);
  return MadeString(env, status, value, bytes);
}

Napi::Value DecodeBeginning(Napi::Env env, std::string_view bytes, std::size_t most) {
  return Decode(env, bytes.substr(0, most));
}

}  // namespace guestfs_node
