"""The data engine: the rules of every model, what each model has seen, and what holds rules back.

One for a monitor, used on its event loop alone. What it knows beside the rules is in memory: ``restore`` takes it up
from what a former life recorded and kept.
"""

from __future__ import annotations

import re
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from sidecar.data_engine.columns import Columns
from sidecar.data_engine.config import DISAGREEMENT, RANDOM, SamplingConfig
from sidecar.data_engine.history import ClassHistory
from sidecar.data_engine.limits import RuleLimits
from sidecar.data_engine.near_duplicates import KeptScenes, Scene, scene_of
from sidecar.data_engine.policies import Decision, decide_all, expected_value
from sidecar.recording import Sample
from sidecar.types import Prediction

MODELS_MAX = 100
"""Models of which something is known; the one that answered longest ago is forgotten, and counted, for another."""
RESTORED_AT_ONCE = 500
"""Predictions of a model that a history takes up in one go."""
OTHERS = "*"
HOUR_S = 3_600
DAY_HOURS = 24
SLUG_MAX = 63
LIMITS = ("minute", "hour", "day", "cool_down", "near_duplicate", "budget")
"""What an image that a rule drew may have been held back by."""


class Why(Protocol):
    """Why an image is kept, with what probability, and what for; a ``Decision`` is one."""

    @property
    def reasons(self) -> tuple[str, ...]: ...
    @property
    def probability(self) -> float: ...
    @property
    def drawn(self) -> bool: ...
    @property
    def draw_rate(self) -> float: ...
    @property
    def value(self) -> float: ...
    @property
    def disagreement(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Engine:
    """The rules of a model and the dataset that its images go to; empty: one with the slug of the model's name."""

    config: SamplingConfig
    dataset_id: str = ""


@dataclass(slots=True)
class _Known:
    """What is known of one model."""

    history: ClassHistory = field(default_factory=ClassHistory)
    limits: RuleLimits = field(default_factory=RuleLimits)
    scenes: KeptScenes = field(default_factory=KeptScenes)
    held_back: Counter[tuple[str, str]] = field(default_factory=Counter)
    kept: deque[tuple[int, Counter[str]]] = field(default_factory=lambda: deque(maxlen=DAY_HOURS + 1))


class DataEngine:
    """Decides for each prediction by its model's rules, those of ``*`` where it has none of its own; without either
    nothing is kept but what shadow tests ask for.

    ``models_forgotten`` counts models that had to make room: their history begins anew if they come again.

    >>> engine = DataEngine({"*": Engine(SamplingConfig()), "det": Engine(SamplingConfig(), "night")})
    >>> engine.dataset_of("det"), engine.dataset_of("Other/V2")
    ('night', 'other-v2')
    """

    def __init__(self, engines: Mapping[str, Engine] | None = None, models_max: int = MODELS_MAX) -> None:
        self._engines: dict[str, Engine] = dict(engines or {})
        self._models_max = models_max
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._held_back_before: Counter[tuple[str, str]] = Counter()
        self.models_forgotten = 0

    def configure(self, engines: Mapping[str, Engine]) -> None:
        """These are the rules now. What was seen, taken and counted stays."""
        self._engines = dict(engines)

    def config_of(self, model: str) -> SamplingConfig:
        """The rules that hold for the model."""
        return self._engine_of(model).config

    def dataset_of(self, model: str) -> str:
        """The id of the dataset that the model's images go to."""
        return self._engine_of(model).dataset_id or dataset_slug(model)

    def decide_all(self, predictions: Sequence[Prediction]) -> list[Decision | None]:
        """Whether to keep the image of each, with what it takes of the limits; they join their models' histories after
        that. To be called once for each prediction.

        What is decided is what would be one after the other, but for the history: all are judged by what their model
        had seen before this batch. Only a class that is new is so in the first image of the batch that has it. Limits
        and cool-downs count each image that is taken for those after it.
        """
        found: list[Decision | None] = [None] * len(predictions)
        of_models: dict[str, list[int]] = {}
        for place, prediction in enumerate(predictions):
            if prediction.detections is not None:
                of_models.setdefault(prediction.model, []).append(place)
        for model in sorted(of_models, key=lambda model: of_models[model][-1]):  # the model that answered last is last
            places = of_models[model]
            for index, decision in self._decide(model, Columns(predictions[place] for place in places)).items():
                found[places[index]] = decision
        return found

    def decide(self, prediction: Prediction) -> Decision | None:
        """``decide_all`` of a batch of one."""
        return self.decide_all([prediction])[0]

    def _decide(self, model: str, seen: Columns) -> dict[int, Decision]:
        known, config = self._of(model), self.config_of(model)

        def is_held_back(image: Prediction, rule: str, drawn: bool) -> bool:
            reason = _reason(known, config, rule, unit_of(image), image.at)
            if reason is not None and drawn:
                known.held_back[rule, reason] += 1
            return reason is not None

        def take(image: Prediction, rules: Sequence[str]) -> None:
            for rule in rules:
                known.limits.take(rule, unit_of(image), image.at)

        decisions = decide_all(seen, config, known.history, is_held_back, take)
        known.history.add(seen)
        return decisions

    def admit(self, prediction: Prediction, why: Why) -> Decision | None:
        """Whether to keep an image that a shadow test asks for, by the rule ``disagreement``."""
        known, config, unit = self._of(prediction.model), self.config_of(prediction.model), unit_of(prediction)
        if not config.disagreement.enabled or why.disagreement < config.disagreement.threshold:
            return None
        reason = _reason(known, config, DISAGREEMENT, unit, prediction.at)
        if reason is not None:
            known.held_back[DISAGREEMENT, reason] += 1
            return None
        known.limits.take(DISAGREEMENT, unit, prediction.at)
        value = expected_value(prediction, known.history, why.disagreement)
        return Decision(why.reasons, why.probability, why.drawn, why.draw_rate, value, why.disagreement)

    def not_kept(self, prediction: Prediction, rules: Iterable[str]) -> None:
        """The image was chosen by these rules and was not kept for them: a near-duplicate, a body that was not to be
        had, a disk that is full. It takes nothing of their limits then."""
        known = self._known.get(prediction.model)
        if known is not None:
            for rule in rules:
                known.limits.give_back(rule, prediction.at)

    def after_decoding(self, sample: Sample) -> Sample | None:
        """What is to be kept of an image of which the hash is known: all of it; of a near-duplicate that the random
        sample drew, that alone; of another near-duplicate nothing. It is counted by the rules that it was held back
        from."""
        rule = self.config_of(sample.model).near_duplicates
        known = self._of(sample.model)
        if not known.scenes.has_like(sample.unit, _scene_of(sample), rule):
            return sample
        for reason in sample.reasons:
            if reason != RANDOM:
                known.held_back[reason, "near_duplicate"] += 1
        return replace(sample, reasons=(RANDOM,), probability=sample.draw_rate) if sample.drawn else None

    def kept(self, sample: Sample) -> None:
        """The image is stored."""
        known = self._of(sample.model)
        known.scenes.add(sample.unit, _scene_of(sample))
        hour = int(sample.at // HOUR_S)
        for counted_hour, counts in known.kept:
            if counted_hour == hour:
                counts.update(sample.reasons)
                return
        known.kept.append((hour, Counter(sample.reasons)))

    def no_room(self, sample: Sample) -> None:
        """The image was not stored for want of room on the disk."""
        self._of(sample.model).held_back.update((rule, "budget") for rule in sample.reasons)

    def restore(self, predictions: Iterable[Prediction], samples: Iterable[Sample]) -> None:
        """Take up what a former life has recorded, and the samples that it kept within the last day; oldest first."""
        waiting: defaultdict[str, list[Prediction]] = defaultdict(list)
        for prediction in predictions:
            of_model = waiting[prediction.model]
            of_model.append(prediction)
            if len(of_model) >= RESTORED_AT_ONCE:
                self._of(prediction.model).history.add(Columns(waiting.pop(prediction.model)))
        for model, of_model in waiting.items():
            self._of(model).history.add(Columns(of_model))
        for sample in samples:
            for rule in sample.reasons:
                self._of(sample.model).limits.take(rule, sample.unit, sample.at)
            self.kept(sample)

    @property
    def held_back(self) -> Counter[tuple[str, str, str]]:
        """Images that a rule drew and that were not kept for it, by (model, rule, one of LIMITS), since the start; the
        model is empty for those that are forgotten."""
        found = Counter({("", *key): n for key, n in self._held_back_before.items()})
        for model, known in self._known.items():
            found.update({(model, *key): n for key, n in known.held_back.items()})
        return found

    def limits_hit(self, model: str) -> dict[str, dict[str, int]]:
        """``held_back`` of one model: {rule: {limit: count}}."""
        found: dict[str, dict[str, int]] = {}
        known = self._known.get(model)
        for (rule, limit), n in known.held_back.items() if known is not None else ():
            found.setdefault(rule, dict.fromkeys(LIMITS, 0))[limit] = n
        return found

    def kept_last_day(self, model: str, now: float) -> dict[str, int]:
        """Images stored by rule within the last 24 hours, to the hour."""
        known = self._known.get(model)
        since = int(now // HOUR_S) - DAY_HOURS
        total: Counter[str] = Counter()
        for hour, counts in known.kept if known is not None else ():
            if hour > since:
                total.update(counts)
        return dict(total)

    def _engine_of(self, model: str) -> Engine:
        return self._engines.get(model) or self._engines.get(OTHERS) or _NOTHING

    def _of(self, model: str) -> _Known:
        known = self._known.get(model)
        if known is None:
            known = self._known[model] = _Known()
            if len(self._known) > self._models_max:
                _, gone = self._known.popitem(last=False)
                self._held_back_before.update(gone.held_back)
                self.models_forgotten += 1
        self._known.move_to_end(model)
        return known


_NOTHING = Engine(SamplingConfig())


def unit_of(prediction: Prediction) -> str:
    """The camera, or what else an image is one of many of: the unit that a test took, where that is not the request by
    itself, else the slice where it is a header's value (a route's begins with a slash); empty where nobody told."""
    if prediction.unit and prediction.unit != prediction.request_id:
        return prediction.unit
    return "" if prediction.slice.startswith("/") else prediction.slice


def dataset_slug(model: str) -> str:
    """The id of the dataset made by itself for a model: its name in lower case, with a hyphen for what is no letter or
    digit of ASCII.

    >>> dataset_slug("YOLOv8 (night)"), dataset_slug("/")
    ('yolov8-night', 'default')
    """
    return re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-")[:SLUG_MAX].strip("-") or "default"


def _reason(known: _Known, config: SamplingConfig, rule: str, unit: str, at: float) -> str | None:
    settings = config.rule(rule)
    return None if settings is None else known.limits.reason(rule, settings.limits, settings.cool_down_s, unit, at)


def _scene_of(sample: Sample) -> Scene | None:
    if sample.image_hash is None or sample.detections is None:
        return None
    return scene_of(sample.prediction_id, sample.at, sample.image_hash, sample.detections, sample.score_threshold)
