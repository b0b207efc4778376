// Masks of libguestfs's events.
#pragma once

#include <cstdint>

namespace guestfs_node {

/** Bits of `GUESTFS_EVENT_*`. */
using EventMask = std::uint64_t;

}  // namespace guestfs_node
