"""How many files a process may hold open, and how many clients' connections that leaves room for.

A client that finds no descriptor left is turned away without a word, and requests of others then fail for want of a
connection to their model server. So the bound of connections never is above what there is room for.
"""

from __future__ import annotations

import resource
from contextlib import suppress

from sidecar.types import Limits

OWN = 64
"""Listener, link, log, health checks and what the interpreter holds."""


def raise_open_files() -> None:
    """Raises this process's soft limit of open files to its hard one."""
    hard = open_files_max(hard=True)
    with suppress(OSError, ValueError):  # a hard limit that is over what the system allows
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def open_files_max(hard: bool = False) -> int:
    """The soft limit, or the hard one, which workers raise theirs to; negative: none."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[hard]


def connections_max(limits: Limits, pools: int, open_files: int) -> int:
    """Of clients: the setting, or what ``open_files`` leave beside ``pools`` of connections to model servers, for which
    half is set aside at most: a client that waits for an answer holds one of them, whichever pool it is of.

    >>> connections_max(Limits(), 2, 20_000), connections_max(Limits(), 2, 1_024), connections_max(Limits(), 9, 1_024)
    (10000, 480, 480)
    """
    if open_files < 0:  # no limit
        return limits.connections_max
    room = open_files - OWN
    servers = min(pools * limits.upstream_connections_max, room // 2)
    return max(1, min(limits.connections_max, room - servers))
