// The child processes of one thread: libguestfs starts them from the thread that runs the call.
#pragma once

#include <sys/types.h>

#include <vector>

#include "spare_descriptor.h"

namespace guestfs_node {

/** Children of a thread, as far as they can be seen. */
std::vector<pid_t> ChildrenOfThread(pid_t thread, SpareDescriptor& spare);

/**
 * SIGKILL to the thread's children and to theirs; never to any other process. Returns 0, or the errno for
 * which some could not be seen, or not be killed.
 */
int KillChildrenOfThread(pid_t thread, SpareDescriptor& spare);

}  // namespace guestfs_node
