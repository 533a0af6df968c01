"""Starting a keeper, telling it to stop, and reading what came of its command."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from sidecar.training import keeper
from sidecar.training.folders import JobFolder

INHERITED = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "VIRTUAL_ENV", "LD_LIBRARY_PATH"),
    *("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"),
)
"""Variables of the sidecar's own environment that a command gets. Nothing else: tokens stay here."""
END_BYTES_MAX = 64 << 10
PROCESSES_MAX = 100_000
ERROR_LINES = 5
ERROR_CHARACTERS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Order:
    """What a keeper runs: argv, the whole environment, and the folder it runs in."""

    argv: list[str]
    environment: dict[str, str] = field(repr=False)
    folder: str
    time_limit_s: float
    grace_s: float


@dataclass(frozen=True, slots=True)
class End:
    """What came of a command. ``signal`` is the number it died of; ``error`` says why it could not be run."""

    exit_code: int | None
    signal: int | None
    timed_out: bool
    cancelled: bool
    error: str
    ended_at: float


def environment_of(configured: Mapping[str, str], told: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """A command's environment: INHERITED of our ``own``, what is ``configured``, and what the job ``told``.

    >>> environment_of({"SEED": "7"}, {"SIDECAR_JOB_ID": "j"}, {"PATH": "/bin", "SIDECAR_ADMIN_TOKEN": "secret"})
    {'PATH': '/bin', 'SEED': '7', 'SIDECAR_JOB_ID': 'j'}
    """
    return {**{name: own[name] for name in INHERITED if name in own}, **configured, **told}


def start_keeper(folder: JobFolder, order: Order) -> subprocess.Popen[bytes] | None:
    """A keeper that runs ``order``; None where one lives already. Raises OSError.

    The lock is taken here and passed on, so that there is no moment at which nobody holds it. The keeper has a session
    of its own: what ends this process, by Ctrl-C or by SIGKILL, does not end it.
    """
    lock = folder.lock()
    if lock is None:
        return None
    with lock, (folder.path / keeper.LOG_FILE).open("ab") as log:
        os.chmod(folder.path / keeper.LOG_FILE, 0o600)
        process = subprocess.Popen(
            [sys.executable, "-I", keeper.__file__, str(folder.path), str(lock.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=log,
            cwd=folder.path,
            env={name: value for name, value in os.environ.items() if not name.startswith("SIDECAR_")},
            pass_fds=(lock.fileno(),),
            start_new_session=True,
        )
        lock.truncate(0)
        lock.write(str(process.pid).encode())
        lock.flush()
    # by a pipe and not by a file: what is configured may be secret
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError), process.stdin:
        process.stdin.write(json.dumps(asdict(order)).encode())
    return process


def stop_keeper(folder: JobFolder) -> None:
    """Tell a keeper that lives to end its command; without effect where none does."""
    if not folder.is_kept():
        return
    with contextlib.suppress(OSError, ValueError):  # ValueError: it has only just begun
        os.kill(int((folder.path / keeper.LOCK_FILE).read_bytes()[:20]), signal.SIGTERM)


def kill_left(folder: JobFolder) -> int:
    """Kill what a dead keeper left of its command's group; how many processes there were.

    Numbers of processes are given anew: only those are meant that are of both the group and the keeper's session.
    """
    try:
        group, session = map(int, (folder.path / keeper.GROUP_FILE).read_text()[:40].split())
    except (OSError, ValueError):
        return 0
    count = 0
    for pid in _processes(group):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if (os.getpgid(pid), os.getsid(pid)) == (group, session):
                os.kill(pid, signal.SIGKILL)
                count += 1
    return count


def _processes(group: int) -> list[int]:
    """All there are, or the group's first alone where the system does not list them."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()][:PROCESSES_MAX]
    except OSError:
        return [group]


def read_end(folder: JobFolder) -> End | None:
    """The keeper's word of the end; None where there is none that can be read."""
    try:
        with folder.end.open("rb") as file:
            document = json.loads(file.read(END_BYTES_MAX))
        return End(**{name: document[name] for name in End.__slots__})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def outcome_of(end: End, log: str) -> str:
    """Why a command failed, with the last lines of its ``log``; "" where it ended well.

    >>> outcome_of(End(2, None, False, False, "", 0.0), "reading\\nno such file\\n")
    'exit code 2: reading / no such file'
    >>> outcome_of(End(0, None, False, False, "", 0.0), "")
    ''
    """
    if end.error:
        return end.error
    if end.exit_code == 0:
        return ""
    what = f"exit code {end.exit_code}" if end.signal is None else f"ended by signal {end.signal} ({_name(end.signal)})"
    lines = [line.strip() for line in log.splitlines() if line.strip()][-ERROR_LINES:]
    said = " / ".join(lines)[-ERROR_CHARACTERS_MAX:].strip()
    return f"{what}: {said}" if said else what


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
