"""What judgement costs: drift over 30 days and rounds of 200 alerts, with 100 million predictions behind.

    python tests/benchmarks/judgement.py [--predictions 100000000] [--alerts 200] [--rounds 20]

Fills a store with generated summaries (80 classes, 60 days by the day and the hour, the last day by the minute and ten
seconds), then asks what a person and the monitor ask, in one process, and prints medians. The yardstick in the same
run: reading as many predictions back from the store, per million.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from sidecar.drift import Period
from sidecar.recording import Alerts, Baselines, Batch, DriftChecks, Reader, Store, SummaryRow
from sidecar.summaries import Summary, SummaryKey, rollup
from sidecar.types import Detections, Prediction, RequestCounts, latency_index
from sidecar.watch import Book, Checks, Drift, History, Ledger, Normal, Rounds, Scope, Seasons, pages_of

DAY_S = 86_400
NOW = 1_709_251_200.0  # 2024-03-01T00:00:00Z
SINCE = NOW - 60 * DAY_S
CLASSES = tuple(f"class {number}" for number in range(80))
PERIODS = "2024-01-01:2024-01-30", "2024-01-31:2024-02-29"
METRICS = ("avg_confidence", "error_rate", "p99_latency_ms", "no_detection_rate", "detections_per_image")
WINDOWS = ("5m", "15m", "1h", "6h", "1d", "7d", "30d")
MODELS = 4


def image(number: int, rng: np.random.Generator, at: float, model: str) -> Prediction:
    count = int(rng.poisson(8))
    labels = tuple(dict.fromkeys(rng.choice(CLASSES, count).tolist())) or (CLASSES[0],)
    found = Detections(
        rng.uniform(0, 400, (count, 4)).astype(np.float32).cumsum(1),
        rng.uniform(0.2, 1, count).astype(np.float32),
        rng.integers(0, len(labels), count).astype(np.int32),
        labels,
    )
    name = f"{at:.0f}-{number}"
    return Prediction(
        *(name, name, 0, at, model, "1", "A", "serving", "", 0, "", "", "v2", 200, "", ""),
        *(20.0, 18.0, 17.0, 1, 1, 640, 480, 0.25, "", "", found),
    )


def grown(seed: Summary, factor: int) -> Summary:
    """``factor`` times what ``seed`` holds: merging it with itself, by doubling, is exact and quick."""
    total, power = Summary(), seed
    while factor:
        if factor & 1:
            total = total.merge(power)
        power, factor = power.merge(power), factor >> 1
    return total


def seeds(rng: np.random.Generator, model: str) -> list[Summary]:
    """A few hours that differ, of 1,000 images each."""
    made = []
    for _ in range(24):
        summary = Summary()
        summary.add_predictions([image(number, rng, NOW, model) for number in range(1_000)])
        latency = np.bincount([latency_index(ms) + 200 for ms in rng.lognormal(3, 0.4, 1_000)])
        counts = {int(index) - 200: int(latency[index]) for index in np.flatnonzero(latency)}
        summary.add_counts(
            RequestCounts(0, model, "1", "serving", "", 0, "", 1_000, {200: 995, 503: 5}, {}, counts, 20_000_000)
        )
        for _ in range(20):
            summary.add_probe(640, 480, float(rng.beta(4, 4)))
        made.append(summary)
    return made


def rows_of(model: str, made: list[Summary], per_hour: int) -> Iterable[tuple[SummaryKey, Summary]]:
    """Sixty days of hours and days, and the last day in minutes and tens of seconds."""
    key = SummaryKey(0, 3_600, model, "1", "serving", "", 0, "")
    hours = [
        (key._replace(bucket=int(SINCE) + 3_600 * hour), grown(made[hour % 24], max(1, per_hour // 1_000)))
        for hour in range(60 * 24)
    ]
    yield from hours
    yield from rollup(hours, DAY_S).items()
    for width_s, count in ((60, 1_440), (10, 8_640)):
        for index in range(count):
            bucket = int(NOW) - width_s * (count - index)
            yield key._replace(bucket=bucket, width_s=width_s), made[index % 24]


async def fill(store: Store, predictions: int) -> None:
    rng = np.random.default_rng(1)
    per_hour = predictions // (60 * 24) // MODELS
    for number in range(MODELS):
        model = f"model-{number}"
        rows = [
            SummaryRow(**key._asdict(), revision=1, payload=summary.encode())
            for key, summary in rows_of(model, seeds(rng, model), per_hour)
        ]
        for start in range(0, len(rows), 1_000):
            await store.commit(Batch(summaries=rows[start : start + 1_000]))


async def read_back(store: Store, reader: Reader) -> float:
    """Seconds a million predictions take to be read from the store, unpacked."""
    rng = np.random.default_rng(2)
    count = 5_000
    await store.commit(Batch(predictions=[image(n, rng, SINCE + n, "yardstick") for n in range(count)]))
    started = time.perf_counter()
    after, seen = None, 0
    while True:
        page, after = await reader.predictions_between("yardstick", None, SINCE, NOW, after, 1_000)
        seen += len(page)
        if after is None:
            break
    return (time.perf_counter() - started) / seen * 1_000_000


async def median_ms(work: Callable[[], Awaitable[Any]], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        await work()
        taken.append((time.perf_counter() - started) * 1_000)
    return statistics.median(taken)


class AnyChannel:
    """No alert here notifies anybody."""

    def fault(self, channel: str) -> str:
        return ""

    def warning(self, channel: str) -> str:
        return ""


async def run(options: argparse.Namespace, folder: Path) -> None:
    store = await Store.open(folder)
    reader = await Reader.open(folder)
    started = time.perf_counter()
    await fill(store, options.predictions)
    yardstick_s = await read_back(store, reader)
    print(f"filled in {time.perf_counter() - started:.0f} s, the store takes {store.health.bytes >> 20} MiB")
    clock = lambda: NOW  # noqa: E731 - a frozen clock
    history = History(reader)
    normal = Normal(history, Baselines(store), lambda _: False, clock)
    drift = Drift(history, normal, lambda _: False, clock)
    total = await history.total(Scope("model-0"), Period(SINCE, NOW))
    print(
        f"{MODELS} models, {total.images:,} predictions each; {platform.machine()}, Python {platform.python_version()}"
    )

    async def check(**more: Any) -> None:
        report = await drift.check("model-0", *PERIODS, **more)
        assert report["blocks"]["level"] == "day"

    rows = {"drift, 30 days against 30": await median_ms(check, options.rounds)}
    await normal.freeze("model-0", PERIODS[0], "default", False)
    rows["drift, 30 days against a baseline"] = await median_ms(
        lambda: drift.check("model-0", "default", PERIODS[1]), options.rounds
    )
    checks = Checks(history, normal, DriftChecks(store), lambda _: False, clock)
    rows["continuous check of a week, 9,999 permutations"] = await median_ms(
        lambda: checks.run_due(7 * DAY_S, False), 1
    )
    book = Book(Alerts(store), AnyChannel, clock, lambda: "")
    ticks = iter(range(0, 10**9, 10))

    load = pages_of(reader)
    rounds = Rounds(
        *(book, Ledger(load), normal, Seasons(load), checks.latest, lambda: 0, lambda: 0),
        clock=clock,
        monotonic=lambda: float(next(ticks)),
    )
    for number in range(options.alerts):
        condition = {
            "metric": METRICS[number % len(METRICS)],
            "operator": "lt" if number % 2 else "gt",
            "threshold": 0.5,
            "window": WINDOWS[number // len(METRICS) % len(WINDOWS)],
        }
        await book.create(Scope(f"model-{number % MODELS}"), f"alert {number}", condition, [])
    rows["the first round, which reads the past"] = await median_ms(rounds.round, 1)
    rows[f"a round of {options.alerts} alerts"] = await median_ms(rounds.round, options.rounds)
    one = book.all()[0]
    rows["one alert over 30 days, its window read anew"] = await median_ms(
        lambda: Ledger(load).refresh([(one.scope, 30 * DAY_S)], NOW), options.rounds
    )
    for what, ms in rows.items():
        print(f"{what:<52} {ms:>9.1f} ms")
    behind = total.images / 1e6 * yardstick_s
    ratio = behind * 1_000 / rows["drift, 30 days against 30"]
    print(f"reading those predictions back instead would take {behind:,.0f} s: {ratio:,.0f} times as long")
    await reader.close()
    await store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--predictions", type=int, default=100_000_000, help="behind all models together")
    parser.add_argument("--alerts", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    import structlog

    structlog.configure(processors=[lambda *_: (_ for _ in ()).throw(structlog.DropEvent)])
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(options, Path(folder)))


if __name__ == "__main__":
    main()
