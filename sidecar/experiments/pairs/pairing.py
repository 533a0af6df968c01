"""A request that both versions were sent: its answers, image by image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from math import nan
from typing import Literal

from sidecar.experiments.pairs.iou import IncomparableError
from sidecar.experiments.pairs.matching import IOU_MIN, Matching, check_iou_min, match
from sidecar.types import Prediction

Sides = Literal["", "a", "b", "both"]
"""Which of the two: neither, one or both."""


@dataclass(frozen=True, slots=True)
class ImagePair:
    """One image of a request. ``matching`` is None where it could not be compared.

    ``unread`` says whose detections could not be read; where it is neither's, one side's boxes are in pixels, the
    other's in 0..1, and the image size is unknown. ``prediction_id`` is A's.
    """

    prediction_id: str
    matching: Matching | None
    unread: Sides = ""

    @property
    def disagreement(self) -> float:
        """Matching.disagreement, 0..1; NaN where the image could not be compared."""
        return nan if self.matching is None else self.matching.disagreement


@dataclass(frozen=True, slots=True)
class RequestPair:
    """Both answers to one request. ``failed`` says whose was an error; then there are no images.

    ``unpaired`` images have one side alone. ``upstream_a_ms`` and ``upstream_b_ms`` are NaN where a side failed.
    """

    images: tuple[ImagePair, ...]
    failed: Sides
    unpaired: int
    upstream_a_ms: float
    upstream_b_ms: float
    iou_min: float = IOU_MIN


def pair_request(a: Sequence[Prediction], b: Sequence[Prediction], iou_min: float = IOU_MIN) -> RequestPair:
    """Compare the images of one request, ``a`` the serving version's predictions and ``b`` the other's.

    Images go together by ``image_index``; the size of an image is taken from whichever side knows it. Each side counts
    what is at or above its own ``score_threshold``. Raises ValueError where a side has no prediction: what was never
    answered is no pair.
    """
    check_iou_min(iou_min)
    for side, name in ((a, "a"), (b, "b")):
        if not side:
            raise ValueError(f"{name}: no predictions; a pair needs both answers")
    failed_a, failed_b = _failed(a[0]), _failed(b[0])
    failed = _sides(failed_a, failed_b)
    latencies = (nan if failed_a else a[0].upstream_ms, nan if failed_b else b[0].upstream_ms)
    if failed:
        return RequestPair((), failed, 0, *latencies, iou_min)
    others = {prediction.image_index: prediction for prediction in b}
    both = [(prediction, others[prediction.image_index]) for prediction in a if prediction.image_index in others]
    images = tuple(_pair_image(one, other, iou_min) for one, other in both)
    return RequestPair(images, "", len(a) + len(b) - 2 * len(images), *latencies, iou_min)


def most_disagreeing(images: Iterable[ImagePair], limit: int, disagreement_min: float = 0.0) -> list[ImagePair]:
    """Up to ``limit`` images that disagree most, the most first; of equal ones, by id.

    Images without any disagreement, under ``disagreement_min`` or not compared are left out.
    """
    found = [image for image in images if image.disagreement > 0 and image.disagreement >= disagreement_min]
    return nsmallest(limit, found, key=lambda image: (-image.disagreement, image.prediction_id))


def _pair_image(a: Prediction, b: Prediction, iou_min: float) -> ImagePair:
    if a.detections is None or b.detections is None:
        return ImagePair(a.prediction_id, None, _sides(a.detections is None, b.detections is None))
    sized = a if a.image_width > 0 and a.image_height > 0 else b
    try:
        found = match(
            a.detections,
            b.detections,
            threshold_a=a.score_threshold,
            threshold_b=b.score_threshold,
            iou_min=iou_min,
            width=sized.image_width,
            height=sized.image_height,
        )
    except IncomparableError:
        return ImagePair(a.prediction_id, None)
    return ImagePair(a.prediction_id, found)


def _failed(prediction: Prediction) -> bool:
    return not 200 <= prediction.status < 300 or bool(prediction.error)


def _sides(a: bool, b: bool) -> Sides:
    return "both" if a and b else "a" if a else "b" if b else ""
