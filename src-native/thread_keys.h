// The keys of the process for thread-specific data, of which there are about a thousand.
#pragma once

namespace guestfs_node {

/**
 * libguestfs takes one for each handle and does not notice when none is left: it would go on with the key of
 * somebody else, whose data it then overwrites. Some more are asked for, because other threads may take one
 * meanwhile.
 */
bool HasSpareThreadKeys();

}  // namespace guestfs_node
