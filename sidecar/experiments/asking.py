"""Reading what people ask of a test: the ``config`` of ``create_ab_test`` and ``create_shadow_test``.

Every fault is told at once, each with its place and what would be right. Nothing is read half.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import isfinite
from typing import Any, TypeVar

from sidecar.experiments.definition import RAMP_HOURS, Ramp
from sidecar.experiments.guardrails import Guardrail
from sidecar.experiments.lifecycle import scaled
from sidecar.experiments.metrics import METRICS
from sidecar.experiments.results import VARIANTS_MAX
from sidecar.experiments.sequential import UNITS_MIN

T = TypeVar("T")

DAYS_MAX = 366.0
RAMP_STEPS_MAX = 20
SAMPLES_PER_HOUR_MAX = 3_600
TEXT_MAX = 200

_AB_KEYS = (
    *("traffic_split", "metrics", "duration_days", "unit", "treatments", "guardrails", "ramp", "alpha", "plan_units"),
    *("effect", "exclude", "override_header", "failover", "notify"),
)
_SHADOW_KEYS = ("share", "duration_days", "iou_min", "samples_per_hour")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")


class DefinitionError(ValueError):
    """It can't be. ``faults`` has every fault as (field, message).

    >>> str(DefinitionError([("config.unit", "is none")]))
    'config.unit: is none'
    """

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {message}" for field, message in faults))
        self.faults = tuple(faults)


def read_ab_config(config: Mapping[str, Any], variants: Sequence[str]) -> dict[str, Any]:
    """The fields of a Definition that ``config`` sets; ``variants`` are the test's, control first, already resolved
    (those of ``config["treatments"]`` among them). ``shares`` is always there. Raises DefinitionError.

    >>> read_ab_config({"traffic_split": 0.1, "metrics": ["latency"]}, ["A", "B"])
    {'metrics': ('latency',), 'shares': (0.1,)}
    """
    reading = _Reading(config, _AB_KEYS)
    fields: dict[str, Any] = {}
    reading.take(fields, "metrics", "metrics", _metrics)
    reading.take(fields, "duration_days", "duration_days", _days)
    reading.take(fields, "unit", "unit", _unit)
    reading.take(fields, "guardrails", "guardrails", _guardrails)
    reading.take(fields, "ramp", "ramp", _ramp)
    reading.take(fields, "alpha", "alpha", lambda value: _number(value, 0.0, 0.5, "()"))
    reading.take(fields, "plan_units", "plan_units", lambda value: _whole(value, 100, 10**9))
    reading.take(fields, "effect", "effect", lambda value: _number(value, 0.0, 10.0, "()"))
    reading.take(fields, "exclude", "exclude", _exclude)
    reading.take(fields, "override_header", "override", _header)
    reading.take(fields, "failover", "failover", _yes_or_no)
    reading.take(fields, "notify", "notify", _texts)
    ramp: Ramp | None = fields.get("ramp")
    split = config.get("traffic_split")
    if split is None and ramp is not None:
        split = ramp.shares[0]
    if split is not None or ramp is not None or not config.get("ramp"):  # of a faulty ramp the fault is told already
        try:
            fields["shares"] = read_split(split, variants)
        except ValueError as error:
            reading.fault("traffic_split", str(error))
    if ramp is not None and "shares" in fields and abs(sum(fields["shares"]) - ramp.shares[0]) > 1e-9:
        reading.fault("traffic_split", f"must be the ramp's first share, {ramp.shares[0]:g}, or be left out")
    reading.end()
    return fields


def read_shadow_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a ShadowDefinition that ``config`` sets. Raises DefinitionError.

    >>> read_shadow_config({"share": 0.5, "duration_days": None})
    {'share': 0.5, 'duration_days': None}
    """
    reading = _Reading(config, _SHADOW_KEYS)
    fields: dict[str, Any] = {}
    reading.take(fields, "share", "share", lambda value: _number(value, 0.0, 1.0, "(]"))
    reading.take(fields, "duration_days", "duration_days", _days)
    reading.take(fields, "iou_min", "iou_min", lambda value: _number(value, 0.0, 1.0, "()"))
    reading.take(fields, "samples_per_hour", "samples_per_hour", lambda value: _whole(value, 0, SAMPLES_PER_HOUR_MAX))
    reading.end()
    return fields


