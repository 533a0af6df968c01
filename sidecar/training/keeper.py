"""The process that keeps one trainer's command: it outlives the monitor, which finds its word of the end on disk.

Run as ``python -I keeper.py FOLDER LOCK`` with the order as JSON on standard input: {"argv", "environment", "folder",
"time_limit_s", "grace_s"}. LOCK is the descriptor of FOLDER/lock, locked by whoever starts the keeper: the lock is held
from then on until the keeper has ended, however it ends. The standard library alone is imported: a keeper may live for
days.

What it does: the command runs in a process group of its own, with no input; what it prints is read to the end and kept
in FOLDER/log, the beginning and the last of it where it is over LOG_BYTES_MAX. After the time limit, or at SIGTERM, the
group is told to end, and killed ``grace_s`` later. A job ends with its command: what that leaves behind is killed, in
its group or out of it (where the system lets a process adopt its orphans: Linux). Then FOLDER/end.json says what came
of it, and appears at once or not at all.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

LOG_BYTES_MAX = 16 << 20
TAIL_BYTES = 256 << 10
"""Those of the log's bytes that are kept for the end."""
ORDER_BYTES_MAX = 4 << 20
CHUNK_BYTES = 64 << 10
DRAIN_S = 1.0
"""How long what the command printed last is read after its end: something may still hold the other end of the pipe."""
END_TRIES_MAX = 60
"""Tries, a second apart, to write the end on a disk that is full."""
SWEEPS_MAX = 100
SWEEP_S = 0.05
NICE = 5
"""Inference on the same machine goes first."""
END_FILE, LOG_FILE, LOCK_FILE, GROUP_FILE = "end.json", "log", "lock", "group"
_PR_SET_CHILD_SUBREAPER = 36


class Log:
    """Keeps the first and the last of what is written. A disk that is full costs what is written, nothing else."""

    def __init__(self, descriptor: int, bytes_max: int = LOG_BYTES_MAX) -> None:
        self._descriptor = descriptor
        self._left = bytes_max - TAIL_BYTES - os.fstat(descriptor).st_size
        self._tail = bytearray()
        self.bytes = 0
        self.dropped = 0

    def write(self, chunk: bytes) -> None:
        self.bytes += len(chunk)
        head, rest = chunk[: max(0, self._left)], chunk[max(0, self._left) :]
        if head:
            self._left -= len(head)
            self._put(head)
        if rest:
            if not self.dropped and not self._tail:
                self._put(b"\n[the log is cut here: it is too long; its end follows when the job ends]\n")
            self._tail += rest
            over = max(0, len(self._tail) - TAIL_BYTES)
            self.dropped += over
            del self._tail[:over]

    def close(self) -> None:
        """Write the end after the beginning."""
        if self._tail:
            self._put(b"[%d bytes were left out here]\n" % self.dropped + bytes(self._tail))

    def _put(self, content: bytes) -> None:
        view = memoryview(content)
        with contextlib.suppress(OSError):
            while view:
                view = view[os.write(self._descriptor, view) :]


