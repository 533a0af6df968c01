"""What processes used, from /proc: processor time of each, of whole cores, memory, and on which core they run."""

from __future__ import annotations

import os
import platform
import resource
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PAGE_BYTES = resource.getpagesize()
CORES = sorted(os.sched_getaffinity(0))
"""Where this process may run before it pins itself."""
SETTLE_SECONDS_MAX = 30.0
SETTLE_STEP_S = 0.25


def cpu_seconds(pid: int) -> dict[str, float]:
    """User and system time so far of ``pid`` and its descendants, by the title of the process."""
    found: dict[str, float] = defaultdict(float)
    for process, seconds in tree(pid).items():
        found[title(process)] += seconds
    return dict(found)


def tree(pid: int) -> dict[int, float]:
    """``pid`` and its descendants with the user and system time of each."""
    parents, times = {}, {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(entry.name)] = int(fields[1])
        times[int(entry.name)] = (int(fields[11]) + int(fields[12])) * TICK_S
    found = {}
    for process, seconds in times.items():
        ancestor = process
        while ancestor not in (pid, 0):
            ancestor = parents.get(ancestor, 0)
        if ancestor == pid:
            found[process] = seconds
    return found


def title(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").split()
    except OSError:
        return "ended"
    return " ".join(words[:2]) if words and words[0].startswith(("sidecar", "nginx")) else "other processes"


def settled_cpu_seconds(pid: int) -> dict[str, float]:
    """cpu_seconds once the processes have come to rest (a monitor may have a backlog), or after 30 s."""
    deadline = time.monotonic() + SETTLE_SECONDS_MAX
    now = cpu_seconds(pid)
    while True:
        time.sleep(SETTLE_STEP_S)
        before, now = now, cpu_seconds(pid)
        if sum(now.values()) - sum(before.values()) <= 2 * TICK_S or time.monotonic() > deadline:
            return now


def spent(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {name: after[name] - before.get(name, 0.0) for name in after}


def pid_of(parent: int, name: str) -> int:
    """The descendant of ``parent`` whose title begins with ``name``. Raises LookupError."""
    for pid in tree(parent):
        if title(pid).startswith(name):
            return pid
    raise LookupError(f"process {parent} has no {name!r} below it")


def pin(pid: int, cores: Iterable[int]) -> None:
    """A process with all its threads."""
    for task in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(task), set(cores))


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES


@dataclass(frozen=True)
class Usage:
    """Of one core in a span: shares of time that it worked, and that the machine's host took from it."""

    busy: float
    stolen: float


def core_ticks() -> dict[int, tuple[int, int, int]]:
    """(all, idle, stolen) so far, of each core that the benchmarks use."""
    found = {}
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name[3:].isdigit() and int(name[3:]) in (CORES[0], CORES[-1]):
            ticks = list(map(int, fields[:8]))
            found[int(name[3:])] = (sum(ticks), ticks[3] + ticks[4], ticks[7])
    return found


def usage(before: dict[int, tuple[int, int, int]], after: dict[int, tuple[int, int, int]]) -> dict[int, Usage]:
    found = {}
    for core, (total, idle, stolen) in after.items():
        span = max(total - before[core][0], 1)
        gone = stolen - before[core][2]
        found[core] = Usage(1 - (idle - before[core][1] + gone) / span, gone / span)
    return found


def children_seconds() -> float:
    """Processor time of all ended children of this process."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def split_cores() -> tuple[set[int], set[int]]:
    """(those of load, stubs and monitor, the one of the proxy); the same one on a machine with a single core."""
    return ({CORES[0]}, {CORES[-1]})


def machine() -> str:
    """Processor, cores, memory, kernel, Python."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    memory = next((int(line.split()[1]) >> 20 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    cores = os.cpu_count()
    return f"{model}, {cores} cores, {memory} GiB, Linux {platform.release()}, Python {platform.python_version()}"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
