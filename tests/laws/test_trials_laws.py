"""What eight workers saw comes to exactly what one worker would have seen."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import orjson
import pytest

from sidecar.experiments import METRICS
from sidecar.experiments.definition import Definition, ShadowDefinition
from sidecar.experiments.lifecycle import Trial, begun, ramped
from sidecar.experiments.pairs import PairSummary
from sidecar.hashing import unit_interval
from sidecar.link import Frame, Kind, pack_counts
from sidecar.monitor.buckets import Buckets
from sidecar.monitor.intake import Intake
from sidecar.monitor.pipeline import Pipeline
from sidecar.monitor.sampling import Sampling
from sidecar.proxy.assignment import Split
from sidecar.proxy.counts import CountBook
from sidecar.recording import WHOLE_EPOCH_S, AuditedRow, Batch, Reader, SummaryRow
from sidecar.shipping import pack_exchange
from sidecar.summaries import SummaryKey
from sidecar.trials import Readout, Running, Tally, UnitSums
from sidecar.types import Exchange, Experiment, Prediction, ProxySettings, Variant
from tests.kit.build import exchange
from tests.kit.reading import read_all

SETTINGS = ProxySettings(version=1, variants=(Variant("A", "http://a:1"),), default="A")
START = 1_700_000_003.0
WORKERS = 8
REQUESTS = 500
EDGE_MS = 16.0
SHARES = (0.25, 0.6)
"""Of the treatment before and after the ramp."""
DRAW_RATE = 0.3
KEY = ("model", "version", "role", "experiment", "epoch", "slice")

Seen = tuple[float, str, Exchange]
"""When it is recorded, the request it belongs to, and the exchange."""


def trial_by(unit: str, name: str) -> Trial:
    """An A/B test in its second step."""
    definition = Definition(name, name, "A", ("B",), SHARES[:1], unit=unit, metrics=tuple(METRICS))
    return ramped(begun(name, definition, 0.0, slow_edge_ms=EDGE_MS), SHARES[1:], 50.0, "ramped")


BY_REQUEST = trial_by("request", "by-request")
BY_CAMERA = trial_by("header:x-camera", "by-camera")
COPIED = ramped(begun("copied", ShadowDefinition("copied", "copied", "B", 1.0), 0.0), (0.5,), 50.0, "ramped")
RUNNING = (
    Running("by-request", "ab", salt="by-request", slow_edge_ms=EDGE_MS),
    Running("by-camera", "ab", salt="by-camera", unit="header:x-camera", slow_edge_ms=EDGE_MS),
    Running("copied", "shadow", samples_per_hour=60),
)


def answer(rng: np.random.Generator, crowd: float) -> dict[str, Any]:
    """What a server says, now and then an error or nonsense: boxes in a row that may have moved a little."""
    kind, upstream_ms = rng.random(), float(rng.lognormal(2.3, 0.5))
    timed = {"upstream_ms": upstream_ms, "first_byte_ms": upstream_ms, "latency_ms": upstream_ms + 1}
    if kind < 0.05:
        return {**timed, "status": 503, "response_body": b"busy"}
    if kind < 0.1:
        return {**timed, "response_body": b'{"outputs": 7}'}
    places = np.flatnonzero(rng.random(6) < crowd)
    left = 100.0 * places + rng.uniform(0, 30, len(places))
    boxes = [[x, 0, x + 80, 80] for x in left.tolist()]
    outputs = [
        {"name": "boxes", "shape": [len(boxes), 4], "datatype": "FP32", "data": boxes},
        {"name": "scores", "shape": [len(boxes)], "datatype": "FP32", "data": rng.uniform(0.1, 1, len(boxes)).tolist()},
        {
            "name": "classes",
            "shape": [len(boxes)],
            "datatype": "BYTES",
            "data": rng.choice(["car", "bus"], len(boxes)).tolist(),
        },
    ]
    return {**timed, "response_body": orjson.dumps({"model_name": "det", "outputs": outputs})}


def split_traffic(rng: np.random.Generator, trial: Trial) -> list[Seen]:
    """Requests of an A/B test before and after its ramp; who is served by what is the data plane's affair."""
    definition = trial.definition
    assert isinstance(definition, Definition)
    found: list[Seen] = []
    for number in range(REQUESTS):
        at, epoch = float(rng.uniform(0, 100)), number % 2
        experiment = Experiment(
            *(trial.trial_id, "A", ("B",), SHARES[epoch : epoch + 1], definition.unit, definition.model),
            salt=trial.trial_id,
            epoch=epoch,
        )
        request_id, camera = f"{trial.trial_id}-{number}", f"camera-{rng.integers(90)}"
        given = Split(experiment).assign("10.0.0.7", request_id, {experiment.unit[7:].encode(): camera}.get)
        seen = exchange(
            prediction_id=request_id,
            started_at=START + at,
            model=definition.model,
            role=given.role,
            variant=given.variant,
            version={"A": "1", "B": "2"}[given.variant],
            experiment=given.experiment,
            epoch=given.epoch,
            unit=given.unit,
            slice=str(rng.choice(["north", "south"])),
            **answer(rng, 0.6 if given.variant == "A" else 0.5),
        )
        found.append((at, request_id, seen))
    return found


