"""Exchanges of tests with their predictions, as the pipeline hands them on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sidecar.dialects import DecodedImage, Undecodable
from sidecar.monitor.predictions import is_answer, predictions_of
from sidecar.recording import Batch, Reader, Store, Trials
from sidecar.trials.tally import Running, Settled, Tallied, Tally
from sidecar.types import Detections, Exchange, Prediction
from tests.kit.build import exchange

Sampled = tuple[tuple[int, int], Exchange, Sequence[Prediction]]
Box = tuple[float, float, str]
"""x, score, class"""
LIFE = (0, 9)
SHADOW = Running("s", "shadow", samples_per_hour=60)
AB = Running("ab", "ab", salt="salt", unit="header:x-camera", slow_edge_ms=16.0)


def detections(boxes: Sequence[Box]) -> Detections:
    """Square boxes in a row, 60 pixels wide."""
    labels = tuple(dict.fromkeys(name for *_, name in boxes))
    return Detections(
        np.array([(x, 0, x + 60, 60) for x, *_ in boxes], np.float32).reshape(-1, 4),
        np.array([score for _, score, _ in boxes], np.float32),
        np.array([labels.index(name) for *_, name in boxes], np.int32),
        labels,
    )


def sampled(*images: Sequence[Box] | None, life: tuple[int, int] = LIFE, **fields: Any) -> Sampled:
    """An exchange with these images; None is an answer that can't be read."""
    seen = exchange(**fields)
    outcome: list[DecodedImage] | Undecodable | None = None
    if is_answer(seen):
        decoded = [DecodedImage(detections(boxes), 640, 480) for boxes in images if boxes is not None]
        outcome = Undecodable("shape") if None in images else decoded
    return life, seen, predictions_of(seen, outcome, 0.25)


def serving(request_id: str, *images: Sequence[Box] | None, trial: str = "s", **fields: Any) -> Sampled:
    """What the client of a copied request got."""
    return sampled(*images, prediction_id=request_id, experiment=trial, **fields)


def copy(request_id: str, *images: Sequence[Box] | None, trial: str = "s", **fields: Any) -> Sampled:
    """What its shadow said."""
    values = {"role": "shadow", "variant": "B", "version": "v2", **fields}
    return sampled(*images, prediction_id=f"{request_id}-shadow", experiment=trial, **values)


def treated(unit: str, *images: Sequence[Box] | None, request_id: str = "p", arm: str = "B", **fields: Any) -> Sampled:
    """A request of an A/B test."""
    values = {"role": "control" if arm == "A" else "treatment", "variant": arm, "experiment": "ab", **fields}
    return sampled(*images, prediction_id=request_id, unit=unit, **values)


class Clock:
    """Seconds that go on when told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def nothing_recorded(_: str) -> Sequence[Prediction]:
    return []


def tally_of(*running: Running, clock: Callable[[], float] | None = None) -> Tally:
    """A tally without a former life."""
    tally = Tally(nothing_recorded, clock or Clock())
    tally.configure(running)
    return tally


async def added(tally: Tally, *batch: Sampled) -> tuple[Tallied, list[Settled]]:
    """What a batch came to, committed."""
    tallied = await tally.add(batch)
    return tallied, tally.committed()


class Recorded:
    """A life of the monitor's: a tally over a store, whose frames are numbered by one worker."""

    def __init__(self, store: Store, reader: Reader, tally: Tally, position: int) -> None:
        self.store = store
        self.reader = reader
        self.tally = tally
        self.position = position

    @classmethod
    async def begin(cls, store: Store, reader: Reader, *running: Running, clock: Callable[[], float]) -> Recorded:
        tally = Tally(reader.by_request, clock)
        tally.configure(running)
        await tally.restore(Trials(store))
        return cls(store, reader, tally, (await store.positions()).get(LIFE, 0))

    async def take(self, frames: Sequence[Sequence[Sampled]], killed: bool = False) -> None:
        """All frames that are not committed yet, in one batch; ``killed`` before it is committed."""
        batch = [item for frame in frames[self.position :] for item in frame]
        tallied = await self.tally.add(batch)
        if killed:
            return
        predictions = [prediction for *_, found in batch for prediction in found]
        rows = Batch(predictions, (), {LIFE: len(frames)}, (), tallied.units, tallied.pairs, tallied.cuts)
        await self.store.commit(rows)
        self.tally.committed()
        self.position = len(frames)
