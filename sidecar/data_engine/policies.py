"""The rules: what makes an image worth keeping, and the draw that decides, over a batch of images. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from sidecar.data_engine.columns import Columns, Flags, Ints
from sidecar.data_engine.config import CLASS_PREFIX, RANDOM, CloseToThreshold, SamplingConfig
from sidecar.data_engine.density import DENSE_BOXES_MIN, are_dense
from sidecar.data_engine.history import ClassHistory
from sidecar.hashing import unit_intervals
from sidecar.review import value_by, value_of
from sidecar.types import Prediction

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


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule over G images: ``meets`` [G] are those that meet it. Where to say so is dear, they are those that may, and
    ``confirm`` tells of such indices of images which do."""

    name: str
    rate: float
    meets: Flags
    confirm: Callable[[Ints], Flags] | None = None

    def confirmed(self, places: Ints) -> Flags:
        """Which of these images meet it."""
        found = self.meets[places]
        if self.confirm is not None:
            found[found] = self.confirm(places[found])
        return found


def _never(prediction: Prediction, rule: str, drawn: bool) -> bool:
    return False


def _nothing(prediction: Prediction, rules: Sequence[str]) -> None:
    """Takes nothing."""


def decide(prediction: Prediction, config: SamplingConfig, history: ClassHistory | None = None) -> Decision | None:
    """Whether to keep the image of ``prediction``, with no limit on anything; None where no rule draws it, or where it
    has no readable result."""
    return decide_all(Columns([prediction]), config, ClassHistory() if history is None else history).get(0)


def decide_all(
    seen: Columns,
    config: SamplingConfig,
    history: ClassHistory,
    is_held_back: Callable[[Prediction, str, bool], bool] = _never,
    take: Callable[[Prediction, Sequence[str]], None] = _nothing,
) -> dict[int, Decision]:
    """Which images of a batch to keep, by their index in it.

    Rule r keeps a matching image where ``unit_interval(request_id, r) < p_r``, so the images of one request share their
    draws and a worker, who can't see the result, draws alike. Rules are independent: with P = 1 - prod(1 - p_r).
    ``is_held_back`` gets an image, a rule and whether it drew the image, and says whether a limit or a cool-down stands
    against it; such a rule keeps nothing now, so it has no part in P. ``random_sample`` is never held back. It is asked
    about images that some rule drew, in their order, and ``take`` hears of each that is kept before the next.

    ``history`` is what was seen before the batch, for all of its images, but that a class is new in the first image of
    the batch alone that has it.
    """
    rules = rules_of(seen, config, history)
    draws = _draws(seen, rules)
    kept = np.flatnonzero(draws.any(axis=0))
    meets = np.array([rule.confirmed(kept) for rule in rules], np.bool_).reshape(len(rules), len(kept))
    found: dict[int, Decision] = {}
    of_kept = (kept.tolist(), meets.T.tolist(), draws.T[kept].tolist(), _values(seen, kept, history))
    for place, met, drawn, value in zip(*of_kept, strict=True):
        image = seen.images[place]
        reasons: list[str] = []
        left_out, draw_rate = 1.0, 0.0
        for index, rule in enumerate(rules):
            if not met[index] or (rule.name != RANDOM and is_held_back(image, rule.name, drawn[index])):
                continue
            left_out *= 1 - rule.rate
            if drawn[index]:
                reasons.append(rule.name)
                draw_rate = rule.rate if rule.name == RANDOM else draw_rate
        if reasons:
            take(image, reasons)
            found[place] = Decision(tuple(reasons), 1 - left_out, RANDOM in reasons, draw_rate, value)
    return found


def _draws(seen: Columns, rules: Sequence[Rule]) -> Flags:
    """Of each rule which images it draws of those that meet it, [rules, G]. What is dear is asked after the draw."""
    found = np.zeros((len(rules), len(seen.images)), np.bool_)
    for drawn, rule in zip(found, rules, strict=True):
        places = np.flatnonzero(rule.meets)
        if rule.rate < 1:
            request_ids = [seen.request_ids[place] for place in places.tolist()]
            places = places[np.array(unit_intervals(request_ids, rule.name)) < rule.rate]
        drawn[places] = rule.confirmed(places)
    return found


