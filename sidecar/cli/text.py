"""Values as a person reads them. Nothing heavy is imported here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any

NOTHING = "-"
SIDECAR = "(the sidecar)"


def clean(value: object) -> str:
    """``value`` without what would move a terminal's cursor or colour it.

    >>> clean("red\\x1b[31m")
    'red?[31m'
    """
    return "".join(char if char.isprintable() else "?" for char in str(value))


def number(value: float | None, digits: int = 3) -> str:
    """A number with so many digits after the point.

    >>> number(0.12345), number(None), number(float("nan"))
    ('0.123', '-', '-')
    """
    return NOTHING if value is None or not isfinite(value) else f"{value:.{digits}f}"


def figure(value: float | None) -> str:
    """A number of any size, to three digits or whole.

    >>> figure(0.61834), figure(1234.5), figure(0.0), figure(None)
    ('0.618', '1,234', '0', '-')
    """
    if value is None or not isfinite(value):
        return NOTHING
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def percent(share: float | None) -> str:
    """
    >>> percent(0.1234), percent(None)
    ('12.3 %', '-')
    """
    return NOTHING if share is None or not isfinite(share) else f"{100 * share:.1f} %"


def size(n: float) -> str:
    """Bytes, to three digits.

    >>> size(812), size(64_500), size(2_340_000_000)
    ('812 bytes', '64.5 kB', '2.34 GB')
    """
    if n < 1_000:
        return f"{n:.0f} bytes"
    for unit in ("kB", "MB"):
        n /= 1_000
        if n < 999.5:
            return f"{n:.3g} {unit}"
    return f"{n / 1_000:.3g} GB" if n < 999_500 else f"{n / 1_000:,.0f} GB"


def counted(n: int, thing: str, things: str = "") -> str:
    """
    >>> counted(1, "item"), counted(1_200, "item"), counted(2, "box", "boxes")
    ('1 item', '1,200 items', '2 boxes')
    """
    return f"{n:,} {thing if n == 1 else things or f'{thing}s'}"


def moment(at: float | None) -> str:
    """A time in UTC.

    >>> moment(1_700_000_040), moment(None), moment(1e300)
    ('2023-11-14 22:14:00', '-', '1e+300')
    """
    if at is None:
        return NOTHING
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return str(at)


def span(since: float, until: float) -> str:
    """A time from when to when, in UTC; whole days as days, both included.

    >>> span(1_704_067_200, 1_706_745_600), span(1_704_067_200, 1_704_070_800), span(1_704_067_200, 1_704_067_220)
    ('2024-01-01 to 2024-01-31', '2024-01-01 00:00 to 01:00', '2024-01-01 00:00:00 to 00:00:20')
    """
    if since % 86_400 == 0 and until % 86_400 == 0 and since < until:
        return f"{moment(since)[:10]} to {moment(until - 1)[:10]}"
    begin, end = moment(since), moment(until)
    if since % 60 == 0 and until % 60 == 0:
        begin, end = begin[:-3], end[:-3]
    return f"{begin} to {end[11:] if end[:10] == begin[:10] else end}"


def whose(model_id: str, slice: str | None = "") -> str:
    """Whose something is, as commands take it: a version without a name is not offered.

    >>> whose("digits@1", "cam-1"), whose("digits@"), whose("")
    ('digits@1 / cam-1', 'digits', '(the sidecar)')
    """
    model = model_id.removesuffix("@") or SIDECAR
    return f"{model} / {slice}" if slice else model


def short(identity: str) -> str:
    """As much of an id as tells it from others; commands take it for the whole.

    >>> short("3f9c2e71ab0142c0"), short("a1")
    ('3f9c2e71', 'a1')
    """
    return identity[:8]


def document_text(document: Any) -> str:
    """JSON for machines: a number that is none is null.

    >>> document_text({"a": float("nan")})
    '{\\n "a": null\\n}'
    """
    return json.dumps(_plain(document), indent=1)


def document_line(document: Any) -> str:
    """The same in a line.

    >>> document_line({"a": [1, float("nan")]})
    '{"a": [1, null]}'
    """
    return json.dumps(_plain(document))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not isfinite(value) else value
