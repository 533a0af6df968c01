"""The end of a listener, without a reset for those whom the kernel has accepted in the meantime.

Closing a listener resets every connection in its queue, and one may come between the last look at the queue and the
close. So the kernel is first told to drop what begins a connection; the queue is emptied, then the listener closed: who
came too late has sent nothing but a SYN, sends it again within a second, and is refused then or served elsewhere.
"""

from __future__ import annotations

import array
import socket
import struct
import sys

_ATTACH_FILTER = 26
_DROP_SYN = (
    (0x30, 0, 0, 13),  # the byte of flags in the TCP header, where a filter of a TCP socket begins
    (0x54, 0, 0, 0x12),  # of them SYN and ACK
    (0x15, 0, 1, 0x02),  # SYN alone: a connection begins
    (0x06, 0, 0, 0),  # drop it
    (0x06, 0, 0, 0xFFFF_FFFF),  # let the rest through
)


def drop_new(listener: socket.socket) -> bool:
    """From now on nobody new is accepted at a TCP socket; who is shaking hands goes on. False: this kernel can't."""
    if not sys.platform.startswith("linux"):
        return False
    program = array.array("B", b"".join(struct.pack("HBBI", *instruction) for instruction in _DROP_SYN))
    address, _ = program.buffer_info()
    try:
        listener.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HL", len(_DROP_SYN), address))
    except OSError:
        return False
    return True