def copied_traffic(rng: np.random.Generator) -> list[Seen]:
    """Copied requests; either answer may be recorded first."""
    found: list[Seen] = []
    for number in range(REQUESTS):
        at, request_id, epoch = float(rng.uniform(0, 100)), f"copied-{number}", number % 2
        fields = {"started_at": START + at, "model": "copied", "experiment": "copied", "epoch": epoch}
        serving = exchange(prediction_id=request_id, version="1", **fields, **answer(rng, 0.6))
        shadow = {"role": "shadow", "variant": "B", "version": "2"}
        copy = exchange(prediction_id=f"{request_id}-shadow", **shadow, **fields, **answer(rng, 0.6))
        found += [(at, request_id, serving), (at + float(rng.uniform(-4, 4)), request_id, copy)]
    return found


def frames_of(rng: np.random.Generator, seen: Sequence[Seen]) -> list[Frame]:
    """What one worker ships: exchanges by handfuls, and now and then what it has counted."""
    frames: list[Frame] = []
    book = CountBook()
    rest = [one for _, _, one in sorted(seen, key=lambda item: item[0])]
    while rest:
        size = int(rng.integers(1, 9))
        part, rest = rest[:size], rest[size:]
        frames.append(Frame(Kind.EXCHANGES, len(frames) + 1, b"".join(map(pack_exchange, part))))
        for one in part:
            bucket = int(one.started_at) // 10 * 10
            key = (bucket, one.model, one.version, one.role, one.experiment, one.epoch, one.slice)
            book.add(key, one.status, one.error, one.latency_ms, one.upstream_ms)
        if not rest or rng.random() < 0.2:
            frames.append(Frame(Kind.COUNTS, len(frames) + 1, pack_counts(book.take())))
    return frames


def audited_row(one: Prediction) -> AuditedRow:
    """What a reviewer made of a drawn image; of every other one nothing yet."""
    verdict = ""
    if unit_interval(one.request_id, "reviewed") < 0.5:
        verdict = "correct" if unit_interval(one.request_id, "right") < 0.6 else "wrong_box"
    return AuditedRow(one.epoch, one.role, one.version, DRAW_RATE, verdict, one.unit, one.request_id, 1)


class Monitor:
    """The monitor's loop without its process; ``summaries`` and ``units`` are what it committed last, ``audited`` the
    images that the random sample drew, by test."""

    def __init__(self) -> None:
        self.summaries: dict[SummaryKey, SummaryRow] = {}
        self.units: dict[tuple[str, int, str, int], bytes] = {}
        self.audited: list[tuple[str, AuditedRow]] = []
        self.intake = Intake(Path("nowhere"), SETTINGS, {}, lambda *_: None, lambda *_: None)
        self.tally = Tally(self._nothing_recorded)
        self.tally.configure(RUNNING)
        self.pipeline = Pipeline(
            *(self.intake, self._commit, Buckets(self._load)),
            Sampling(lambda seen: [None] * len(seen), lambda *_: None, self.intake.want, self.intake.release),
            read_all,
            lambda key, revision, summary: [],
            clock=lambda: START,
            trials=self.tally,
        )

    async def take(self, frames: Sequence[tuple[int, Frame]]) -> None:
        """(worker, frame) in the order in which they arrive."""
        last = {(worker, 9): frame.sequence for worker, frame in frames}
        for worker, frame in frames:
            self.intake.sequenced((worker, 9), frame)
        while self.intake.positions != last:
            await self.pipeline.turn()

    async def _commit(self, batch: Batch) -> None:
        for row in batch.summaries:
            if row.width_s == WHOLE_EPOCH_S:
                self.summaries[SummaryKey(row.bucket, row.width_s, *(getattr(row, name) for name in KEY))] = row
        for unit in batch.units:
            self.units[unit.trial_id, unit.epoch, unit.arm, unit.unit] = unit.sums
        for one in batch.predictions:
            if one.experiment and unit_interval(one.request_id, "random_sample") < DRAW_RATE:
                self.audited.append((one.experiment, audited_row(one)))

    async def _load(self, key: SummaryKey) -> SummaryRow | None:
        return self.summaries.get(key)

    async def _nothing_recorded(self, _: str) -> Sequence[Any]:
        return []


