"""What the proxy benchmark prints."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.measure import Taken
from tests.benchmarks.proxy_figures import DIRECT, SIDECAR, TARGETS, Sheet, targets_table

FULL = 0.93
"""A core with less than this share of its time used was no bottleneck."""
STRANGERS_MAX = 0.1
"""Cores' worth of time that processes outside the benchmark may use before a line says so."""


@dataclass(frozen=True)
class Case:
    """``connections`` is 0 in the open loop."""

    size: str
    connections: int
    peer: str
    counted: bool = True


def now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")


def print_cases(rows: Mapping[Case, Sequence[Taken]]) -> None:
    """A table for each size and number of connections, the peers below each other."""
    counted = {case: taken for case, taken in rows.items() if case.counted}
    for size, connections in dict.fromkeys((case.size, case.connections) for case in counted):
        group = {
            case.peer: taken for case, taken in counted.items() if (case.size, case.connections) == (size, connections)
        }
        if connections:
            _print_saturation(f"{size}, {connections} connections", group)
        else:
            _print_open_loop(f"{size}, open loop", group)
        _print_faults(group)
        print(flush=True)


def _print_saturation(title: str, group: Mapping[str, Sequence[Taken]]) -> None:
    print(
        f"{title:26}{'requests/s':>11}{'worker CPU us':>15}{'all CPU us':>12}   bottleneck (cores' worth of time used)"
    )
    for peer, taken in group.items():
        worker = "" if peer == DIRECT else f"{_median(one.worker_us for one in taken):,.1f}"
        whole = "" if peer == DIRECT else f"{_median(one.tree_us for one in taken):,.1f}"
        per_second = _median(one.per_second for one in taken)
        print(f"{peer:26}{per_second:11,.0f}{worker:>15}{whole:>12}   {bottleneck(taken)}")
    for part, value in _parts(group.get(SIDECAR, ())).items():
        print(f"    of which {part:28}{'':12}{value:12,.1f}")


def _print_open_loop(title: str, group: Mapping[str, Sequence[Taken]]) -> None:
    print(
        f"{title:26}{'p50 ms':>9}{'p99 ms':>9}{'added p50':>11}{'added p99':>11}{'sent late p99':>15}"
        f"{'worker CPU us':>15}"
        "   cores' worth of time used"
    )
    for peer, taken in group.items():
        p50s, p99s = ([one.percentile_ms(q) for one in taken] for q in (0.5, 0.99))
        added = [
            _median(
                own.percentile_ms(q) - base.percentile_ms(q) for own, base in zip(taken, group[DIRECT], strict=True)
            )
            for q in (0.5, 0.99)
        ]
        late = _median(sorted(one.late_ms)[int(0.99 * (len(one.late_ms) - 1))] for one in taken)
        above = f"{added[0]:11.3f}{added[1]:11.3f}" if peer != DIRECT else f"{'':22}"
        worker = "" if peer == DIRECT else f"{_median(one.worker_us for one in taken):,.1f}"
        print(f"{peer:26}{_median(p50s):9.3f}{_median(p99s):9.3f}{above}{late:15.3f}{worker:>15}   {bottleneck(taken)}")


def _print_faults(group: Mapping[str, Sequence[Taken]]) -> None:
    for peer, taken in group.items():
        failed = sum(one.failed for one in taken)
        if failed:
            print(f"  {peer}: {failed} of {sum(one.requests for one in taken)} requests failed")


def bottleneck(taken: Sequence[Taken]) -> str:
    """Which core was full, and who used how much of it, as medians over the rounds."""
    cores = sorted(taken[0].cores)
    busy = {core: _median(one.cores[core].busy for one in taken) for core in cores}
    full = [core for core, share in busy.items() if share >= FULL]
    names = {cores[0]: "load core", cores[-1]: "proxy core"}
    words = " and ".join(names.get(core, f"core {core}") for core in full) or "no core was full"
    shares = {name: _median(one.shares.get(name, 0.0) for one in taken) for name in taken[0].shares}
    used = ", ".join(f"{name} {share:.2f}" for name, share in sorted(shares.items()) if share >= 0.005)
    stolen = max(_median(one.cores[core].stolen for one in taken) for core in cores)
    told = ", ".join(f"{names.get(core, core)} {busy[core]:.0%}" for core in cores)
    strangers = _median(sum(use.busy for use in one.cores.values()) - sum(one.shares.values()) for one in taken)
    if strangers > STRANGERS_MAX:
        used += f", NOT THE BENCHMARK'S {strangers:.2f}"
    return f"{words} ({told}; {used}{f'; host took {stolen:.0%}' if stolen >= 0.02 else ''})"


def _parts(taken: Sequence[Taken]) -> dict[str, float]:
    names = sorted({name for one in taken for name in one.parts})
    return {name: _median(one.parts.get(name, 0.0) for one in taken) for name in names}


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


def print_targets(sheet: Sheet) -> None:
    print("ratios of the sidecar to each peer: median of rounds [lowest-highest] (target)\n")
    print(targets_table(sheet))
    print(f"\n{len(TARGETS)} figures; a ratio is made within each round\n", flush=True)


def as_json(sheet: Sheet) -> list[dict[str, Any]]:
    """Every round's value of every figure."""
    return [
        {"peer": peer, "figure": key.figure, "size": key.size, "connections": key.connections, "rounds": values}
        for (peer, key), values in sheet.values.items()
    ]
