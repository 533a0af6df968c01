"""Training: what segmentation finds in labelled images, and a version fitted to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from sidecar.demo.classifier import NO_DIGIT, fit
from sidecar.demo.detector import Detector, match, segment
from sidecar.demo.digits import Pixels, Pool
from sidecar.demo.scenes import Kind, Scene, compose

DIGITS_SHARE = 1.2
"""Digits in the composed scenes for each digit of the pool."""
EMPTY_SCENES = 30
"""Labels without digits, by day and night: bar codes and frames are known to every version."""
DAY_LIGHT_MIN = 0.6

Crops = tuple[Pixels, NDArray[np.int64]]
"""(ink [N, 64], digits [N], NO_DIGIT where there is none) of what was found in images."""


def crops_of(pixels: NDArray[np.uint8], boxes: NDArray[np.float32], labels: NDArray[np.int64]) -> Crops:
    """What the detector's own segmentation finds in an image, with the digits of the true boxes it lies on."""
    found, ink = segment(pixels)
    digits = np.full(len(found), NO_DIGIT, np.int64)
    rows, true = match(found, boxes)
    digits[rows] = labels[true]
    return ink, digits


def base_crops(pool: Pool, seed: int = 1, nights: bool = False) -> list[Crops]:
    """Of scenes with digits of ``pool``; ``nights``: of dark ones as well."""
    return [crops_of(scene.pixels, scene.boxes, scene.labels) for scene in _scenes(pool, seed, nights)]


def _scenes(pool: Pool, seed: int, nights: bool) -> Iterator[Scene]:
    rng = np.random.default_rng(seed)
    seen = 0
    while seen < DIGITS_SHARE * len(pool.labels):
        kind: Kind = "crowded" if rng.random() < 0.5 else "ordinary"
        scene = compose(rng, pool, light=float(rng.uniform(0 if nights else DAY_LIGHT_MIN, 1)), kind=kind)
        seen += len(scene.labels)
        yield scene
    for _ in range(EMPTY_SCENES):
        yield compose(rng, pool, light=float(rng.uniform(0, 1)), kind="empty")


def fitted(version: str, crops: Iterable[Crops]) -> Detector:
    """A version of all ``crops``."""
    features, labels = zip(*crops, strict=True)
    return Detector(version, fit(np.concatenate(features), np.concatenate(labels)))


def _first(pools: Mapping[str, Pool]) -> Detector:
    return fitted("1", base_crops(pools["training"]))


def _second(pools: Mapping[str, Pool]) -> Detector:
    return fitted("2", base_crops(pools["training"].joined(pools["collection"]), nights=True))


RECIPES: Mapping[str, Callable[[Mapping[str, Pool]], Detector]] = {"1": _first, "2": _second}
"""Version 1 is of the training pool by day; version 2 of the collected digits too, by day and night."""


def train_versions(pools: Mapping[str, Pool], names: Iterable[str] = tuple(RECIPES)) -> dict[str, Detector]:
    """Those of RECIPES that are named."""
    return {name: RECIPES[name](pools) for name in names}
