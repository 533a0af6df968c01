"""A notice in words, the same by every channel that people read."""

from __future__ import annotations

from datetime import UTC, datetime

from sidecar.alerts.notice import Notice

LINES_MAX = 20
LINE_CHARACTERS_MAX = 1_000


def plain(text: str) -> str:
    """One line that any encoding takes: no control characters, no halves of surrogate pairs, bounded.

    >>> plain("a\\r\\nBcc: b\\ud800")
    'a Bcc: b'
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line[:LINE_CHARACTERS_MAX]


def time_text(at: float) -> str:
    """A wall time in UTC, to the second.

    >>> time_text(0.0)
    '1970-01-01 00:00:00 UTC'
    """
    return f"{utc(at):%Y-%m-%d %H:%M:%S} UTC"


def timestamp(at: float) -> str:
    """RFC 3339 in UTC, to the millisecond.

    >>> timestamp(0.5)
    '1970-01-01T00:00:00.500Z'
    """
    return utc(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def lines_of(notice: Notice) -> list[str]:
    """The body, line by line, without the link: what was seen, what else is known (LINES_MAX lines of these), the rule,
    the times.
    """
    lines = [line for line in map(plain, (notice.sentence, *notice.context)) if line][:LINES_MAX]
    if notice.condition_text:
        lines.append(f"Rule: {plain(notice.condition_text)}")
    if notice.kind != "test":
        lines.append(f"Since: {time_text(notice.starts_at)}")
    if notice.ends_at is not None:
        lines.append(f"Until: {time_text(notice.ends_at)}")
    return lines


def utc(at: float) -> datetime:
    """A wall time as a date; one that no date can hold becomes the nearest that can."""
    return datetime.fromtimestamp(min(max(at, 0.0), 253_402_300_799.0), UTC)
