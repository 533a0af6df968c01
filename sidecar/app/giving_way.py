"""How the monitor gives way to who relays on the same core: besides its niceness, by short slices of time.

Linux lets a process that runs go on to the end of its slice before one that has just woken gets the core, however nice
it is: 1.4 to 3 ms by default, and with the monitor at work that is what one request in a hundred waits for. Since
Linux 6.12 a process may ask for shorter slices (sched_setattr(2), ``sched_runtime`` of a SCHED_OTHER process); older
kernels take no notice.
"""

from __future__ import annotations

import os
import platform
import struct

SLICE_NS = 100_000
"""The shortest that the kernel grants."""
SCHED_SETATTR = {"x86_64": 314, "aarch64": 274, "riscv64": 274}
"""The number of the system call by machine: Python has no name for it."""
_ATTRIBUTES = struct.Struct("=IIQiIQQQ")  # size, policy, flags, nice, priority, runtime, deadline, period
_SCHED_OTHER = 0


def ask_for_short_slices() -> bool:
    """For this thread and those that it starts from now on. False where the machine has no such thing."""
    number = SCHED_SETATTR.get(platform.machine())
    if number is None or platform.system() != "Linux":
        return False
    import ctypes  # 5 ms, and only the monitor asks

    niceness = os.getpriority(os.PRIO_PROCESS, 0)
    asked = _ATTRIBUTES.pack(_ATTRIBUTES.size, _SCHED_OTHER, 0, niceness, 0, SLICE_NS, 0, 0)
    return bool(ctypes.CDLL(None).syscall(number, 0, asked, 0) == 0)
