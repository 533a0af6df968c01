"""Ports of this process's own, for servers that start a moment later and for those that are gone.

A port that the kernel picked (``bind`` to 0) may be picked again, for another process's server or client, between the
asking and the use; a server that is gone may be followed by another one, which then gets the checks of health meant
for the first. Suites run beside each other, so each takes a block below the ports that the kernel picks from, and
holds it by a lock as long as it lives.
"""

from __future__ import annotations

import fcntl
import functools
import itertools
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

FIRST = 12_000
BLOCK = 400
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
EPHEMERAL_FIRST = 32_768
"""Where the kernel does not say: Linux's own."""


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on, and that no other suite will, each as long ago in use as can be.

    Raises OSError where all of the block are in use.
    """
    free = list(itertools.islice(filter(_is_free, itertools.islice(_own_ports(), BLOCK)), count))
    if len(free) < count:
        raise OSError(f"{count} ports asked for, {len(free)} of {BLOCK} are free")
    return free


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: what waits in TIME_WAIT is free
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@functools.cache
def _own_ports() -> Iterator[int]:
    """The block's ports, round and round."""
    return itertools.cycle(range(*_claim()))


def _claim() -> tuple[int, int]:
    """The first block that no other process holds. Raises OSError where all are held."""
    end = min(EPHEMERAL_FIRST, int(EPHEMERAL.read_text().split()[0])) if EPHEMERAL.exists() else EPHEMERAL_FIRST
    if end < FIRST + 10 * BLOCK:  # the kernel picks from everywhere: nothing below is ours alone
        end = EPHEMERAL_FIRST
    folder = Path(tempfile.gettempdir()) / f"sidecar-test-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    for first in range(FIRST, end - BLOCK, BLOCK):
        held = os.open(folder / str(first), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)  # never closed: held until the process ends
        except OSError:
            os.close(held)
        else:
            return first, first + BLOCK
    raise OSError(f"all ports from {FIRST} to {end} are held by other suites: {folder}")