class Keeper:
    """One command from its start to its end."""

    def __init__(self, folder: Path, order: dict[str, Any]) -> None:
        self._folder = folder
        self._order = order
        log = os.open(folder / LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._log = Log(log)
        self._group = 0
        self._stopped_by = ""
        self._kill_at = float("inf")
        self._selector = selectors.DefaultSelector()
        self._wake, wakes = os.pipe()
        for descriptor in (self._wake, wakes):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        # a handler, and no SIG_IGN, for those that only have to be ignored: the command would inherit that
        for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._signalled)
        self._asked = False

    def run(self) -> None:
        """Returns when the end is on disk."""
        started_at = time.time()
        try:
            code, error = self._keep()
        except (OSError, ValueError) as fault:  # the program is not there, or not to be run
            code, error = None, f"{self._order['argv'][0]!r} can't be run: {getattr(fault, 'strerror', None) or fault}"
        _kill_orphans()
        self._log.close()
        self._write_end(
            {
                "exit_code": code if code is not None and code >= 0 else None,
                "signal": -code if code is not None and code < 0 else None,
                "timed_out": self._stopped_by == "time",
                "cancelled": self._stopped_by == "order",
                "error": error,
                "started_at": started_at,
                "ended_at": time.time(),
                "log_bytes": self._log.bytes,
                "log_dropped": self._log.dropped,
            }
        )

    def _keep(self) -> tuple[int | None, str]:
        if self._asked:
            self._stopped_by = "order"
            return None, ""
        reading, writing = os.pipe()
        try:
            process = subprocess.Popen(
                self._order["argv"],
                stdin=subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                cwd=self._order["folder"],
                env=self._order["environment"],
                process_group=0,
            )
        finally:
            os.close(writing)
        self._group = process.pid
        with contextlib.suppress(OSError):  # only whoever finds this keeper dead needs it
            (self._folder / GROUP_FILE).write_text(f"{self._group} {os.getsid(0)}")
        os.set_blocking(reading, False)
        self._selector.register(reading, selectors.EVENT_READ)
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._watch(process, reading)
        self._signal_group(signal.SIGKILL)
        self._drain(reading)
        return process.returncode, ""

    def _watch(self, process: subprocess.Popen[bytes], reading: int) -> None:
        """Until the command has ended."""
        deadline = time.monotonic() + self._order["time_limit_s"]
        while process.poll() is None:
            now = time.monotonic()
            if not self._stopped_by and (self._asked or now >= deadline):
                self._stopped_by = "order" if self._asked else "time"
                self._kill_at = now + self._order["grace_s"]
                self._signal_group(signal.SIGTERM)
            if now >= self._kill_at:
                self._kill_at = float("inf")
                self._signal_group(signal.SIGKILL)
            until = self._kill_at if self._stopped_by else deadline
            for key, _ in self._selector.select(min(60.0, max(0.0, until - now))):
                if key.fd == self._wake:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._wake, 1024)
                elif not self._read(reading):
                    self._selector.unregister(reading)  # it closed its output and goes on

    def _drain(self, reading: int) -> None:
        """What is still in the pipe, for as long as anything comes at once."""
        until = time.monotonic() + DRAIN_S
        while time.monotonic() < until and self._read(reading, otherwise=False):
            pass

    def _read(self, reading: int, otherwise: bool = True) -> bool:
        """Read once; False at the end, ``otherwise`` where there is nothing now."""
        try:
            chunk = os.read(reading, CHUNK_BYTES)
        except BlockingIOError:
            return otherwise
        if chunk:
            self._log.write(chunk)
        return bool(chunk)

    def _signalled(self, number: int, frame: object) -> None:
        self._asked = self._asked or number == signal.SIGTERM

    def _signal_group(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._group, number)

    def _write_end(self, end: dict[str, Any]) -> None:
        for _ in range(END_TRIES_MAX):
            try:
                write_at_once(self._folder / END_FILE, json.dumps(end).encode())
                return
            except FileNotFoundError:  # somebody removed the folder: nobody waits for this
                return
            except OSError:
                time.sleep(1.0)


def write_at_once(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all, also where the power fails. Raises OSError."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _adopt_orphans() -> None:
    """Descendants whose parent ends become children of this process instead of the system's first."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _kill_orphans() -> None:
    """Kill what is left of the command's descendants, also those that went into a group or session of their own."""
    for _ in range(SWEEPS_MAX):  # each may leave children of its own, which come here in turn
        try:
            children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        except OSError:
            return
        for child in map(int, children):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(child, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, os.WNOHANG)  # one that hangs in a driver would never end
        if not children:
            return
        time.sleep(SWEEP_S)


def main() -> None:
    folder, lock = Path(sys.argv[1]), int(sys.argv[2])
    os.set_inheritable(lock, False)
    os.nice(NICE)
    _adopt_orphans()
    order = json.loads(sys.stdin.buffer.read(ORDER_BYTES_MAX))
    Keeper(folder, order).run()


if __name__ == "__main__":
    main()
