// The times of the host's files, to the nanosecond: Node's own calls cut them to microseconds.
#pragma once

#include <napi.h>

namespace guestfs_node {

/**
 * `(target: number | Buffer, atimeSec: bigint, atimeNsec: number, mtimeSec: bigint, mtimeNsec: number)`: sets
 * the times of a descriptor, or of a path, of which a symbolic link at its end is not followed. Returns a
 * promise of the errno, 0 where there is none.
 */
Napi::Value SetFileTimes(const Napi::CallbackInfo& info);

}  // namespace guestfs_node
