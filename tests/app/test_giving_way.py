"""The monitor gives way to who relays on the same core."""

from __future__ import annotations

import ctypes
import os
import platform
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar.app.giving_way import SCHED_SETATTR, SLICE_NS
from sidecar.app.supervisor import MONITOR_NICENESS
from tests.kit.sidecar import running_sidecar

ATTRIBUTES = struct.Struct("=IIQiIQQQII")
ASK = f"""
import ctypes, struct
libc = ctypes.CDLL(None)
asked = struct.pack("=IIQiIQQQ", 48, 0, 0, 0, 0, {SLICE_NS}, 0, 0)
told = ctypes.create_string_buffer(56)
libc.syscall({{number}}, 0, asked, 0)
libc.syscall({{number}} + 1, 0, told, 56, 0)
print(struct.unpack("=IIQiIQQQII", told.raw)[5])
"""


def granted() -> bool:
    """Whether this kernel grants slices to whoever asks for them."""
    number = SCHED_SETATTR.get(platform.machine())
    if platform.system() != "Linux" or number is None:
        return False
    command = [sys.executable, "-c", ASK.format(number=number)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() == str(SLICE_NS)


pytestmark = pytest.mark.skipif(not granted(), reason="needs Linux 6.12, which grants slices of time to whoever asks")


def scheduling(pid: int) -> tuple[int, int]:
    """(niceness, slice in nanoseconds) of a process: sched_getattr(2), whose number follows that of its sibling."""
    told = ctypes.create_string_buffer(ATTRIBUTES.size)
    number = SCHED_SETATTR[platform.machine()] + 1
    assert ctypes.CDLL(None).syscall(number, pid, told, ATTRIBUTES.size, 0) == 0
    _, _, _, niceness, _, slice_ns, *_ = ATTRIBUTES.unpack(told.raw)
    return niceness, slice_ns


def test_monitor_is_nice_and_asks_for_little_at_a_time(tmp_path: Path) -> None:
    """Its worker does neither."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        running_sidecar(tmp_path, ["--upstream", f"http://127.0.0.1:{server.getsockname()[1]}"]) as sidecar,
    ):
        (monitor,), (worker,) = sidecar.pids("sidecar: monitor"), sidecar.pids("sidecar: worker 0")
        assert scheduling(monitor) == (MONITOR_NICENESS, SLICE_NS)
        assert scheduling(worker) == (0, scheduling(os.getpid())[1])


def test_niceness_stays(tmp_path: Path) -> None:
    """Whoever is asked to be nice already is so afterwards."""
    code = (
        "import os; os.nice(7)\n"
        "from sidecar.app.giving_way import ask_for_short_slices\n"
        "print(ask_for_short_slices(), os.getpriority(os.PRIO_PROCESS, 0))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.split() == ["True", "7"]
