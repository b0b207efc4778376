#include "event_relay.h"

#define GUESTFS_NO_WARN_DEPRECATED 1
#include <guestfs.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

namespace guestfs_node {
namespace {

/** Most events of instant calls that are kept. */
constexpr std::size_t kMostKept = 256;

/** Sets a flag while it lives. */
class ForNow {
 public:
  explicit ForNow(bool& flag) : flag_(flag) { flag = true; }
  ~ForNow() { flag_ = false; }
  ForNow(const ForNow&) = delete;
  ForNow& operator=(const ForNow&) = delete;

 private:
  bool& flag_;
};

/** Escapes what is not printable; the appliance's own line ends stay. */
std::string Printable(std::string_view text, bool keep_lines) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte >= 0x20 && byte < 0x7F) || (keep_lines && (c == '\n' || c == '\r'))) {
      out += c;
    } else {
      std::array<char, 5> escape;
      std::snprintf(escape.data(), escape.size(), "\\x%02x", byte);
      out += escape.data();
    }
  }
  return out;
}

}  // namespace

void EventRelay::SetMasks(EventMask deliver, EventMask listened, bool starts) {
  deliver_ = deliver;
  listened_ = listened;
  tell_starts_ = starts;
}

void EventRelay::TellStart(CallId call) {
  if (tell_starts_) mailbox_.Post(std::make_unique<CallStarted>(call));
}

void EventRelay::Relay(guestfs_h* g, CallId call, EventMask event, std::string_view text) {
  if (asking_) return;
  if ((deliver_ & event) != 0) {
    auto message = std::make_unique<EventMessage>(call, event, std::string(text));
    if (in_instant_call_) {
      kept_.push_back(std::move(message));
    } else {
      mailbox_.Post(std::move(message));
    }
  }
  if ((listened_ & event) == 0) Echo(g, event, text);
}

bool EventRelay::HasRoom() const { return kept_.size() < kMostKept; }

Messages EventRelay::TakeEvents() { return std::exchange(kept_, {}); }

/** What libguestfs does by itself in a program that registers no callback. */
void EventRelay::Echo(guestfs_h* g, EventMask event, std::string_view text) {
  std::string line;
  if (event == GUESTFS_EVENT_APPLIANCE) {
    const ForNow ours(asking_);
    if (guestfs_get_verbose(g) != 1) return;
    line = Printable(text, true);
  } else if (event == GUESTFS_EVENT_LIBRARY) {
    line = "libguestfs: " + Printable(text, false) + "\n";
  } else if (event == GUESTFS_EVENT_WARNING) {
    line = "libguestfs: warning: " + Printable(text, false) + "\n";
  } else if (event == GUESTFS_EVENT_TRACE) {
    const ForNow ours(asking_);
    const std::string identifier = guestfs_get_identifier(g);
    line =
        "libguestfs: trace: " + (identifier.empty() ? "" : identifier + ": ") + Printable(text, false) + "\n";
  }
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace guestfs_node