def read_split(split: Any, variants: Sequence[str], present: Sequence[float] = ()) -> tuple[float, ...]:
    """The share of each treatment: of a number, the same part of it for each; or of {variant: share}. Of a test that
    runs with ``present`` shares a number keeps their proportions, and a treatment may be left with none.

    Raises ValueError, without the name of the field.

    >>> read_split(0.3, ["A", "B", "C"]), read_split({"B": 0.1, "C": 0.2}, ["A", "B", "C"])
    ((0.15, 0.15), (0.1, 0.2))
    """
    control, treatments = variants[0], list(variants[1:])
    if split is None:
        raise ValueError("is needed: the share of traffic that goes to model B, such as 0.1")
    if not isinstance(split, Mapping):
        total = _number(split, 0.0, 1.0, "()")
        if present and sum(present):
            return scaled(tuple(present), total)
        return tuple(total / len(treatments) for _ in treatments)
    if unknown := [repr(name) for name in split if name not in variants]:
        raise ValueError(f"there is no {', '.join(unknown)}; there are {', '.join(variants)}")
    if missing := [name for name in treatments if name not in split]:
        raise ValueError(f"has no share of {', '.join(missing)}")
    shares = tuple(_number(split[name], 0.0, 1.0, "[)" if present else "()") for name in treatments)
    if not sum(shares):
        raise ValueError("some treatment needs a share: pause the test to give none")
    rest = 1 - sum(shares)
    if rest <= 1e-9:
        raise ValueError(f"the treatments' shares come to {sum(shares):g}, under 1 is needed: the rest is {control}'s")
    if control in split and abs(_number(split[control], 0.0, 1.0) - rest) > 1e-6:
        raise ValueError(f"the shares come to {sum(shares) + split[control]:g}, expected 1")
    return shares


class _Reading:
    """The faults of one config."""

    def __init__(self, config: Mapping[str, Any], keys: Sequence[str]) -> None:
        self._config = config
        self._faults: list[tuple[str, str]] = []
        for key in config:
            if key not in keys:
                self.fault(str(key), f"is not known, expected {', '.join(keys)}")

    def take(self, fields: dict[str, Any], key: str, field: str, read: Callable[[Any], Any]) -> None:
        if key not in self._config:
            return
        try:
            fields[field] = read(self._config[key])
        except ValueError as error:
            self.fault(key, str(error))

    def fault(self, key: str, message: str) -> None:
        self._faults.append((f"config.{key}", message))

    def end(self) -> None:
        if self._faults:
            raise DefinitionError(self._faults)


_ENDS = {
    "[]": "{low:g} to {high:g}",
    "(]": "over {low:g}, at most {high:g}",
    "()": "over {low:g} and under {high:g}",
    "[)": "{low:g} to under {high:g}",
}
"""How an interval is told, by which of its ends belong to it."""


def _number(value: Any, low: float, high: float, ends: str = "[]") -> float:
    """A number from ``low`` to ``high``; a round one of ``ends`` leaves that end out."""
    expected = _ENDS[ends].format(low=low, high=high)
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
        raise ValueError(f"{str(value)[:TEXT_MAX]} is no number, expected {expected}")
    if not low <= value <= high or (ends[0] == "(" and value == low) or (ends[1] == ")" and value == high):
        raise ValueError(f"{value:g} is not within bounds, expected {expected}")
    return float(value)


def _is_finite(value: float) -> bool:
    try:
        return isfinite(value)
    except OverflowError:  # a whole number that no float can hold
        return False


