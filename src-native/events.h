// Masks of libguestfs's events, and one of our own.
#pragma once

#include <cstdint>

namespace guestfs_node {

using EventMask = std::uint64_t;

/** Not an event of libguestfs: the thread begins a call. */
inline constexpr EventMask kCallStarted = EventMask{1} << 32;

}  // namespace guestfs_node
