"""Where an alert stands, as a value that survives a restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from math import isfinite
from typing import Any, Literal, cast, get_args

Told = Literal["", "firing", "flapping"]
"""What those who get notices last heard and still believe; empty: that all is well."""


class State(StrEnum):
    """What an alert is."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


class Outcome(StrEnum):
    """What one judgement said. ``HELD`` is none: the round is left out, while the clock can't be trusted."""

    BREACH = "breach"
    OK = "ok"
    NO_DATA = "no_data"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class AlertState:
    """All that is remembered of an alert from one round to the next.

    Names that end in ``_at``, ``since`` and ``silenced_until`` are wall seconds, for show only: nothing is decided by
    them. What is decided is counted by elapsed time: ``held_s`` is how long the breach has lasted, ``resolved_s`` how
    long it has been resolved, ``silence_left_s`` how long it stays silent, ``fired_ages_s`` how long ago it fired
    (newest last). ``fired_at`` is when it last began to fire. ``told`` is what the receivers believe. ``value`` (None
    where there was nothing to measure), ``samples``, ``detail``, ``baseline_of`` and ``sentence`` are of the last
    judgement.
    """

    state: State = State.INACTIVE
    since: float = 0.0
    held_s: float = 0.0
    resolved_s: float = 0.0
    value: float | None = None
    samples: int = 0
    detail: Mapping[str, float] = field(default_factory=dict)
    sentence: str = ""
    fired_at: float | None = None
    acknowledged_by: str = ""
    acknowledged_at: float | None = None
    silenced_by: str = ""
    silenced_until: float | None = None
    silence_left_s: float = 0.0
    flapping: bool = False
    fired_ages_s: tuple[float, ...] = ()
    told: Told = ""
    baseline_of: str = ""

    @property
    def announced(self) -> bool:
        """Whether the receivers were told that it fires, and not yet that it ended."""
        return bool(self.told)

    @property
    def silenced(self) -> bool:
        return self.silence_left_s > 0

    @property
    def acknowledged(self) -> bool:
        return self.acknowledged_at is not None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, by field.

        >>> AlertState.from_dict(AlertState(State.PENDING, held_s=20.0).to_dict()).held_s
        20.0
        """
        document: dict[str, Any] = {part.name: getattr(self, part.name) for part in fields(self)}
        document["state"] = self.state.value
        document["detail"] = dict(self.detail)
        document["fired_ages_s"] = list(self.fired_ages_s)
        return document

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> AlertState:
        """What ``to_dict`` wrote, in this release or another.

        Unknown keys are ignored; what is absent, or is nothing this release knows, is as in a new alert.
        """
        get = document.get
        told = get("told")
        return cls(
            state=_state(get("state")),
            since=_number(get("since")) or 0.0,
            held_s=_number(get("held_s")) or 0.0,
            resolved_s=_number(get("resolved_s")) or 0.0,
            value=_number(get("value")),
            samples=int(_number(get("samples")) or 0),
            detail=_numbers(get("detail")),
            sentence=_text(get("sentence")),
            fired_at=_number(get("fired_at")),
            acknowledged_by=_text(get("acknowledged_by")),
            acknowledged_at=_number(get("acknowledged_at")),
            silenced_by=_text(get("silenced_by")),
            silenced_until=_number(get("silenced_until")),
            silence_left_s=_number(get("silence_left_s")) or 0.0,
            flapping=get("flapping") is True,
            fired_ages_s=_ages(get("fired_ages_s")),
            told=cast(Told, told) if told in get_args(Told) else "",
            baseline_of=_text(get("baseline_of")),
        )


def _state(name: Any) -> State:
    return State(name) if isinstance(name, str) and name in set(State) else State.INACTIVE


def _text(given: Any) -> str:
    return given if isinstance(given, str) else ""


def _number(given: Any) -> float | None:
    """A finite number or None."""
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not isfinite(given):
        return None
    return float(given)


def _numbers(given: Any) -> dict[str, float]:
    if not isinstance(given, Mapping):
        return {}
    return {str(name): number for name, value in given.items() if (number := _number(value)) is not None}


def _ages(given: Any) -> tuple[float, ...]:
    if not isinstance(given, (list, tuple)):
        return ()
    return tuple(number for value in given if (number := _number(value)) is not None)
