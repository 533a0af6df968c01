"""A store with ninety days of summaries of two versions, and what came about in them: made of no prediction at all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from math import pi, sin
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sidecar.recording import Batch, Store, SummaryRow
from sidecar.summaries import Summary, merge_all
from sidecar.types import RequestCounts, latency_index
from tests.watch.room import prediction

DAY_S, HOUR_S, MINUTE_S = 86_400, 3_600, 60
DAYS = 90
NARROW = {MINUTE_S: 26 * HOUR_S, 10: 2 * HOUR_S}
"""How far back there are minutes, and tens of seconds."""
POOL = 40
"""Hours that are drawn of each version; the past is made of these over and over."""
IMAGES_AN_HOUR = 120
SECOND_SINCE_DAY = 40
"""The day on which the second version gets its first traffic, a quarter of it."""
COMMIT_ROWS = 1_000
SEED = 11


class Look(NamedTuple):
    """How a version answers."""

    version: str
    score: float
    latency_ms: float
    error_rate: float


LOOKS = (Look("1", 0.82, 40.0, 0.004), Look("2", 0.74, 55.0, 0.012))


async def fill(data_dir: Path, until: float, days: int = DAYS) -> None:
    """Record ``days`` days up to ``until`` of versions 1 and 2 of ``det``, by the hour and by the day, and the last one
    by the minute, too, and the last two hours by ten seconds."""
    rng = np.random.default_rng(SEED)
    pools = {look: [_hour(rng, look) for _ in range(POOL)] for look in LOOKS}
    store = await Store.open(data_dir)
    rows: list[SummaryRow] = []
    fine = (_narrow(rng, pools, until, width_s, for_s) for width_s, for_s in NARROW.items())
    for row in chain(_rows(rng, pools, until, days), *fine):
        rows.append(row)
        if len(rows) == COMMIT_ROWS:
            await store.commit(Batch([], rows))
            rows = []
    await store.commit(Batch([], rows))
    await store.close()


def _rows(rng: np.random.Generator, pools: dict[Look, list[Summary]], until: float, days: int) -> Iterator[SummaryRow]:
    first = int(until) // DAY_S * DAY_S - (days - 1) * DAY_S
    for day in range(days):
        for look, pool in pools.items():
            if look.version == "2" and day < SECOND_SINCE_DAY * days // DAYS:
                continue
            hours: list[Summary] = []
            for hour in range(24):
                at = first + day * DAY_S + hour * HOUR_S
                if at > until:
                    break
                busy = (2 + 2 * sin((hour - 8) / 24 * 2 * pi)) * (3 if look.version == "1" else 1)
                drawn = [pool[place] for place in rng.integers(POOL, size=1 + round(busy))]
                hours.append(merge_all(drawn))
                yield _row(at, HOUR_S, look, hours[-1])
            if hours:
                yield _row(first + day * DAY_S, DAY_S, look, merge_all(hours))


def _narrow(
    rng: np.random.Generator, pools: dict[Look, list[Summary]], until: float, width_s: int, for_s: int
) -> Iterator[SummaryRow]:
    for at in range(int(until - for_s) // HOUR_S * HOUR_S, int(until), width_s):
        for look, pool in pools.items():
            yield _row(at, width_s, look, pool[rng.integers(POOL)])


def _row(bucket: int, width_s: int, look: Look, summary: Summary) -> SummaryRow:
    key = ("det", look.version, "serving", "", 0, "")
    return SummaryRow(bucket, width_s, *key, revision=summary.revision, payload=summary.encode())


def _hour(rng: np.random.Generator, look: Look) -> Summary:
    """A Summary of IMAGES_AN_HOUR requests."""
    summary = Summary()
    shares = np.array((0.55, 0.3, 0.1, 0.05)) if look.version == "1" else np.array((0.45, 0.3, 0.2, 0.05))
    summary.add_predictions(
        [
            prediction(0.0, number, rng.choice(4, rng.poisson(3), p=shares), float(rng.normal(look.score, 0.03)))
            for number in range(IMAGES_AN_HOUR)
        ]
    )
    counts = RequestCounts(0, "det", look.version, "serving", "", 0, "")
    counts.requests = IMAGES_AN_HOUR
    failed = int(rng.binomial(IMAGES_AN_HOUR, look.error_rate))
    counts.statuses = {200: IMAGES_AN_HOUR - failed} | ({503: failed} if failed else {})
    for ms in rng.lognormal(np.log(look.latency_ms), 0.35, IMAGES_AN_HOUR).tolist():
        index = latency_index(ms)
        counts.latency[index] = counts.latency.get(index, 0) + 1
        counts.latency_sum_us += round(ms * 1_000)
    summary.add_counts(counts)
    return summary