def _whole(value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{value!r} is no whole number from {low:,} to {high:,}")
    return value


def _days(value: Any) -> float | None:
    return None if value is None else _number(value, 0.0, DAYS_MAX, "(]")


def _list(value: Any, what: str) -> Sequence[Any]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ValueError(f"{value!r} is no list of {what}")
    return value


def _metrics(value: Any) -> tuple[str, ...]:
    names = _list(value, "metrics")
    if unknown := [repr(name) for name in names if not isinstance(name, str) or name not in METRICS]:
        raise ValueError(f"there is no {', '.join(unknown)}; there are {', '.join(METRICS)}")
    if not names or len(set(names)) < len(names):
        raise ValueError("needs at least one metric, each of them once; the first is the primary one")
    return tuple(names)


def _unit(value: Any) -> str:
    if value in ("request", "client"):
        return str(value)
    kind, _, header = str(value).partition(":")
    if kind == "header" and _HEADER.fullmatch(header):
        return f"header:{header.lower()}"
    raise ValueError(f"{value!r} is no unit, expected request, client or header:NAME")


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def _header(value: Any) -> str:
    if not isinstance(value, str) or (value and not _HEADER.fullmatch(value)):
        raise ValueError(f"{value!r} is no name of a header")
    return value.lower()


def _exclude(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is neither NAME nor NAME=value")
    name, equals, wanted = value.partition("=")
    if len(wanted) > TEXT_MAX or (equals and not (name and wanted)):
        raise ValueError(f"{value!r} is neither NAME nor NAME=value")
    return _header(name) + equals + wanted


def _guardrails(value: Any) -> tuple[Guardrail, ...]:
    found = []
    for item in _list(value, "guardrails"):
        if not isinstance(item, Mapping) or not {"metric", "margin"} <= set(item) <= {"metric", "margin", "floor"}:
            given = f"one has {', '.join(map(str, item))}" if isinstance(item, Mapping) else f"{item!r} is none"
            raise ValueError(
                f'each is a metric with its margin, such as {{"metric": "latency", "margin": 1.1}}; {given}'
            )
        floor = _number(item.get("floor", 0.0), 0.0, 1.0)
        try:
            found.append(Guardrail(str(item["metric"]), _number(item["margin"], 0.0, 1_000.0), floor))
        except ValueError as error:
            raise ValueError(str(error).removeprefix("guardrails: ")) from error
    if len({item.metric for item in found}) < len(found):
        raise ValueError("a metric can have one guardrail only")
    return tuple(found)


def _ramp(value: Any) -> Ramp | None:
    """A list of shares, or a mapping with ``shares`` and maybe ``hours`` and ``units``."""
    if value is None:
        return None
    given = value if isinstance(value, Mapping) else {"shares": value}
    if not {"shares"} <= set(given) <= {"shares", "hours", "units"}:
        raise ValueError(f"{value!r} is no ramp, expected a list of shares, or shares, hours and units")
    shares = tuple(_number(share, 0.0, 1.0, "()") for share in _list(given["shares"], "shares"))
    if not 2 <= len(shares) <= RAMP_STEPS_MAX or any(later <= share for share, later in pairwise(shares)):
        told = ", ".join(f"{share:g}" for share in shares)
        raise ValueError(f"needs 2 to {RAMP_STEPS_MAX} shares, each larger than the one before, not {told}")
    hours = _part("hours", lambda: _number(given.get("hours", RAMP_HOURS), 0.0, 24 * DAYS_MAX))
    return Ramp(shares, hours, _part("units", lambda: _whole(given.get("units", UNITS_MIN), 1, 10**9)))


def _part(name: str, read: Callable[[], T]) -> T:
    """A fault of a part says which part."""
    try:
        return read()
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _texts(value: Any) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else _list(value, "channels")
    if any(not isinstance(text, str) or len(text) > TEXT_MAX for text in texts):
        raise ValueError(f"{value!r} is no list of channels, such as email:team@company.com")
    return tuple(texts)


def check_variants(variants: Sequence[str], fields: Sequence[str]) -> None:
    """Raises DefinitionError where two of them are one, or there are too many; ``fields`` says where each stands.

    >>> check_variants(["A", "B"], ["model_a_id", "model_b_id"])
    """
    for place, name in enumerate(variants):
        if name in variants[:place]:
            raise DefinitionError([(fields[place], f"{name!r} is {fields[variants.index(name)]} already")])
    if len(variants) > VARIANTS_MAX:
        raise DefinitionError([("config.treatments", f"{len(variants)} variants, at most {VARIANTS_MAX} can be told")])
