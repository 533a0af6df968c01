"""Lengths of time as a person writes them: ``1h30m``, ``15m``, ``7d``. Any room may import this."""

from __future__ import annotations

import re
from decimal import Decimal
from math import isfinite

_UNITS_S = {"w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([wdhms])")
_WHOLE = re.compile(rf"(?:{_PART.pattern}\s*)+")


def parse_duration(text: str | float) -> float:
    """Seconds of a length of time; a plain number is taken as seconds.

    Raises ValueError saying what would be right.

    >>> parse_duration("1h30m"), parse_duration("7d"), parse_duration(90)
    (5400.0, 604800.0, 90.0)
    """
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        seconds = float(text)
        if isfinite(seconds) and seconds >= 0:
            return seconds
    elif isinstance(text, str):
        stripped = text.strip().lower()
        if _WHOLE.fullmatch(stripped):
            return sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(stripped))
        if re.fullmatch(r"\d+(?:\.\d+)?", stripped):
            return float(stripped)
    raise ValueError(f"{text!r} is no length of time, expected e.g. 30s, 15m, 1h30m or 7d")


def duration_text(seconds: float) -> str:
    """The shortest form that ``parse_duration`` reads back; parts of a second are kept.

    >>> duration_text(5400), duration_text(604800), duration_text(0.5), duration_text(0), duration_text(1e-5)
    ('1h30m', '7d', '0.5s', '0s', '0.00001s')
    """
    if seconds != int(seconds):
        # Every digit, and no exponent: that could not be read back.
        return f"{Decimal(repr(float(seconds))):f}s"
    left = int(seconds)
    if left == 0:
        return "0s"
    parts = []
    for unit in ("d", "h", "m", "s"):
        count, left = divmod(left, int(_UNITS_S[unit]))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)
