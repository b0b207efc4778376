// The child processes of one thread: libguestfs starts them from the thread that runs the call.
#pragma once

#include <sys/types.h>

#include <vector>

namespace guestfs_node {

std::vector<pid_t> ChildrenOfThread(pid_t thread);

/** SIGKILL to the thread's children and to theirs; never to any other process. Returns how many it met. */
int KillChildrenOfThread(pid_t thread);

}  // namespace guestfs_node
