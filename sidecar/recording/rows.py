"""What goes into the store and comes out of it, other than predictions, and how the store says that it can't."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sidecar.recording.trial_rows import PairRow, UnitCut, UnitRow
from sidecar.types import Prediction


class StoreError(Exception):
    """The store could not do it. ``reason`` is one of full, locked, corrupt, readonly, missing, newer, io, invalid.

    >>> StoreError("full", "no room").reason
    'full'
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"store {reason}: {detail}")
        self.reason = reason
        self.detail = detail


_REASONS = {
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_READONLY: "readonly",
    sqlite3.SQLITE_IOERR: "io",
    sqlite3.SQLITE_CORRUPT: "corrupt",
    sqlite3.SQLITE_NOTADB: "corrupt",
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_CANTOPEN: "missing",
}


def reason_of(error: BaseException) -> str:
    """The one word of StoreError for what SQLite or the operating system raised."""
    if isinstance(error, OSError):
        return "full" if error.errno in (28, 122) else "io"  # ENOSPC, EDQUOT
    if not isinstance(error, sqlite3.Error):
        return "invalid"
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return "corrupt" if "malformed" in str(error) or "not a database" in str(error) else "invalid"
    return _REASONS.get(code & 0xFF, "invalid")  # the low byte is the primary result code


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """An encoded Summary under its key. ``bucket`` is its start in epoch seconds; a higher ``revision`` replaces.

    >>> SummaryRow(1_700_000_000, 10, "m", "1", "serving", "", 0, "", 3, b"").revision
    3
    """

    bucket: int
    width_s: int
    model: str
    version: str
    role: str
    experiment: str
    epoch: int
    slice: str
    revision: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """A message on its way to ``destination``. Of those with one ``key`` only the highest ``revision`` is kept.

    >>> OutboxItem("hub", "m/1/1700000000", 1, b"{}").destination
    'hub'
    """

    destination: str
    key: str
    revision: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class OutboxStats:
    """What waits for one destination. ``oldest_at`` is None where nothing does.

    >>> OutboxStats(0, 0, None).items
    0
    """

    items: int
    bytes: int
    oldest_at: float | None


@dataclass(frozen=True, slots=True)
class Sample:
    """An image kept for review, with why and with what probability. ``path`` is relative to the data folder.

    >>> Sample("s1", "p1", "m", "1", 0.0, ("low_confidence",), 0.5, "new", "image/jpeg", "samples/s1", 9, 4, 3).status
    'new'
    """

    sample_id: str
    prediction_id: str
    model: str
    version: str
    at: float
    reasons: tuple[str, ...]
    probability: float
    status: str
    media_type: str
    path: str
    bytes: int
    width: int
    height: int


@dataclass(slots=True)
class Batch:
    """What is committed together. ``positions`` maps (worker, epoch) to the highest sequence the batch completes.
    ``units``, ``pairs`` and ``cuts`` are of tests; ``cuts`` come after ``units``.

    >>> Batch(predictions=[], summaries=[], positions={(0, 1): 7}).outbox
    ()
    """

    predictions: Sequence[Prediction] = ()
    summaries: Sequence[SummaryRow] = ()
    positions: Mapping[tuple[int, int], int] = field(default_factory=dict)
    outbox: Sequence[OutboxItem] = ()
    units: Sequence[UnitRow] = ()
    pairs: Sequence[PairRow] = ()
    cuts: Sequence[UnitCut] = ()


@dataclass(slots=True)
class StoreHealth:
    """The state of the store. ``reason`` is a StoreError's, empty where all is well; ``bytes`` is what it takes on
    disk without images, as of the last look; ``set_aside`` names the damaged files that were put by since the start.

    >>> StoreHealth().ok
    True
    """

    ok: bool = True
    reason: str = ""
    bytes: int = 0
    set_aside: tuple[str, ...] = ()