class Merged:
    """What several monitors committed, put together: the Reader and the Sums of a Readout."""

    def __init__(self, monitors: Sequence[Monitor]) -> None:
        self._monitors = monitors

    async def epoch_summaries(self, trial_id: str) -> list[SummaryRow]:
        return [row for one in self._monitors for row in one.summaries.values() if row.experiment == trial_id]

    async def audited(self, trial_id: str) -> list[AuditedRow]:
        return [row for one in self._monitors for of, row in one.audited if of == trial_id]

    def units(self, trial_id: str) -> UnitSums:
        sums = UnitSums(trial_id)
        for monitor in self._monitors:
            for (of, epoch, arm, unit), encoded in monitor.units.items():
                if of == trial_id:
                    sums.add(epoch, arm, unit, np.frombuffer(encoded, "<i8"))
        return sums

    def pairs(self, trial_id: str) -> Mapping[int, PairSummary]:
        found: dict[int, PairSummary] = defaultdict(PairSummary)
        for monitor in self._monitors:
            for epoch, summary in monitor.tally.pairs(trial_id).items():
                found[epoch] = found[epoch].merge(summary)
        return found


async def documents(*monitors: Monitor) -> list[dict[str, Any]]:
    """The results of all three tests."""
    merged = Merged(monitors)
    readout = Readout(cast(Reader, merged), merged)
    split = [await readout.results(trial, {}, 100.0) for trial in (BY_REQUEST, BY_CAMERA)]
    return [*(read.results.to_dict() for read in split), readout.report(COPIED).to_dict(histograms=True)]


@pytest.mark.parametrize("seed", range(3))
async def test_eight_workers_come_to_what_one_does(seed: int) -> None:
    """Whether one monitor hears all eight, or each has one of its own and their sums are merged: every figure of an A/B
    test by requests, of one by cameras, both over a ramp, and of a shadow test is exactly the same."""
    rng = np.random.default_rng(seed)
    seen = [*split_traffic(rng, BY_REQUEST), *split_traffic(rng, BY_CAMERA), *copied_traffic(rng)]
    worker_of = {request_id: int(rng.integers(WORKERS)) for request_id in sorted({one[1] for one in seen})}
    dealt = [frames_of(rng, [one for one in seen if worker_of[one[1]] == worker]) for worker in range(WORKERS)]
    arrival = rng.permutation([worker for worker, frames in enumerate(dealt) for _ in frames]).tolist()
    waiting = [iter(frames) for frames in dealt]
    alone, together, *apart = (Monitor() for _ in range(2 + WORKERS))
    await asyncio.gather(
        alone.take([(0, frame) for frame in frames_of(rng, seen)]),
        together.take([(worker, next(waiting[worker])) for worker in arrival]),
        *(one.take([(place, frame) for frame in dealt[place]]) for place, one in enumerate(apart)),
    )
    expected = await documents(alone)
    assert await documents(together) == expected
    assert await documents(*apart) == expected
    by_request, by_camera, copied = expected
    assert by_request["model_a"]["n"] + by_request["model_b"]["n"] == REQUESTS
    assert by_request["epochs"] == by_camera["epochs"] == 2
    assert by_camera["model_a"]["moved"] + by_camera["model_b"]["moved"] > 0
    assert copied["counts"]["requests"] == REQUESTS
    assert min(copied["counts"][name] for name in ("flipped", "missed", "extra", "failed_a", "unread_b")) > 0
