"""Rows of A/B tests and shadow tests: the test itself, sums per unit, compared pairs, snapshots. ``trial`` is either
kind of test.

``epoch`` counts the changes of what traffic went where. What is of a whole epoch among the summaries has the width
WHOLE_EPOCH_S, bucket 0 and no slice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

WHOLE_EPOCH_S = 0
"""``width_s`` of a summary of all that an epoch of a test saw. It goes with its test and not by age."""


@dataclass(frozen=True, slots=True)
class TrialRow:
    """A test. ``document`` is all that is known of it, ``lowest`` the lowest p-value so far of each comparison,
    ``results`` what it came to, frozen when it ended.

    >>> TrialRow("t-1", "ab", "T 1", "det", "running", 5.0, None, {}, {"confidence": 0.2}, None).ended_at is None
    True
    """

    trial_id: str
    kind: Literal["ab", "shadow"]
    name: str
    model: str
    status: str
    created_at: float
    ended_at: float | None
    document: Mapping[str, Any]
    lowest: Mapping[str, float]
    results: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class UnitRow:
    """The sums of one unit in one arm of an epoch, whole: they replace what is there. ``unit`` is a hash of 63 bits.

    >>> UnitRow("t-1", 0, "det@1", 77, bytes(8)).unit
    77
    """

    trial_id: str
    epoch: int
    arm: str
    unit: int
    sums: bytes


@dataclass(frozen=True, slots=True)
class PairRow:
    """An encoded summary of the pairs compared in an epoch, whole; a higher ``revision`` replaces.

    >>> PairRow("t-1", 0, 3, b"").revision
    3
    """

    trial_id: str
    epoch: int
    revision: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class UnitCut:
    """Forget the units of a test whose hash is over ``above``, and remember that.

    >>> UnitCut("t-1", 1 << 62).above
    4611686018427387904
    """

    trial_id: str
    above: int


@dataclass(frozen=True, slots=True)
class SnapshotRow:
    """What a test came to by ``at`` (epoch seconds): a JSON-able ``document``.

    >>> SnapshotRow("t-1", 60.0, {"images": 3}).document
    {'images': 3}
    """

    trial_id: str
    at: float
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BucketsKept:
    """The summaries of a test in buckets of ``width_s`` that are still kept: how many ``rows``, and where the ``first``
    of them begins (epoch seconds).

    >>> BucketsKept(3600, 48, 1_800_000_000).rows
    48
    """

    width_s: int
    rows: int
    first: int


class ShadowAnswer(NamedTuple):
    """A recorded prediction that was passed by in the search for a shadow test's: (at, id) is its place;
    ``prediction_id`` is empty where it is none of them.

    >>> ShadowAnswer(5.0, 7, "").prediction_id
    ''
    """

    at: float
    id: int
    prediction_id: str
