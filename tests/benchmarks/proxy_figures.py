"""The arithmetic of the proxy benchmark, pure: rounds, medians, ratios, targets. Knows no process and no clock."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

NGINX, HAPROXY, ENVOY, NAIVE, SIDECAR, DIRECT = "nginx", "HAProxy", "Envoy", "naive aiohttp", "sidecar", "direct"
WORKER_US, TREE_US, PER_SECOND, P50_MS, P99_MS = "worker CPU us", "all CPU us", "requests/s", "p50 ms", "p99 ms"


@dataclass(frozen=True)
class Key:
    """A figure of one case. ``connections`` is 0 in an open loop."""

    figure: str
    size: str
    connections: int = 0


@dataclass(frozen=True)
class Target:
    """What the sidecar's figure may at most (or, ``at_least``, must at least) be as a multiple of each peer's."""

    words: str
    key: Key
    against: dict[str, float]
    at_least: bool = False
    above_direct: bool = False

    def met_by(self, ratio: float, limit: float) -> bool:
        return ratio >= limit if self.at_least else ratio <= limit


def _limits(nginx: float, envoy: float, naive: float) -> dict[str, float]:
    return {NGINX: nginx, ENVOY: envoy, NAIVE: naive}


TARGETS = (
    Target("worker CPU per request, 1 KB", Key(WORKER_US, "1 KB", 32), _limits(1.20, 0.60, 0.18)),
    Target("worker CPU per request, 100 KB", Key(WORKER_US, "100 KB", 32), _limits(0.60, 0.70, 0.22)),
    Target("worker CPU per request, 1 MB", Key(WORKER_US, "1 MB", 32), _limits(0.80, 0.55, 0.25)),
    Target("requests/s at 100 KB, 32 connections", Key(PER_SECOND, "100 KB", 32), _limits(1.2, 1.0, 3.0), True),
    Target("requests/s at 1 KB, 32 connections", Key(PER_SECOND, "1 KB", 32), _limits(0.8, 1.5, 5.0), True),
    Target("added p50 at 1,000/s, 100 KB", Key(P50_MS, "100 KB"), _limits(1.05, 0.65, 0.40), above_direct=True),
    Target("added p99 there", Key(P99_MS, "100 KB"), _limits(1.5, 1.0, 0.5), above_direct=True),
)
"""The table of the issue that asked for it."""


@dataclass
class Sheet:
    """What was measured: a value a round, by peer and figure."""

    values: dict[tuple[str, Key], list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, peer: str, key: Key, value: float) -> None:
        self.values[peer, key].append(value)

    def has(self, peer: str, key: Key) -> bool:
        return (peer, key) in self.values

    def median(self, peer: str, key: Key) -> float:
        return statistics.median(self.values[peer, key])

    def added(self, peer: str, key: Key) -> list[float]:
        """Above direct in the same round, for each round."""
        pairs = zip(self.values[peer, key], self.values[DIRECT, key], strict=True)
        return [value - direct for value, direct in pairs]

    def ratio(self, target: Target, peer: str) -> tuple[float, float, float]:
        """The sidecar's figure as a multiple of the peer's: the median, lowest and highest of the rounds.

        NaN where the peer's figure is 0 or less in a round: what it adds is then lost in the noise.
        """
        if target.above_direct:
            own, others = self.added(SIDECAR, target.key), self.added(peer, target.key)
        else:
            own, others = self.values[SIDECAR, target.key], self.values[peer, target.key]
        return spread(own, others)


def spread(own: Sequence[float], others: Sequence[float]) -> tuple[float, float, float]:
    """Median, lowest and highest of the ratios round by round. Raises ValueError where there are unlike rounds."""
    ratios = [one / other if other > 0 else math.nan for one, other in zip(own, others, strict=True)]
    if any(map(math.isnan, ratios)):
        return math.nan, math.nan, math.nan
    return statistics.median(ratios), min(ratios), max(ratios)


def quantile(values: Sequence[float], q: float) -> float:
    """Of a sample, by linear interpolation between its two neighbours (as numpy's default). ``q`` in 0..1."""
    if not values:
        return math.nan
    ordered = sorted(values)
    place = q * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def per_request_us(seconds: float, requests: int) -> float:
    """Microseconds of ``seconds`` of processor time for each of ``requests``."""
    return seconds / max(requests, 1) * 1e6


def judged(sheet: Sheet, target: Target, peer: str) -> str:
    """A cell of the table of targets: ratio, bounds of its rounds, target, met or not; a peer may have no target."""
    if not (sheet.has(peer, target.key) and sheet.has(SIDECAR, target.key)):
        return "not measured"
    limit, (ratio, low, high) = target.against.get(peer, math.nan), sheet.ratio(target, peer)
    if math.isnan(limit):
        return "lost in noise" if math.isnan(ratio) else f"{ratio:.2f} [{low:.2f}-{high:.2f}]"
    sign = ">=" if target.at_least else "<="
    if math.isnan(ratio):
        return f"lost in noise ({sign} {limit:g})"
    verdict = "met" if target.met_by(ratio, limit) else "**missed**"
    return f"{ratio:.2f} [{low:.2f}-{high:.2f}] ({sign} {limit:g}: {verdict})"


def targets_table(sheet: Sheet) -> str:
    """The table of targets as Markdown."""
    peers = (NGINX, HAPROXY, ENVOY, NAIVE)
    rows = [f"| figure | {' | '.join(f'against {peer}' for peer in peers)} |", f"|---|{'---|' * len(peers)}"]
    for target in TARGETS:
        cells = [judged(sheet, target, peer) for peer in peers]
        rows.append(f"| {target.words} | {' | '.join(cells)} |")
    return "\n".join(rows)
