"""A store with two months of real detections: what a detector found in photos, day after day."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import numpy as np

from sidecar.app.config import Config
from sidecar.app.reading import Reading
from sidecar.recording import Store
from tests.kit.build import exchange
from tests.kit.fastestdet import Found
from tests.kit.photo_server import answer_of
from tests.watch.room import Past

NEW_YEAR = 1_704_067_200.0  # 2024-01-01T00:00:00Z
DAY_S = 86_400.0
DAYS = 59
JANUARY = 31
IMAGES_A_DAY = 24
FIRST_SET_BEFORE, FIRST_SET_AFTER = 0.8, 0.2
"""The share of the first set of photos in January, and in February."""
SEED = 7


@dataclass
class Seen:
    """What was in the images of a month: the class names of all detections, and the scores of each image's."""

    labels: list[str] = field(default_factory=list)
    scores: list[list[float]] = field(default_factory=list)


async def fill(data_dir: Path, config: Config, found: Sequence[Sequence[Found]], names: list[str]) -> tuple[Seen, Seen]:
    """Record 2024-01-01 to 2024-02-28 of version 1 of ``vehicles``; ``found`` are the detections of two sets of photos.

    The answers go through the real dialect. Returns what was in January and in February, as it was drawn.
    """
    reading, rng = Reading(config), np.random.default_rng(SEED)
    months = Seen(), Seen()
    store = await Store.open(data_dir)
    past = Past(store)
    for day in range(DAYS):
        month = months[day >= JANUARY]
        for number in range(IMAGES_A_DAY):
            chosen = found[rng.random() >= (FIRST_SET_BEFORE if day < JANUARY else FIRST_SET_AFTER)]
            photo = chosen[rng.integers(len(chosen))]
            month.labels += [names[code] for code in photo.classes]
            month.scores.append(photo.scores.tolist())
            past.add(
                reading.predictions_of(
                    exchange(
                        prediction_id=f"past-{day}-{number}",
                        started_at=NEW_YEAR + day * DAY_S + (number + 0.5) * DAY_S / IMAGES_A_DAY,
                        model="vehicles",
                        version="1",
                        path="/v2/models/vehicles/infer",
                        response_body=json.dumps(answer_of(photo, names, "1")).encode(),
                    )
                )
            )
    await past.write()
    await store.close()
    return months


def confidence_of(scores: Iterable[Sequence[float]]) -> float:
    """The mean, over images with a detection, of each image's mean score."""
    return fmean(fmean(of_image) for of_image in scores if of_image)


def shares_of(labels: Sequence[str]) -> Mapping[str, float]:
    """The share of each class."""
    kinds, counts = np.unique(np.array(labels), return_counts=True)
    return dict(zip(kinds.tolist(), (counts / counts.sum()).tolist(), strict=True))


def jensen_shannon_distance(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """The square root of the Jensen-Shannon divergence, base 2, of two lots of shares."""
    kinds = sorted({*one, *other})
    p, q = (np.array([side.get(kind, 0.0) for kind in kinds]) for side in (one, other))
    middle = (p + q) / 2

    def entropy(shares: np.ndarray) -> float:
        seen = shares[shares > 0]
        return float(-(seen * np.log2(seen)).sum())

    return float(np.sqrt(max(entropy(middle) - (entropy(p) + entropy(q)) / 2, 0.0)))
