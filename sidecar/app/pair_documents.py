"""The pairs of a shadow test as JSON: both answers to one image, and what became of each box."""

from __future__ import annotations

from typing import Any

from sidecar.api.render import detection_documents
from sidecar.experiments.comparison import number
from sidecar.experiments.pairs import Matching
from sidecar.recording import write_cursor
from sidecar.trials import SidePage, SidePair
from sidecar.types import Prediction

Document = dict[str, Any]
Fate = tuple[str, int | None, float | None]
"""What became of a box, the place of its other half, their IoU."""
_SHOWN = ("prediction_id", "model", "version", "status", "error", "undecodable", "score_threshold")


def page_document(page: SidePage) -> Document:
    """A ShadowPairsPage."""
    return {
        "items": [pair_document(pair) for pair in page.pairs],
        "next": None if page.next is None else write_cursor(*page.next),
    }


def pair_document(pair: SidePair) -> Document:
    """A ShadowPair."""
    a, b, matching = pair.a, pair.b, pair.matching
    sized = a if a.image_width > 0 and a.image_height > 0 else b
    fates_a, fates_b = ({}, {}) if matching is None else _fates(matching)
    return {
        "request_id": a.request_id,
        "image_index": a.image_index,
        "at": a.at,
        "agree": None if matching is None else matching.agrees,
        "disagreement": None if matching is None else matching.disagreement,
        "matched": 0 if matching is None else len(matching.matched),
        "flipped": 0 if matching is None else len(matching.flips),
        "missed": 0 if matching is None else len(matching.missed),
        "extra": 0 if matching is None else len(matching.extra),
        "left_out": pair.left_out,
        "image_width": sized.image_width,
        "image_height": sized.image_height,
        "sample_id": pair.sample_id,
        "a": _side(a, fates_a),
        "b": _side(b, fates_b),
    }


def _fates(matching: Matching) -> tuple[dict[int, Fate], dict[int, Fate]]:
    """Of the boxes of either side, by their places."""
    of_a: dict[int, Fate] = {}
    of_b: dict[int, Fate] = {}
    for name, pairs in (("matched", matching.matched), ("flipped", matching.flips)):
        for pair in pairs:
            of_a[pair.a] = (name, pair.b, pair.iou)
            of_b[pair.b] = (name, pair.a, pair.iou)
    of_a |= {box.place: ("missed", None, None) for box in matching.missed}
    of_b |= {box.place: ("extra", None, None) for box in matching.extra}
    return of_a, of_b


def _side(prediction: Prediction, fates: dict[int, Fate]) -> Document:
    found = prediction.detections
    return {
        **{name: getattr(prediction, name) for name in _SHOWN},
        "upstream_ms": number(prediction.upstream_ms),
        "detections": None if found is None else [_box(fates, *one) for one in enumerate(detection_documents(found))],
    }


def _box(fates: dict[int, Fate], place: int, document: Document) -> Document:
    fate, partner, iou = fates.get(place, ("not_compared", None, None))
    return {**document, "found": fate, "partner": partner, "iou": iou}
