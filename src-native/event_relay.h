// Relay of libguestfs's events: to JavaScript, and to stderr where nobody listens.
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

  /** Tells JavaScript that a call begins. On the handle's thread. */
  void TellStart(CallId call);

  /** Relays an event. In libguestfs's callback, on the thread that makes the call; the handle may be closing.
   */
  void Relay(guestfs_h* g, CallId call, EventMask event, std::string_view text);

  /** While it lives, an instant call runs: the relay keeps its events. */
  class InstantCall {
   public:
    explicit InstantCall(EventRelay& relay) : relay_(relay) { relay_.in_instant_call_ = true; }
    ~InstantCall() { relay_.in_instant_call_ = false; }
    InstantCall(const InstantCall&) = delete;
    InstantCall& operator=(const InstantCall&) = delete;

   private:
    EventRelay& relay_;
  };

  bool HasEvents() const { return !kept_.empty(); }
  /** Whether events of one more call may be kept: they are all delivered in one turn of the event loop. */
  bool HasRoom() const;
  /** Takes the events of instant calls. */
  Messages TakeEvents();

 private:
  void Echo(guestfs_h* g, EventMask event, std::string_view text);

  Mailbox& mailbox_;
  Messages kept_;  // events of instant calls
  bool in_instant_call_ = false;
  bool asking_ = false;  // on the thread that makes the call: our own calls leave no trace
  std::atomic<EventMask> deliver_{0};
  std::atomic<EventMask> listened_{0};
  std::atomic<bool> tell_starts_{false};
};

}  // namespace guestfs_node
