"""Periods as a person writes them: days, date-times, or a length of time until now."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sidecar.durations import duration_text, parse_duration

PERIOD_DAYS_MAX = 400
"""A longer period is refused: the store keeps no more."""
TEXT_CHARACTERS_MAX = 100

_DAY_S = 86_400
_DATE = r"\d{4}-\d{2}-\d{2}"
_TIME = r"[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:[Zz]|[+-]\d{2}:?\d{2})?"
_MOMENT = rf"{_DATE}(?:{_TIME})?"
_PAIR = re.compile(rf"({_MOMENT})\s*[:/]\s*({_MOMENT})", re.ASCII)
_ONE_DAY = re.compile(_DATE, re.ASCII)
_NUMBER = re.compile(r"[\d.]+")
_EXPECTED = (
    "expected days in UTC, both included (2024-01-01:2024-01-31), date-times with an offset, the end excluded "
    "(2024-01-01T00:00:00Z/2024-01-02T12:00:00+01:00), or a length of time until now (24h, 7d)"
)


class PeriodError(ValueError):
    """A text that is no period. ``str`` is ``field: message``."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class Period:
    """``since <= t < until``, epoch seconds. ``str`` gives a form that ``parse_period`` reads back as equal.

    >>> str(Period(1704067200.0, 1704153600.0)), str(Period(1704067200.0, 1704067201.5))
    ('2024-01-01:2024-01-01', '2024-01-01T00:00:00Z/2024-01-01T00:00:01.500000Z')
    """

    since: float
    until: float

    @property
    def length_s(self) -> float:
        return self.until - self.since

    def __str__(self) -> str:
        if self.since % _DAY_S == 0 and self.until % _DAY_S == 0:
            last = datetime.fromtimestamp(self.until, UTC) - timedelta(days=1)
            return f"{datetime.fromtimestamp(self.since, UTC):%Y-%m-%d}:{last:%Y-%m-%d}"
        return f"{_moment_text(self.since)}/{_moment_text(self.until)}"


def parse_period(text: str, now: float, field: str = "period") -> Period:
    """The period that ``text`` names, ``now`` in epoch seconds; times are kept to the microsecond.

    Days are UTC days, the last one included; a date-time as the end is excluded and needs an offset. A single day and
    a mixture of a day and a date-time are periods too. Raises PeriodError (naming ``field``) for any other text, an
    end that is not after the start, more than PERIOD_DAYS_MAX days, and a period that has not begun.

    >>> parse_period("2024-01-01:2024-01-31", now=1.8e9).length_s / 86_400
    31.0
    >>> parse_period("24h", now=1_700_000_000.0)
    Period(since=1699913600.0, until=1700000000.0)
    """
    if not isinstance(text, str) or len(text) > TEXT_CHARACTERS_MAX:
        raise PeriodError(field, f"this is no period, {_EXPECTED}")
    stripped = text.strip()
    if pair := _PAIR.fullmatch(stripped):
        since, until = _start_of(pair[1], field), _end_of(pair[2], field)
    elif _ONE_DAY.fullmatch(stripped):
        since, until = _start_of(stripped, field), _end_of(stripped, field)
    else:
        until = round(now, 6)
        since = round(now - _length_of(stripped, field), 6)
    return _checked(Period(since, until), stripped, now, field)


def _checked(period: Period, text: str, now: float, field: str) -> Period:
    if period.since >= period.until:
        raise PeriodError(field, f"{text!r} does not end after its start")
    if period.length_s > PERIOD_DAYS_MAX * _DAY_S:
        days = f"{period.length_s / _DAY_S:.0f}"
        raise PeriodError(field, f"{text!r} is {days} days long, at most {PERIOD_DAYS_MAX} are kept")
    if period.since >= now:
        today = datetime.fromtimestamp(now, UTC)
        raise PeriodError(field, f"{text!r} has not begun, it is {today:%Y-%m-%dT%H:%M:%SZ}")
    return period


def _length_of(text: str, field: str) -> float:
    # a bare "2024" would be 2024 seconds to parse_duration, which nobody means
    if _NUMBER.fullmatch(text):
        raise PeriodError(field, f"{text!r} has no unit, {_EXPECTED}")
    try:
        length_s = parse_duration(text)
    except ValueError as error:
        raise PeriodError(field, f"{text!r} is no period, {_EXPECTED}") from error
    if length_s > PERIOD_DAYS_MAX * _DAY_S:
        raise PeriodError(field, f"{text!r} is too long, at most {duration_text(PERIOD_DAYS_MAX * _DAY_S)} are kept")
    return length_s


def _start_of(text: str, field: str) -> float:
    return _moment(text, field).timestamp()


def _end_of(text: str, field: str) -> float:
    end = _moment(text, field).timestamp()
    return end + _DAY_S if _ONE_DAY.fullmatch(text) else end


def _moment(text: str, field: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise PeriodError(field, f"{text!r} is not in the calendar: {error}") from error
    if _ONE_DAY.fullmatch(text):
        return moment.replace(tzinfo=UTC)
    if moment.tzinfo is None:
        raise PeriodError(field, f"{text!r} needs an offset from UTC, such as {text}Z or {text}+01:00")
    return moment


def _moment_text(at: float) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    fraction = f".{moment.microsecond:06d}" if moment.microsecond else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"
