"""What an answer of a backend means."""

from __future__ import annotations

from enum import Enum

NARROWING = frozenset((400, 413, 422))
"""Answers that may be about one document, or the size, of a batch: fewer documents may be taken."""
_PASSING = frozenset((408, 425, 429))


class Outcome(Enum):
    DELIVERED = "delivered"
    LATER = "later"
    REFUSED = "refused"


def outcome_of(status: int) -> Outcome:
    """2xx is delivered; 5xx, 408, 425 and 429 pass with time; all else is a refusal (redirects aren't followed).

    >>> outcome_of(202), outcome_of(429).value, outcome_of(403).value
    (<Outcome.DELIVERED: 'delivered'>, 'later', 'refused')
    """
    if 200 <= status < 300:
        return Outcome.DELIVERED
    if status >= 500 or status in _PASSING:
        return Outcome.LATER
    return Outcome.REFUSED
