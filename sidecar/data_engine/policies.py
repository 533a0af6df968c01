"""The rules: what makes an image worth keeping, and the draw that decides. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.data_engine.boxes import iou
from sidecar.data_engine.config import CLASS_PREFIX, RANDOM, CloseToThreshold, SamplingConfig
from sidecar.data_engine.history import ClassHistory
from sidecar.hashing import unit_interval
from sidecar.review import value_of
from sidecar.types import Detections, Prediction

DENSE_IOU = 0.3
DENSE_SHARE = 0.5
DENSE_BOXES_MIN = 4
"""high_density: of at least this many boxes, at least DENSE_SHARE overlap another one with an IoU over DENSE_IOU ..."""
DENSE_COUNT = 100
"""... or there are this many boxes, however they lie."""
BOXES_COMPARED_MAX = 300
"""Overlap is measured among this many boxes, those of highest score: the work grows with its square."""
NEW_CLASS_IMAGES_MIN = 100
"""Images of a model from which on a class that was in none of them is a new one."""
_DECIMALS = 6
"""Scores are float32: distances from a threshold are compared to the millionth."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Keep this image. ``reasons`` are the rules whose draw kept it: an edge case goes by its condition's name, a
    class's own rule by ``class:`` and its name.

    ``probability`` is that of being kept at all, over every rule that matched and was not held back, drawn or not: the
    weight of the image is its inverse. ``drawn``: the random sample drew it, at ``draw_rate``; nothing else has a say
    in that. ``value`` is what a review is worth, ``disagreement`` what a shadow test measured, both 0..1.
    """

    reasons: tuple[str, ...]
    probability: float
    drawn: bool = False
    draw_rate: float = 0.0
    value: float = 0.0
    disagreement: float = 0.0


def _never(rule: str, drawn: bool) -> bool:
    return False


def decide(
    prediction: Prediction,
    config: SamplingConfig,
    history: ClassHistory | None = None,
    is_held_back: Callable[[str, bool], bool] = _never,
) -> Decision | None:
    """Whether to keep the image of ``prediction``; None where no rule draws it, or where it has no readable result.

    Rule r keeps a matching image where ``unit_interval(request_id, r) < p_r``, so the images of one request share their
    draws and a worker, who can't see the result, draws alike. Rules are independent: with P = 1 - prod(1 - p_r).
    ``is_held_back`` gets a rule and whether it drew the image, and says whether a limit or a cool-down stands against
    it; such a rule keeps nothing now, so it has no part in P. ``random_sample`` is never held back.
    """
    history = ClassHistory() if history is None else history
    reasons: list[str] = []
    left_out, draw_rate = 1.0, 0.0
    for rule, rate in matching(prediction, config, history):
        draws = unit_interval(prediction.request_id, rule) < rate
        if rule != RANDOM and is_held_back(rule, draws):
            continue
        left_out *= 1 - rate
        if draws:
            reasons.append(rule)
            draw_rate = rate if rule == RANDOM else draw_rate
    if not reasons:
        return None
    value = expected_value(prediction, history)
    return Decision(tuple(reasons), 1 - left_out, RANDOM in reasons, draw_rate, value)


def expected_value(prediction: Prediction, history: ClassHistory, disagreement: float = 0.0) -> float:
    """What a review of the image is worth by what the model has seen so far, 0..1."""
    labels = () if prediction.detections is None else prediction.detections.labels
    return value_of(prediction.detections, prediction.score_threshold, disagreement, history.images_with(labels))


def matching(prediction: Prediction, config: SamplingConfig, history: ClassHistory) -> list[tuple[str, float]]:
    """The rules that the image meets, each with its rate; none where the answer could not be read."""
    detections = prediction.detections
    if detections is None:
        return []
    counted = detections.scores >= prediction.score_threshold
    found = [
        *_by_scores(prediction, detections, counted, config),
        *_edge_cases(prediction, detections, counted, config, history),
        *_by_classes(detections, counted, config, history),
    ]
    if config.random_sample.enabled:
        found.append((RANDOM, config.random_sample.rate))
    return found


def _by_scores(
    prediction: Prediction, detections: Detections, counted: NDArray[np.bool_], config: SamplingConfig
) -> Iterator[tuple[str, float]]:
    low, close = config.low_confidence, config.close_to_threshold
    if low.enabled and bool((counted & (detections.scores < low.threshold)).any()):
        yield "low_confidence", low.sample_rate
    if close.enabled:
        threshold = prediction.score_threshold if close.threshold is None else close.threshold
        if _close_objects(detections, threshold, close) >= close.minimum_objects:
            yield "close_to_threshold", close.rate


def _close_objects(detections: Detections, threshold: float, rule: CloseToThreshold) -> int:
    distance = np.abs(np.asarray(detections.scores, np.float64) - threshold)
    close = np.round(distance, _DECIMALS) < round(rule.epsilon, _DECIMALS)
    if rule.classes:
        close &= np.isin(detections.classes, [i for i, label in enumerate(detections.labels) if label in rule.classes])
    return int(close.sum())


def _edge_cases(
    prediction: Prediction,
    detections: Detections,
    counted: NDArray[np.bool_],
    config: SamplingConfig,
    history: ClassHistory,
) -> Iterator[tuple[str, float]]:
    if not config.edge_cases.enabled:
        return
    for condition in config.edge_cases.conditions:
        if condition == "no_detections":
            meets = not counted.any()
        elif condition == "high_density":
            meets = is_dense(np.asarray(detections.boxes, np.float64).reshape(-1, 4)[counted])
        else:
            meets = history.has_unusual_size(prediction)
        if meets:
            yield condition, config.edge_cases.rate


def _by_classes(
    detections: Detections, counted: NDArray[np.bool_], config: SamplingConfig, history: ClassHistory
) -> Iterator[tuple[str, float]]:
    new, rare = config.new_class, config.rare_class
    if not (new.enabled or rare.enabled or config.classes):
        return
    lowest = _lowest_scores(detections, counted)
    unknown = [] if history.is_full else [label for label in lowest if not history.knows(label)]
    if new.enabled and unknown and history.images >= NEW_CLASS_IMAGES_MIN:
        yield "new_class", new.rate
    seldom = unknown or [name for name in lowest if history.knows(name) and history.share_of(name) < rare.share]
    if rare.enabled and seldom and history.images >= rare.minimum_images:
        yield "rare_class", rare.rate
    for name, rule in config.classes.items():
        if rule.enabled and name in lowest and (rule.threshold is None or lowest[name] < rule.threshold):
            yield CLASS_PREFIX + name, rule.rate


def _lowest_scores(detections: Detections, counted: NDArray[np.bool_]) -> dict[str, np.floating]:
    """Of each class that counts its lowest score, in the scores' own precision."""
    by_index = np.full(len(detections.labels), np.inf, detections.scores.dtype)
    np.minimum.at(by_index, detections.classes[counted], detections.scores[counted])
    found: dict[str, np.floating] = {}
    for index in np.flatnonzero(np.isfinite(by_index)).tolist():
        label = detections.labels[index]
        found[label] = min(by_index[index], found.get(label, by_index[index]))  # two indices may have one name
    return found


def is_dense(boxes: NDArray[np.float64]) -> bool:
    """Whether boxes [N, 4] (x1, y1, x2, y2; highest score first) crowd each other, by the bounds above.

    The measure is overlap: half of four boxes or more lie on another one with an IoU over 0.3, as where objects hide
    each other and a suppression of doubles may take a true one away. From a hundred boxes on it is their number.

    >>> is_dense(np.tile([0.0, 0.0, 9.0, 9.0], (4, 1))), is_dense(np.zeros((0, 4)))
    (True, False)
    """
    if len(boxes) >= DENSE_COUNT:
        return True
    if len(boxes) < DENSE_BOXES_MIN:
        return False
    compared = boxes[:BOXES_COMPARED_MAX]
    overlaps = iou(compared, compared)
    overlaps.flat[:: len(compared) + 1] = 0.0  # each with itself
    return int((overlaps > DENSE_IOU).any(axis=1).sum()) >= DENSE_SHARE * len(compared)
