"""Both versions' answers to the images of a shadow test, one beside the other: read anew from what is recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sidecar.experiments.definition import ShadowDefinition
from sidecar.experiments.lifecycle import Trial
from sidecar.experiments.pairs import IOU_MIN, Matching, pair_request
from sidecar.experiments.pairs.kinds import PairKind, is_of
from sidecar.recording import Reader, ShadowAnswer
from sidecar.trials.pairing import COPY_SUFFIX, WAITING_S
from sidecar.trials.points import Points
from sidecar.trials.reading import first_comparable
from sidecar.types import Prediction

PASSED_MAX = 5_000
"""Recorded predictions that one question passes by in search of answers to copies."""
COMPARED_MAX = 500
"""Pairs that one question compares at most; a rare kind may need several."""
ANSWERS_READ = 500
AT_A_TIME = 50
Place = tuple[float, int]
"""(at, id) of a recorded prediction."""

FAILED = {"a": "what serves answered with an error", "b": "the shadow answered with an error", "both": "both failed"}
UNREAD = {
    "a": "what serves sent nothing that could be read",
    "b": "the shadow sent nothing that could be read",
    "both": "neither sent anything that could be read",
}
SIZE_UNKNOWN = "one side's boxes are in pixels, the other's are not, and the size of the image is not known"


@dataclass(frozen=True, slots=True)
class SidePair:
    """One image: ``a`` is the answer of what serves, ``b`` that of the shadow. ``matching`` is None where they could
    not be compared, and ``left_out`` says why. ``sample_id`` is that of the image where it was kept and may be shown.
    """

    a: Prediction
    b: Prediction
    matching: Matching | None
    left_out: str = ""
    sample_id: str | None = None


@dataclass(frozen=True, slots=True)
class SidePage:
    """Newest first. ``looked_at`` pairs were compared for it; ``next`` is where to go on, None at the end."""

    pairs: Sequence[SidePair]
    looked_at: int
    next: Place | None


class SideBySide:
    """Raises StoreError."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def page(
        self, trial: Trial, kind: PairKind, before: Place | None, limit: int, now: float, sampled: bool | None = None
    ) -> SidePage:
        """Up to ``limit`` pairs of ``kind`` before ``before``, of the versions that are compared now; ``sampled``: of
        those alone whose image was kept and may be shown, or was not. It may have
        fewer, even none, and not be the last: no more than about PASSED_MAX predictions are passed by for it, and
        COMPARED_MAX pairs compared."""
        found: list[SidePair] = []
        place, passed, looked_at = before, 0, 0
        while True:
            answers = await self._answers(trial, place, now)
            for start in range(0, len(answers), AT_A_TIME):
                part = answers[start : start + AT_A_TIME]
                pairs = await self._pairs(trial, [answer.prediction_id for answer in part if answer.prediction_id])
                for answer in part:
                    place = (answer.at, answer.id)
                    pair = pairs.get(answer.prediction_id)
                    looked_at += pair is not None
                    if (
                        pair is not None
                        and is_of(pair.matching, kind)
                        and sampled in (None, pair.sample_id is not None)
                    ):
                        found.append(pair)
                    if len(found) == limit:
                        return SidePage(found, looked_at, place)
                passed += len(part)
                if passed >= PASSED_MAX or looked_at >= COMPARED_MAX:
                    return SidePage(found, looked_at, place)
            if len(answers) < ANSWERS_READ:
                return SidePage(found, looked_at, None)

    async def _answers(self, trial: Trial, before: Place | None, now: float) -> list[ShadowAnswer]:
        definition = trial.definition
        versions = Points.of_text(trial.opened_for).versions
        version = versions.get(definition.variants[0]) or None
        model = None if definition.model == "*" else definition.model
        since = first_comparable(trial).since
        until = (now if trial.ended_at is None else trial.ended_at) + WAITING_S
        return await self._reader.shadow_answers(
            trial.trial_id, model, version, since, until, before, limit=ANSWERS_READ
        )

    async def _pairs(self, trial: Trial, shadow_ids: Sequence[str]) -> dict[str, SidePair]:
        """By the shadow's prediction: those whose other half is recorded."""
        if not shadow_ids:
            return {}
        definition = trial.definition
        assert isinstance(definition, ShadowDefinition)
        serving_ids = [_serving_id(shadow_id) for shadow_id in shadow_ids]
        recorded = await self._reader.predictions_named([*shadow_ids, *serving_ids])
        both = [
            (recorded[serving_id], recorded[shadow_id])
            for serving_id, shadow_id in zip(serving_ids, shadow_ids, strict=True)
            if serving_id in recorded and shadow_id in recorded
        ]
        kept = await self._reader.kept_of([a.prediction_id for a, _ in both])
        return await asyncio.to_thread(
            lambda: {b.prediction_id: side_pair(a, b, definition.iou_min, kept.get(a.prediction_id)) for a, b in both},
        )


def side_pair(a: Prediction, b: Prediction, iou_min: float = IOU_MIN, sample_id: str | None = None) -> SidePair:
    """What both say of one image, compared as all pairs of the test are."""
    compared = pair_request([a], [b], iou_min)
    if compared.failed:
        return SidePair(a, b, None, FAILED[compared.failed], sample_id)
    (image,) = compared.images
    if image.matching is None:
        return SidePair(a, b, None, UNREAD[image.unread] if image.unread else SIZE_UNKNOWN, sample_id)
    return SidePair(a, b, image.matching, sample_id=sample_id)


def _serving_id(shadow_id: str) -> str:
    """
    >>> _serving_id("r7-shadow"), _serving_id("r7-shadow.2")
    ('r7', 'r7.2')
    """
    request_id, _, image = shadow_id.rpartition(COPY_SUFFIX)
    return request_id + image
