"""When to try again: for whatever is sent to others. Any room may import this."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def backoff_s(failures: int, first_s: float, most_s: float, draw: float) -> float:
    """Seconds to wait after the ``failures``-th failure in a row: doubling from ``first_s`` up to ``most_s``, of which
    a random half is taken off (``draw`` in 0..1), so that a fleet does not come back in step.

    >>> [backoff_s(n, 1.0, 60.0, draw=1.0) for n in (1, 2, 3, 9, 5_000)]
    [1.0, 2.0, 4.0, 60.0, 60.0]
    """
    return float(min(most_s, first_s * 2 ** min(failures - 1, 32)) * (0.5 + 0.5 * draw))


def retry_after_s(field: str, now: float, most_s: float) -> float:
    """What a Retry-After field asks for (RFC 9110, 10.2.3), in seconds from ``now`` (epoch seconds), at most
    ``most_s``; 0 where it is absent or makes no sense.

    >>> retry_after_s("7", 0.0, 60.0), retry_after_s("Thu, 01 Jan 1970 00:00:30 GMT", 10.0, 60.0)
    (7.0, 20.0)
    """
    text = field.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), most_s)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):  # the last: a year that no date can hold
        return 0.0
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return min(max(0.0, (at - datetime.fromtimestamp(now, UTC)).total_seconds()), most_s)
