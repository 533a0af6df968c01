"""The sampling rules as values; ``reading`` makes them of a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from sidecar.durations import duration_text

CONDITIONS = ("no_detections", "high_density", "unusual_size")
RANDOM = "random_sample"
DISAGREEMENT = "disagreement"
CLASS_RULES_MAX = 100
CLASS_PREFIX = "class:"
"""A class's own rule is called by this and the class's name."""


@dataclass(frozen=True, slots=True)
class RateLimits:
    """At most so many images of a rule in a minute, an hour, a day (of UTC); None: any number.

    >>> RateLimits(per_hour=60).to_dict()
    {'per_minute': None, 'per_hour': 60, 'per_day': None}
    """

    per_minute: int | None = None
    per_hour: int | None = None
    per_day: int | None = None

    def to_dict(self) -> dict[str, int | None]:
        """As the configuration has it."""
        return {"per_minute": self.per_minute, "per_hour": self.per_hour, "per_day": self.per_day}


NO_LIMITS = RateLimits()


@dataclass(frozen=True, slots=True)
class LowConfidence:
    """Keep ``sample_rate`` of the images with a detection that scores under ``threshold``."""

    enabled: bool = False
    threshold: float = 0.4
    sample_rate: float = 0.1
    limits: RateLimits = NO_LIMITS
    cool_down_s: float = 0.0


@dataclass(frozen=True, slots=True)
class CloseToThreshold:
    """Keep ``rate`` of the images with at least ``minimum_objects`` objects of ``classes`` (none named: of any) whose
    score is less than ``epsilon`` away from ``threshold`` (None: the operating point), on either side of it."""

    enabled: bool = False
    threshold: float | None = None
    epsilon: float = 0.05
    rate: float = 0.1
    classes: tuple[str, ...] = ()
    minimum_objects: int = 1
    limits: RateLimits = NO_LIMITS
    cool_down_s: float = 0.0


@dataclass(frozen=True, slots=True)
class EdgeCases:
    """Keep ``rate`` of the images that meet one of ``conditions``, each a rule of its own, with limits and a cool-down
    of its own; see ``policies``."""

    enabled: bool = False
    conditions: tuple[str, ...] = CONDITIONS
    rate: float = 1.0
    limits: RateLimits = NO_LIMITS
    cool_down_s: float = 0.0


@dataclass(frozen=True, slots=True)
class NewClass:
    """Keep ``rate`` of the images with a class that the model's history has not."""

    enabled: bool = False
    rate: float = 1.0
    limits: RateLimits = NO_LIMITS
    cool_down_s: float = 0.0


@dataclass(frozen=True, slots=True)
class RareClass:
    """Keep ``rate`` of the images with a class under ``share`` of all detections, once there were
    ``minimum_images``."""

    enabled: bool = False
    rate: float = 0.5
    share: float = 0.01
    minimum_images: int = 1_000
    limits: RateLimits = NO_LIMITS
    cool_down_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ClassRule:
    """Keep ``rate`` of the images with a detection of a class, under ``threshold`` where there is one."""

    enabled: bool = True
    rate: float = 0.1
    threshold: float | None = None
    limits: RateLimits = NO_LIMITS
    cool_down_s: float = 0.0


@dataclass(frozen=True, slots=True)
class DisagreementRule:
    """Keep what a shadow test asks for (it says how many) where the versions disagree by ``threshold`` (0..1) or more.
    On unless it is turned off."""

    enabled: bool = True
    threshold: float = 0.0
    limits: RateLimits = NO_LIMITS
    cool_down_s: float = 0.0


@dataclass(frozen=True, slots=True)
class RandomSample:
    """Keep ``rate`` of all images, whatever is in them. Nothing holds it back."""

    enabled: bool = False
    rate: float = 0.01


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """Do not keep what is like an image kept of the same unit within ``window_s``: hashes at most ``distance`` of 64
    bits apart, and the same classes in boxes that overlap by an IoU over ``iou``. On unless it is turned off."""

    enabled: bool = True
    window_s: float = 3_600.0
    distance: int = 6
    iou: float = 0.8


Limited = LowConfidence | CloseToThreshold | EdgeCases | NewClass | RareClass | ClassRule | DisagreementRule
"""The rules that may be held back."""


@dataclass(frozen=True, slots=True)
class SamplingConfig:
    """All rules; without a word about it, a rule is off, but for disagreement."""

    low_confidence: LowConfidence = field(default_factory=LowConfidence)
    edge_cases: EdgeCases = field(default_factory=EdgeCases)
    random_sample: RandomSample = field(default_factory=RandomSample)
    close_to_threshold: CloseToThreshold = field(default_factory=CloseToThreshold)
    new_class: NewClass = field(default_factory=NewClass)
    rare_class: RareClass = field(default_factory=RareClass)
    classes: Mapping[str, ClassRule] = field(default_factory=lambda: MappingProxyType({}))
    disagreement: DisagreementRule = field(default_factory=DisagreementRule)
    near_duplicates: NearDuplicates = field(default_factory=NearDuplicates)

    def rule(self, name: str) -> Limited | None:
        """The settings of the rule of that name, a condition's name included; None for random_sample and for a name
        that is no rule's.

        >>> SamplingConfig().rule("no_detections") == EdgeCases(), SamplingConfig().rule("random_sample")
        (True, None)
        """
        if name in CONDITIONS:
            return self.edge_cases
        if name.startswith(CLASS_PREFIX):
            return self.classes.get(name.removeprefix(CLASS_PREFIX))
        found = getattr(self, name, None) if name in _LIMITED else None
        return found if isinstance(found, Limited) else None

    def to_dict(self) -> dict[str, Any]:
        """All of it as the configuration has it, defaults filled in; ``sampling_config`` reads it back."""
        rules = {item.name: _rule_to_dict(getattr(self, item.name)) for item in fields(self) if item.name != "classes"}
        return {**rules, "classes": {name: _rule_to_dict(rule) for name, rule in self.classes.items()}}


_LIMITED = ("low_confidence", "close_to_threshold", "new_class", "rare_class", DISAGREEMENT)


def _rule_to_dict(rule: Any) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for item in fields(rule):
        value = getattr(rule, item.name)
        if isinstance(value, RateLimits):
            written[item.name] = value.to_dict()
        elif item.name.endswith("_s"):
            written[item.name.removesuffix("_s")] = duration_text(value)
        else:
            written[item.name] = list(value) if isinstance(value, tuple) else value
    return written
