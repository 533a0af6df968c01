"""Whether the sidecar recorded all that it relayed, by its own API."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

from tests.benchmarks import proxy_processes
from tests.benchmarks.measure import Taken
from tests.benchmarks.peers import Peer
from tests.benchmarks.proxy_figures import SIDECAR
from tests.benchmarks.proxy_report import Case

QUIET_SECONDS_MAX = 60.0
IMAGES = ("image", "sample", "sample_")
"""Begin the stages of images that were not kept: the stub's clients send none, so every wanted one is missing."""


def status(admin_url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{admin_url}/api/v1/status", timeout=30) as response:
        found: dict[str, Any] = json.loads(response.read())
    return found


def settled_status(admin_url: str) -> dict[str, Any]:
    """Once two looks, two seconds apart, tell the same numbers (workers tell theirs each second)."""
    ends = time.monotonic() + QUIET_SECONDS_MAX
    before = status(admin_url)
    while True:
        time.sleep(2.0)
        after = status(admin_url)
        if counted(before) == counted(after) or time.monotonic() > ends:
            return after
        before = after


def counted(told: dict[str, Any]) -> tuple[int, int]:
    """(requests relayed, predictions in the store)."""
    return told["requests"], told["store"]["predictions_written"]


def dropped(told: dict[str, Any]) -> dict[str, int]:
    """What was not recorded, by where and why; images that were not kept are another matter."""
    return {
        f"{row['stage']}/{row['reason']}": row["count"]
        for row in told["dropped"]
        if row["count"] and not row["stage"].startswith(IMAGES)
    }


def faults(told: dict[str, Any], answered: int, cut_off_max: int) -> list[str]:
    """Why this is no run with everything recorded; empty where it is one.

    ``answered`` is what clients had whole answers to; up to ``cut_off_max`` more were under way when load ended. wrk
    gives those up; the sidecar has relayed and recorded them as far as they came.
    """
    relayed, recorded = counted(told)
    found = [f"{count} dropped at {where}" for where, count in dropped(told).items()]
    if not answered <= relayed <= answered + cut_off_max:
        found.append(f"{relayed} requests relayed, {answered} to {answered + cut_off_max} were sent")
    if recorded != relayed:
        found.append(f"{recorded} predictions recorded of {relayed} requests relayed")
    return found


def print_recorded(peer: Peer, rows: Mapping[Case, Sequence[Taken]], cores: set[int]) -> int:
    """Exit code: 0 where all was recorded, by the worker that was pinned to ``cores`` at the start."""
    told = settled_status(peer.admin_url)
    own = [(case, one) for case, taken in rows.items() if case.peer == SIDECAR for one in taken]
    answered = sum(one.requests for _, one in own)
    found = faults(told, answered, sum(case.connections for case, _ in own))
    if os.sched_getaffinity(proxy_processes.pid_of(peer.pid, peer.worker)) != cores:
        found.append(f"the worker is not on {cores}: it was started again")
    relayed, recorded = counted(told)
    print(f"recorded: {answered} requests answered, {relayed} relayed, {recorded} recorded, {dropped(told)} dropped")
    left = {f"{row['stage']}/{row['reason']}": row["count"] for row in told["dropped"] if row["count"]}
    print(f"by the sidecar's own count: left out {left}, limits hit {[row['limit'] for row in told['limits_hit']]}")
    print("versions: " + ", ".join(f"{row['version']} {row['requests']:,}" for row in split(peer.admin_url)))
    for fault in found:
        print(f"NOT VALID: {fault}")
    return 1 if found else 0


def split(admin_url: str) -> list[dict[str, Any]]:
    """Requests by version, from /metrics."""
    with urllib.request.urlopen(f"{admin_url}/metrics", timeout=30) as response:
        lines = response.read().decode().splitlines()
    sums: dict[str, float] = {}
    for line in lines:
        if line.startswith("sidecar_predictions_total{"):
            version = line.split('version="')[1].split('"')[0]
            sums[version] = sums.get(version, 0) + float(line.rsplit(" ", 1)[1])
    return [{"version": version, "requests": int(count)} for version, count in sums.items()]
