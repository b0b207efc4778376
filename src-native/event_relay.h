// The way of libguestfs's events: to JavaScript, and to stderr where nobody listens.
#pragma once

#include <atomic>
#include <cstddef>
#include <string_view>

#include "events.h"
#include "mailbox.h"
#include "message.h"

struct guestfs_h;

namespace guestfs_node {

class EventRelay {
 public:
  explicit EventRelay(Mailbox& mailbox) : mailbox_(mailbox) {}
  EventRelay(const EventRelay&) = delete;
  EventRelay& operator=(const EventRelay&) = delete;

  /** `deliver`: events that go to JavaScript; `listened`: those that need not go to stderr; `starts`: whether
   * JavaScript is told of the start of each call. From the JS thread. */
  void SetMasks(EventMask deliver, EventMask listened, bool starts);

  /** On the handle's thread: a call begins. */
  void TellStart(CallId call);

  /** In libguestfs's callback, on the thread that makes the call. The handle may be closing. */
  void Relay(guestfs_h* g, CallId call, EventMask event, std::string_view text);

  /** While it lives, the call that runs is one of the JS thread: its events are heard there, and wait. */
  class Hearing {
   public:
    explicit Hearing(EventRelay& relay) : relay_(relay) { relay_.on_js_thread_ = true; }
    ~Hearing() { relay_.on_js_thread_ = false; }
    Hearing(const Hearing&) = delete;
    Hearing& operator=(const Hearing&) = delete;

   private:
    EventRelay& relay_;
  };

  bool HasHeard() const { return !heard_.empty(); }
  /** Whether more may wait: they are all delivered in one turn of the event loop. */
  bool HasRoom() const;
  /** Takes what was heard. */
  Messages TakeHeard();

 private:
  void Echo(guestfs_h* g, EventMask event, std::string_view text);

  Mailbox& mailbox_;
  Messages heard_;
  bool on_js_thread_ = false;
  bool asking_ = false;  // on the thread that makes the call: our own calls leave no trace
  std::atomic<EventMask> deliver_{0};
  std::atomic<EventMask> listened_{0};
  std::atomic<bool> tell_starts_{false};
};

}  // namespace guestfs_node
