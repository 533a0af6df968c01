"""What estimates rest on: reviewed images of the random sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sidecar.experiments.pairs import IncomparableError
from sidecar.feedback.matching import DetectionOutcome, counted, match_labels, name_of
from sidecar.types import Detections, Label

AUDITED_MAX = 10_000
"""Reviewed images that a report reads, the newest."""


@dataclass(frozen=True, slots=True)
class Audited:
    """An image that the random sample drew and that was reviewed in the audit's random order, with its verdict.

    ``draw_rate`` is the chance with which it was drawn (0: not known, it enters no estimate). ``detections`` None: not
    known what the model answered. ``width`` and ``height`` are the image's in pixels.

    >>> Audited(0.25, "1", 0.0, None, 0.25, (), "correct").weight
    4.0
    """

    draw_rate: float
    version: str
    at: float
    detections: Detections | None
    score_threshold: float
    labels: tuple[Label, ...]
    verdict: str
    width: float = 0
    height: float = 0

    @property
    def weight(self) -> float:
        """Images it stands for, itself included. Raises ValueError without a draw rate."""
        if not 0 < self.draw_rate <= 1:
            raise ValueError(f"draw_rate: {self.draw_rate} is not over 0 and at most 1")
        return 1.0 / self.draw_rate

    @property
    def correct(self) -> bool:
        return self.verdict == "correct"

    def outcomes(self) -> tuple[DetectionOutcome, ...] | None:
        """What became of each detection that counts; None where nobody can tell.

        Of a prediction that was called correct all are true: that is what the reviewer said.
        """
        if self.detections is None:
            return None
        if self.correct:
            return tuple(
                DetectionOutcome(place, name_of(self.detections, place), float(self.detections.scores[place]), "true")
                for place in counted(self.detections, self.score_threshold)
            )
        try:
            matching = match_labels(
                self.detections, self.score_threshold, self.labels, width=self.width, height=self.height
            )
        except IncomparableError:
            return None
        return matching.outcomes


@dataclass(frozen=True, slots=True)
class Judged:
    """The detections of one reviewed image that count, and how many images it stands for."""

    weight: float
    score_threshold: float
    outcomes: tuple[DetectionOutcome, ...]


def judged(audited: Sequence[Audited]) -> tuple[list[Judged], int]:
    """(the images whose detections can be judged, how many can't). All must have a draw rate."""
    found, unknown = [], 0
    for image in audited:
        outcomes = image.outcomes()
        if outcomes is None:
            unknown += 1
        else:
            found.append(Judged(image.weight, image.score_threshold, outcomes))
    return found, unknown
