"""``python -m linly_mesh.proxy.tether PARENT COMMAND…``: the command, tied to its parent.

A launcher that is killed can't stop what it started, so the kernel does: the command gets
SIGTERM when the parent ends. This wrapper asks for it between fork and exec, where Python's
own hook (``preexec_fn``) may deadlock in a process whose gRPC threads hold locks.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main(parent: int, command: list[str]) -> None:
    """Becomes ``command``; ends at once if ``parent`` has ended already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            raise SystemExit("the launcher has ended")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
