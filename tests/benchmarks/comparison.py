"""What results of tests cost: 7 days of an A/B test and of a shadow test, with 100 million requests behind.

    python tests/benchmarks/comparison.py [--requests 100000000] [--units 25000] [--rounds 20]

Fills a store with what 7 days leave behind (a planned ramp of four epochs, summaries of 20 slices, sums of lasting
units up to their bound, pairs), then asks for results as the API does, in one process, and prints medians. The
yardstick in the same run: reading the predictions of as many requests back from the store.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sidecar.experiments import PER_UNIT_NAMES
from sidecar.experiments.definition import Definition, Ramp, ShadowDefinition
from sidecar.experiments.lifecycle import Trial, begun, ramped
from sidecar.experiments.pairs import PairSummary, pair_request
from sidecar.recording import Batch, PairRow, Reader, Store, SummaryRow, Trials, UnitRow
from sidecar.summaries import Summary
from sidecar.trials import Entry, Readout, Running, Steward, Tally
from sidecar.trials.book import Book
from sidecar.trials.units import unit_hash
from tests.benchmarks.judgement import grown, image, seeds
from tests.benchmarks.options import options_of

DAY_S = 86_400
NOW = 1_709_251_200.0
RAMP = (0.01, 0.05, 0.25, 0.5)
SLICES = 20


def ab_trial(trial_id: str, unit: str) -> Trial:
    """Seven days, ramped three times."""
    definition = Definition(trial_id, "det", "A", ("B",), RAMP[:1], unit=unit, ramp=Ramp(RAMP), duration_days=None)
    trial = begun(trial_id, definition, NOW - 7 * DAY_S)
    for step, share in enumerate(RAMP[1:], 1):
        trial = ramped(trial, (share,), NOW - 7 * DAY_S + step * DAY_S, "planned ramp")
    return trial


def epoch_rows(trial: Trial, made: list[Summary], requests: int) -> list[SummaryRow]:
    rows = []
    for epoch in trial.epochs:
        share = epoch.shares[0]
        for role, version, part in (("control", "1", 1 - share), ("treatment", "2", share)):
            factor = max(1, int(requests / len(trial.epochs) * part) // 1_000)
            payload = grown(made[epoch.number], factor).encode()
            rows.append(SummaryRow(0, 0, "det", version, role, trial.trial_id, epoch.number, "", 1, payload))
    return rows


def narrow_rows(trial: Trial, made: list[Summary]) -> list[SummaryRow]:
    """What stands beside: a row for each slice and minute of seven days, which results must not read."""
    payloads = [summary.encode() for summary in made]
    return [
        SummaryRow(
            *(int(NOW) - 7 * DAY_S + 60 * minute, 60, "det", "1", "control", trial.trial_id),
            *(minute * 4 // (7 * 1_440), f"camera-{number}", 1, payloads[minute % len(payloads)]),
        )
        for minute in range(0, 7 * 1_440, 20)
        for number in range(SLICES)
    ]


def unit_rows(trial: Trial, units: int, rng: np.random.Generator) -> list[UnitRow]:
    rows = []
    for epoch in trial.epochs[:2]:
        sums = rng.integers(1, 10_000, (units, len(PER_UNIT_NAMES))).astype("<i8")
        arms = np.where(rng.random(units) < epoch.shares[0], "B", "A")
        rows += [
            UnitRow(trial.trial_id, epoch.number, str(arms[unit]), unit_hash("s", str(unit)), sums[unit].tobytes())
            for unit in range(units)
        ]
    return rows


def pairs_summary(rng: np.random.Generator, requests: int) -> PairSummary:
    seed = PairSummary()
    for number in range(1_000):
        a = image(number, rng, NOW, "det")
        seed.add(pair_request([a], [image(number, rng, NOW, "det")], seed.iou_min))
    total, power, factor = PairSummary(), seed, max(1, requests // 1_000)
    while factor:
        if factor & 1:
            total = total.merge(power)
        power, factor = power.merge(power), factor >> 1
    return total


async def median_ms(work: Callable[[], Awaitable[Any]], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        await work()
        taken.append((time.perf_counter() - started) * 1_000)
    return statistics.median(taken)


async def read_back_s(store: Store, reader: Reader) -> float:
    """Seconds a million predictions take to be read from the store, unpacked."""
    rng = np.random.default_rng(2)
    count = 5_000
    await store.commit(Batch(predictions=[image(n, rng, NOW - 10_000 + n, "yardstick") for n in range(count)]))
    started = time.perf_counter()
    after, seen = None, 0
    while True:
        page, after = await reader.predictions_between("yardstick", None, NOW - 20_000, NOW, after, 1_000)
        seen += len(page)
        if after is None:
            return (time.perf_counter() - started) / seen * 1_000_000


async def fill(store: Store, options: argparse.Namespace, tests: list[Trial], copied: Trial) -> None:
    rng = np.random.default_rng(1)
    made = seeds(rng, "det")
    for trial in tests:
        await store.commit(Batch(summaries=epoch_rows(trial, made, options.requests)))
        rows = narrow_rows(trial, made[:4])
        for start in range(0, len(rows), 1_000):
            await store.commit(Batch(summaries=rows[start : start + 1_000]))
    await store.commit(Batch(units=unit_rows(tests[1], options.units, rng)))
    summary = pairs_summary(rng, options.requests // 10)
    await store.commit(Batch(pairs=[PairRow(copied.trial_id, 0, 1, summary.encode())]))


async def run(options: argparse.Namespace, folder: Path) -> None:
    store, reader = await Store.open(folder), await Reader.open(folder)
    tests = [ab_trial("by-request", "request"), ab_trial("by-camera", "header:x-camera-id")]
    copied = begun("copied", ShadowDefinition("copied", "det", "B", share=1.0, duration_days=None), NOW - 7 * DAY_S)
    await fill(store, options, tests, copied)
    yardstick_s = await read_back_s(store, reader)
    tally = Tally(reader.by_request)
    tally.configure(
        [
            Running("by-request", "ab"),
            Running("by-camera", "ab", salt="s", unit="header:x-camera-id"),
            Running("copied", "shadow"),
        ]
    )
    await tally.restore(Trials(store))
    book = Book(Trials(store), lambda trials, serve, promoted_at: None, lambda: NOW)
    for trial in (*tests, copied):
        book.entries[trial.trial_id] = Entry(trial)
    steward = Steward(book, Readout(reader, tally), lambda: NOW)
    print(f"{platform.machine()}, Python {platform.python_version()}, the store takes {store.health.bytes >> 20} MiB")
    for trial in (*tests, copied):
        entry = book.entries[trial.trial_id]

        async def ask(entry: Entry = entry) -> None:
            json.dumps(await steward.document(entry))

        document = await steward.document(entry)
        behind = document["counts"]["requests"] if trial.kind == "shadow" else document["model_a"]["requests"]
        taken = await median_ms(ask, options.rounds)
        print(f"results of {trial.trial_id:12} {taken:8.1f} ms   ({behind:,} requests of A behind)")
    print(f"a round of the steward  {await median_ms(steward.round, options.rounds):8.1f} ms")
    whole_s = yardstick_s * options.requests / 1_000_000
    print(f"reading {options.requests:,} predictions back instead: {whole_s:,.0f} s")
    await reader.close()
    await store.close()


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--requests", type=int, default=100_000_000)
    parser.add_argument("--units", type=int, default=25_000, help="lasting units; each is in two epochs")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(options, Path(folder)))


if __name__ == "__main__":
    main()
