"""The sampling rules as values, and reading them from a mapping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

CONDITIONS = ("no_detections", "high_density", "unusual_size")


class ConfigError(ValueError):
    """The rules can't be used. ``faults`` has every fault, each beginning with the path of its field."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class LowConfidence:
    """Keep ``sample_rate`` of the images with a detection that scores under ``threshold``."""

    enabled: bool = False
    threshold: float = 0.4
    sample_rate: float = 0.1


@dataclass(frozen=True, slots=True)
class EdgeCases:
    """Keep ``rate`` of the images that meet one of ``conditions``, each a rule of its own; see ``policies``."""

    enabled: bool = False
    conditions: tuple[str, ...] = CONDITIONS
    rate: float = 1.0


@dataclass(frozen=True, slots=True)
class RandomSample:
    """Keep ``rate`` of all images, whatever is in them."""

    enabled: bool = False
    rate: float = 0.01


@dataclass(frozen=True, slots=True)
class SamplingConfig:
    """All rules; without a word about it, a rule is off."""

    low_confidence: LowConfidence = field(default_factory=LowConfidence)
    edge_cases: EdgeCases = field(default_factory=EdgeCases)
    random_sample: RandomSample = field(default_factory=RandomSample)


def sampling_config(mapping: Mapping[str, Any], path: str = "sampling") -> SamplingConfig:
    """The rules of a mapping as YAML gives it. A rule that is named is on unless it says ``enabled: false``.

    Raises ConfigError with every fault at once, each with its field's path under ``path``.

    >>> sampling_config({"random_sample": {"rate": 0.5}}).random_sample
    RandomSample(enabled=True, rate=0.5)
    >>> sampling_config({"random_sample": {"rate": 2}})
    Traceback (most recent call last):
    sidecar.data_engine.config.ConfigError: sampling.random_sample.rate: 2 is not within 0 to 1
    """
    reading = _Reading()
    sections = reading.fields(mapping, path, ("low_confidence", "edge_cases", "random_sample"))
    low = reading.section(sections, path, "low_confidence", ("enabled", "threshold", "sample_rate"))
    edge = reading.section(sections, path, "edge_cases", ("enabled", "conditions", "rate"))
    drawn = reading.section(sections, path, "random_sample", ("enabled", "rate"))
    config = SamplingConfig(
        LowConfidence(
            reading.switch(low, f"{path}.low_confidence"),
            reading.share(low, f"{path}.low_confidence", "threshold", LowConfidence().threshold),
            reading.share(low, f"{path}.low_confidence", "sample_rate", LowConfidence().sample_rate),
        ),
        EdgeCases(
            reading.switch(edge, f"{path}.edge_cases"),
            reading.conditions(edge, f"{path}.edge_cases"),
            reading.share(edge, f"{path}.edge_cases", "rate", EdgeCases().rate),
        ),
        RandomSample(
            reading.switch(drawn, f"{path}.random_sample"),
            reading.share(drawn, f"{path}.random_sample", "rate", RandomSample().rate),
        ),
    )
    if reading.faults:
        raise ConfigError(reading.faults)
    return config


class _Reading:
    """Collects faults where reading goes on with a default."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def fields(self, value: Any, path: str, names: Sequence[str]) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            self.faults.append(f"{path}: {value!r} is no mapping, expected {_either(names)}")
            return {}
        for name in value:
            if name not in names:
                self.faults.append(f"{path}.{name}: unknown field, expected {_either(names)}")
        return value

    def section(self, sections: Mapping[str, Any], path: str, name: str, names: Sequence[str]) -> Mapping[str, Any]:
        if name not in sections:
            return {"enabled": False}
        value = sections[name]
        return self.fields({} if value is None else value, f"{path}.{name}", names)

    def switch(self, section: Mapping[str, Any], path: str) -> bool:
        value = section.get("enabled", True)
        if not isinstance(value, bool):
            self.faults.append(f"{path}.enabled: {value!r} is neither true nor false")
        return bool(value)

    def share(self, section: Mapping[str, Any], path: str, name: str, default: float) -> float:
        value = section.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.faults.append(f"{path}.{name}: {value!r} is no number, expected 0 to 1")
            return default
        if not 0 <= value <= 1:  # NaN too
            self.faults.append(f"{path}.{name}: {value!r} is not within 0 to 1")
            return default
        return float(value)

    def conditions(self, section: Mapping[str, Any], path: str) -> tuple[str, ...]:
        value = section.get("conditions", CONDITIONS)
        if not isinstance(value, list | tuple):
            self.faults.append(f"{path}.conditions: {value!r} is no list, expected some of {_either(CONDITIONS)}")
            return ()
        for index, condition in enumerate(value):
            if condition not in CONDITIONS:
                self.faults.append(
                    f"{path}.conditions.{index}: unknown condition {condition!r}, expected {_either(CONDITIONS)}"
                )
        return tuple(dict.fromkeys(str(condition) for condition in value))


def _either(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
