"""Both answers to a copied request: the first waits here for the other, and what they come to is summed up by epoch."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import structlog

from sidecar.experiments.pairs import IOU_MIN, PairSummary, RequestPair
from sidecar.recording import PairRow
from sidecar.summaries import SummaryError
from sidecar.types import Prediction, alone

log = structlog.get_logger()

COPY_SUFFIX = "-shadow"
"""What the data plane adds to a request's id for that of its copy."""
WAITING_MAX = 2_000
"""Answers of a test that wait for their other half."""
WAITING_BOXES_MAX = 1_000_000
"""Boxes of them all."""
WAITING_S = 120.0

Side = Literal["a", "b"]
Life = tuple[int, int]
"""A worker and its epoch."""


@dataclass(frozen=True, slots=True)
class Half:
    """One answer to the request ``request_id``: of what serves (``a``) or of the copy (``b``). ``life`` and ``headers``
    are those of the request, to ask for its body."""

    request_id: str
    side: Side
    predictions: Sequence[Prediction]
    life: Life
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def boxes(self) -> int:
        return sum(len(image.detections.scores) for image in self.predictions if image.detections is not None)


class Pairs:
    """The answers that wait, and a PairSummary of each epoch.

    ``skipped`` counts answers whose other half never came (``no_shadow``, ``no_serving``), that had to make room
    (``full``) or that came twice.

    >>> pairs = Pairs("t")
    >>> pairs.meet(Half("r", "b", (), (0, 1)), now=0.0) is None, "r" in pairs
    (True, True)
    >>> [half.side for half in pairs.meet(Half("r", "a", (), (0, 1)), now=1.0)]
    ['a', 'b']
    """

    def __init__(
        self,
        trial_id: str,
        iou_min: float = IOU_MIN,
        *,
        waiting_max: int = WAITING_MAX,
        boxes_max: int = WAITING_BOXES_MAX,
    ) -> None:
        self.trial_id = trial_id
        self.iou_min = iou_min
        self.summaries: dict[int, PairSummary] = {}
        self.skipped: Counter[str] = Counter()
        self.unreadable = 0
        self._waiting_max = waiting_max
        self._boxes_max = boxes_max
        self._waiting: OrderedDict[str, tuple[Half, float]] = OrderedDict()
        self._boxes = 0
        self._given_up: list[Half] = []
        self._dirty: set[int] = set()

    def __contains__(self, request_id: str) -> bool:
        """Whether an answer to this request waits for the other."""
        return request_id in self._waiting

    def __len__(self) -> int:
        return len(self._waiting)

    def meet(self, half: Half, now: float) -> tuple[Half, Half] | None:
        """Both answers, ``a`` first, where this is the second; else None, and it waits. ``now`` never goes back."""
        waiting = self._waiting.get(half.request_id)
        if waiting is None:
            waits = replace(half, predictions=[alone(image) for image in half.predictions])
            self._waiting[half.request_id] = waits, now
            self._boxes += half.boxes
            while len(self._waiting) > self._waiting_max or (self._boxes > self._boxes_max and self._waiting):
                self._give_up("full")
            return None
        first, _ = waiting
        if first.side == half.side:
            self.skipped["twice"] += 1
            return None
        self._forget(half.request_id)
        return (first, half) if first.side == "a" else (half, first)

    def give_up(self, now: float) -> list[Half]:
        """The answers that no longer wait since this was asked last: those that waited for WAITING_S, and those that
        had to make room."""
        while self._waiting:
            half, since = next(iter(self._waiting.values()))
            if now - since < WAITING_S:
                break
            self._give_up("no_shadow" if half.side == "a" else "no_serving")
        given_up, self._given_up = self._given_up, []
        return given_up

    def count(self, epoch: int, pair: RequestPair) -> None:
        """Add the comparison of both answers to its epoch."""
        self.summaries.setdefault(epoch, PairSummary(self.iou_min)).add(pair)
        self._dirty.add(epoch)

    def changed(self) -> list[PairRow]:
        """What is to be written: whole summaries as they are now."""
        rows = []
        for epoch in sorted(self._dirty):
            summary = self.summaries[epoch]
            rows.append(PairRow(self.trial_id, epoch, summary.revision, summary.encode()))
        return rows

    def written(self) -> None:
        """All that ``changed`` returned is committed."""
        self._dirty.clear()

    def write_all(self) -> None:
        """All of it is to be written: the store that had it is gone."""
        self._dirty.update(self.summaries)

    def restore(self, rows: Iterable[PairRow]) -> None:
        """Take up what a former life has committed. A row of another form is counted, and its epoch begun anew."""
        for row in rows:
            try:
                summary = PairSummary.decode(row.payload)
                if summary.iou_min != self.iou_min:
                    raise SummaryError(f"pair summary: iou_min {summary.iou_min}, expected {self.iou_min}")
            except SummaryError as error:
                self.unreadable += 1
                log.error("pairs_unreadable", trial=self.trial_id, epoch=row.epoch, error=str(error))
                summary = PairSummary(self.iou_min, revision=row.revision)
            self.summaries[row.epoch] = summary

    def _give_up(self, reason: str) -> None:
        """The one that has waited longest."""
        half = self._forget(next(iter(self._waiting)))
        self.skipped[reason] += 1
        self._given_up.append(half)

    def _forget(self, request_id: str) -> Half:
        half, _ = self._waiting.pop(request_id)
        self._boxes -= half.boxes
        return half
