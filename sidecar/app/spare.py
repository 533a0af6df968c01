"""A worker's process that is started before anything is known of what it will do.

A command that will run a sidecar starts one first of all: it imports what a worker needs while the command reads the
configuration, and is told its work as every worker is, on its standard input. Where nothing comes of it, that input
ends and the process with it. This module imports nothing that takes time.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec

WORKER = "sidecar.proxy.worker"
WORKER_ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "33554432", "MALLOC_TRIM_THRESHOLD_": "134217728"}
"""Keeps glibc from giving memory back and faulting it in again with every 1 MB body: a factor of three there."""
_NEEDED = ("setproctitle", "uvloop")
_kept: list[Started] = []


@dataclass(frozen=True, slots=True)
class Started:
    """A process, and our end of its standard input."""

    process: subprocess.Popen[bytes]
    input: socket.socket


def start(module: str, environment: Mapping[str, str]) -> Started:
    """``python -m module`` with a socket as standard input. Ctrl-C in a terminal does not reach it. Raises OSError."""
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", module],
                stdin=theirs.fileno(),
                env={**os.environ, **environment},
                start_new_session=True,
            )
        except OSError:
            ours.close()
            raise
    return Started(process, ours)


def prepare_worker() -> None:
    """Start one to be taken later; where that can't be, the supervisor will, and will say why."""
    if all(map(find_spec, _NEEDED)):
        try:
            _kept.append(start(WORKER, WORKER_ENVIRONMENT))
        except OSError:
            return


def take_worker() -> Started | None:
    """The one that was prepared, once, if it still runs."""
    while _kept:
        started = _kept.pop()
        if started.process.poll() is None:
            return started
        started.input.close()
    return None
