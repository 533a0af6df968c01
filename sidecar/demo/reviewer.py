"""The simulated reviewer: labels an image with what the traffic knows to be in it, and knows nothing else. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Truth:
    """What is in a scene. ``boxes``: x1, y1, x2, y2 in pixels, one for each of ``labels``."""

    boxes: tuple[tuple[float, float, float, float], ...]
    labels: tuple[str, ...]


def truth_line(request_id: str, truth: Truth) -> str:
    """One line for ``read_truth``.

    >>> truth_line("a", Truth(((1.0, 2.0, 3.0, 4.0),), ("7",)))
    '{"request_id": "a", "boxes": [[1.0, 2.0, 3.0, 4.0]], "labels": ["7"]}'
    """
    return json.dumps({"request_id": request_id, "boxes": truth.boxes, "labels": truth.labels})


def read_truth(lines: Iterable[str]) -> dict[str, Truth]:
    """Truth by the request's id, of whole lines. Raises ValueError for a line that ``truth_line`` did not make."""
    known: dict[str, Truth] = {}
    for line in lines:
        try:
            one = json.loads(line)
            boxes = tuple((float(x1), float(y1), float(x2), float(y2)) for x1, y1, x2, y2 in one["boxes"])
            truth = Truth(boxes, tuple(map(str, one["labels"])))
            if len(truth.boxes) != len(truth.labels):
                raise ValueError(f"{len(truth.boxes)} boxes and {len(truth.labels)} labels")
            known[str(one["request_id"])] = truth
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"truth: {line[:80]!r} is no line of it: {error!r}") from None
    return known


def judge(known: Mapping[str, Truth], item: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The labels of an item of the review queue, [{"label", "box"}] in pixels within the image; empty where nothing is
    in it, None where the reviewer does not know the scene.

    >>> judge({"a": Truth(((1.0, 2.0, 30.0, 4.0),), ("7",))}, {"client_request_id": "a", "width": 20, "height": 9})
    [{'label': '7', 'box': [1.0, 2.0, 20.0, 4.0]}]
    """
    truth = known.get(str(item.get("client_request_id") or ""))
    if truth is None:
        return None
    width, height = float(item["width"]), float(item["height"])
    labels = []
    for label, (x1, y1, x2, y2) in zip(truth.labels, truth.boxes, strict=True):
        box = [max(x1, 0.0), max(y1, 0.0), min(x2, width), min(y2, height)]
        if box[0] < box[2] and box[1] < box[3]:
            labels.append({"label": label, "box": box})
    return labels
