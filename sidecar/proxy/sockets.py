"""What the kernel is told, and asked, of a client's socket."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import sys
import termios

_RESET = struct.pack("ii", 1, 0)


def reset_at_end(transport: asyncio.Transport) -> None:
    """Its end is to be a reset, as far as TCP allows."""
    sock = transport.get_extra_info("socket")
    if sock is not None and not transport.is_closing():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


def unsent_bytes(transport: asyncio.Transport) -> int:
    """What was written and has not reached the other side: in our buffer and, where it can be asked (Linux), in the
    kernel's. That one takes megabytes, and asks for more once a third of them is gone: ours alone stands still for
    seconds before a client that takes all the time."""
    if transport.is_closing():
        return 0
    unsent = transport.get_write_buffer_size()
    sock = transport.get_extra_info("socket")
    if sock is None or sys.platform != "linux":
        return unsent
    try:
        (queued,) = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)))
    except OSError:  # it has just ended
        return unsent
    return unsent + int(queued)
