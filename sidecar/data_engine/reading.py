"""The sampling rules of a mapping, as YAML or JSON gives it: every fault is found at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from sidecar.data_engine.config import CLASS_RULES_MAX, CONDITIONS, ClassRule, RateLimits, SamplingConfig
from sidecar.durations import parse_duration

HOLD_MAX_S = 7 * 86_400.0
"""The longest cool-down and the widest window of near-duplicates."""
COUNT_MAX = 1_000_000
NAME_MAX = 200
HASH_BITS = 64


class ConfigError(ValueError):
    """The rules can't be used. ``faults`` has every fault, each beginning with the path of its field."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


def sampling_config(mapping: Mapping[str, Any], path: str = "sampling") -> SamplingConfig:
    """The rules of a mapping. A rule that is named is on unless it says ``enabled: false``; one that is null is not
    named.

    Raises ConfigError with every fault at once, each with its field's path under ``path``.

    >>> sampling_config({"random_sample": {"rate": 0.5}}).random_sample
    RandomSample(enabled=True, rate=0.5)
    >>> sampling_config({"random_sample": {"rate": 2}})
    Traceback (most recent call last):
    sidecar.data_engine.reading.ConfigError: sampling.random_sample.rate: 2 is not within 0 to 1
    """
    faults: list[str] = []
    plain = SamplingConfig()
    names = [item.name for item in fields(plain)]
    sections = _known_fields(mapping, path, names, faults)
    read: dict[str, Any] = {}
    for name in names:
        if name == "classes":
            read[name] = _class_rules(sections.get(name) or {}, f"{path}.classes", faults)
        elif sections.get(name) is not None:
            read[name] = _rule(type(getattr(plain, name)), sections[name], f"{path}.{name}", faults)
    if faults:
        raise ConfigError(faults)
    return SamplingConfig(**read)


def _class_rules(value: Any, path: str, faults: list[str]) -> Mapping[str, ClassRule]:
    if not isinstance(value, Mapping):
        faults.append(f"{path}: {value!r} is no mapping, expected names of classes with rate and threshold")
        return {}
    if len(value) > CLASS_RULES_MAX:
        faults.append(f"{path}: {len(value)} classes, at most {CLASS_RULES_MAX} have a rule of their own")
        return {}
    for name in value:
        if not isinstance(name, str) or not 0 < len(name) <= NAME_MAX:
            faults.append(f"{path}: {name!r} is no name of a class, expected text of 1 to {NAME_MAX} characters")
    return MappingProxyType(
        {str(name): _rule(ClassRule, section, f"{path}.{name}", faults) for name, section in value.items()}
    )


def _rule(kind: type[Any], value: Any, path: str, faults: list[str]) -> Any:
    """A rule of ``kind``; where a field is at fault it has its default, which nobody sees."""
    plain = kind()
    shown = {item.name.removesuffix("_s"): item.name for item in fields(kind)}
    section = _known_fields(value, path, list(shown), faults)
    read: dict[str, Any] = {"enabled": True}
    for name, attribute in shown.items():
        if name in section:
            default = getattr(plain, attribute)
            try:
                read[attribute] = _field(name, attribute, section[name], default, f"{path}.{name}", faults)
            except ValueError as error:
                faults.append(f"{path}.{name}: {error}")
    return kind(**read)


def _field(name: str, attribute: str, value: Any, default: Any, path: str, faults: list[str]) -> Any:
    """A field's value. Raises ValueError; of one that holds several, the faults are added one by one."""
    if name == "limits":
        return _limits(value, path, faults)
    if name in ("conditions", "classes"):
        return _words(name, value, path, faults)
    if name == "enabled":
        if not isinstance(value, bool):
            raise ValueError(f"{value!r} is neither true nor false")
        return value
    if attribute.endswith("_s"):
        seconds = parse_duration(value)
        if seconds > HOLD_MAX_S:
            raise ValueError(f"{value!r} is too long, at most 7d")
        return seconds
    if name == "distance":
        return _count(value, 0, HASH_BITS)
    if name in ("minimum_objects", "minimum_images"):
        return _count(value, 1, COUNT_MAX)
    if value is None and default is None:
        return None
    return _share(value)


def _limits(value: Any, path: str, faults: list[str]) -> RateLimits:
    names = [item.name for item in fields(RateLimits)]
    section = _known_fields({} if value is None else value, path, names, faults)
    read: dict[str, int] = {}
    for name in names:
        if section.get(name) is not None:
            try:
                read[name] = _count(section[name], 0, COUNT_MAX)
            except ValueError as error:
                faults.append(f"{path}.{name}: {error}")
    return RateLimits(**read)


def _words(name: str, value: Any, path: str, faults: list[str]) -> tuple[str, ...]:
    expected = f"some of {_either(CONDITIONS)}" if name == "conditions" else "names of classes"
    if not isinstance(value, list | tuple):
        raise ValueError(f"{value!r} is no list, expected {expected}")
    for index, word in enumerate(value):
        if name == "conditions" and word not in CONDITIONS:
            faults.append(f"{path}.{index}: unknown condition {word!r}, expected {_either(CONDITIONS)}")
        elif not isinstance(word, str):
            faults.append(f"{path}.{index}: {word!r} is no name of a class, expected text")
    return tuple(dict.fromkeys(str(word) for word in value))


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no number, expected 0 to 1")
    if not 0 <= value <= 1:  # NaN too
        raise ValueError(f"{value!r} is not within 0 to 1")
    return float(value)


def _count(value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{value!r} is no whole number within {low} to {high}")
    return value


def _known_fields(value: Any, path: str, names: Sequence[str], faults: list[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        faults.append(f"{path}: {value!r} is no mapping, expected {_either(names)}")
        return {}
    for name in value:
        if name not in names:
            faults.append(f"{path}.{name}: unknown field, expected {_either(names)}")
    return value


def _either(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