def _values(seen: Columns, places: Ints, history: ClassHistory) -> list[float]:
    """``expected_value`` of these images."""
    if not len(places):
        return []
    images_with = history.counts_of(seen.names)
    fewest = np.full(len(seen.images), np.iinfo(np.int64).max)
    np.minimum.at(fewest, seen.present.image, images_with[seen.present.name])
    known = (seen.numbers, seen.sizes - seen.numbers, seen.lowest, seen.highest_below, fewest)
    return [
        value_by(
            seen.images[place].score_threshold,
            lowest if counted else None,
            highest_below if below else None,
            rarest if counted else None,
        )
        for place, counted, below, lowest, highest_below, rarest in zip(
            places.tolist(), *(column[places].tolist() for column in known), strict=True
        )
    ]


def expected_value(prediction: Prediction, history: ClassHistory, disagreement: float = 0.0) -> float:
    """What a review of the image is worth by what the model has seen so far, 0..1."""
    labels = () if prediction.detections is None else prediction.detections.labels
    return value_of(prediction.detections, prediction.score_threshold, disagreement, history.images_with(labels))


def rules_of(seen: Columns, config: SamplingConfig, history: ClassHistory) -> list[Rule]:
    """The rules that are on, and which of the images meet each."""
    found = [
        *_by_scores(seen, config),
        *_edge_cases(seen, config, history),
        *_by_classes(seen, config, history),
    ]
    if config.random_sample.enabled:
        found.append(Rule(RANDOM, config.random_sample.rate, np.ones(len(seen.images), np.bool_)))
    return found


def _by_scores(seen: Columns, config: SamplingConfig) -> Iterator[Rule]:
    low, close = config.low_confidence, config.close_to_threshold
    if low.enabled:
        yield Rule("low_confidence", low.sample_rate, seen.images_of(seen.scores_at < low.threshold))
    if close.enabled:
        yield Rule("close_to_threshold", close.rate, _close_objects(seen, close) >= close.minimum_objects)


def _close_objects(seen: Columns, rule: CloseToThreshold) -> Ints:
    """Of each image how many of its objects are close, also of those that do not count."""
    thresholds = seen.thresholds[seen.image] if rule.threshold is None else rule.threshold
    distance = np.abs(seen.scores.astype(np.float64) - thresholds)
    close = np.round(distance, _DECIMALS) < round(rule.epsilon, _DECIMALS)
    if rule.classes:
        close &= np.array([name in rule.classes for name in seen.names], np.bool_)[seen.name]
    return np.bincount(seen.image[close], minlength=len(seen.images))


def _edge_cases(seen: Columns, config: SamplingConfig, history: ClassHistory) -> Iterator[Rule]:
    if not config.edge_cases.enabled:
        return
    for condition in config.edge_cases.conditions:
        rule = partial(Rule, condition, config.edge_cases.rate)
        if condition == "no_detections":
            yield rule(seen.numbers == 0)
        elif condition == "high_density":
            yield rule(seen.numbers >= DENSE_BOXES_MIN, lambda places: are_dense(seen.boxes_at, seen.numbers, places))
        else:
            yield rule(history.have_unusual_size(seen))


def _by_classes(seen: Columns, config: SamplingConfig, history: ClassHistory) -> Iterator[Rule]:
    new, rare = config.new_class, config.rare_class
    if not (new.enabled or rare.enabled or config.classes):
        return
    present, known = seen.present, history.rows_of(seen.names) >= 0
    image, name = present.image, present.name
    counts = np.isfinite(present.lowest)  # a score without end tells nothing of a class
    first = np.full(len(seen.names), len(seen.images))
    np.minimum.at(first, name, image)
    unknown = counts & ~known[name] & (image == first[name]) & (not history.is_full)
    if new.enabled and history.images >= NEW_CLASS_IMAGES_MIN:
        yield Rule("new_class", new.rate, seen.flags(image[unknown]))
    if rare.enabled and history.images >= rare.minimum_images:
        seldom = (history.shares_of(seen.names) < rare.share) & (known | (not history.is_full))
        yield Rule("rare_class", rare.rate, seen.flags(image[unknown | (counts & seldom[name])]))
    numbering = {name: index for index, name in enumerate(seen.names)}
    for class_name, rule in config.classes.items():
        if rule.enabled:
            meets = counts & (name == numbering.get(class_name, -1))
            if rule.threshold is not None:
                meets &= present.lowest < rule.threshold
            yield Rule(CLASS_PREFIX + class_name, rule.rate, seen.flags(image[meets]))
