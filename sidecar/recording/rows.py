"""What goes into the store and comes out of it, other than predictions, and how the store says that it can't."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sidecar.recording.trial_rows import PairRow, UnitCut, UnitRow
from sidecar.types import Detections, Label, Prediction


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
    """An image kept for review, with why and with what probability, and its review as it stands: an item of a dataset.

    ``path`` is relative to the data folder. ``detections`` are as the model answered, so that a review does not need
    the prediction, which goes earlier. ``status`` is needs_review, in_review, labeled or rejected. ``drawn``: the
    random sample drew it, with a chance of ``draw_rate`` (0: not known). ``value`` orders the queue, highest first,
    ``audit_rank`` the audit, lowest first. ``image_hash`` is a 64-bit difference hash, None where it is not known;
    ``checksum`` the SHA-256 of the file in hex. ``reviewed_in`` and ``claimed_in`` are the queue it was given out by
    (``value``, ``audit``, or empty: by its id). ``verdict`` is what the review says of the prediction. ``revision``
    grows with each change of the review.

    >>> Sample("s1", "p1", "m", "1", 0.0, ("low_confidence",), 0.5, "needs_review", "image/jpeg", "a", 9, 4, 3).drawn
    False
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
    dataset_id: str = ""
    variant: str = ""
    role: str = ""
    experiment: str = ""
    epoch: int = 0
    slice: str = ""
    unit: str = ""
    client_request_id: str = ""
    score_threshold: float = 0.0
    checksum: str = ""
    image_hash: int | None = None
    detections: Detections | None = None
    value: float = 0.0
    drawn: bool = False
    draw_rate: float = 0.0
    audit_rank: float = 0.0
    labels: tuple[Label, ...] | None = None
    reviewed_in: str = ""
    reviewed_by: str = ""
    reviewed_at: float | None = None
    verdict: str = ""
    claimed_by: str = ""
    claimed_in: str = ""
    claimed_until: float = 0.0
    split: str = ""
    in_versions: int = 0
    revision: int = 0


@dataclass(slots=True)
class Batch:
    """What is committed together. ``positions`` maps (worker, epoch) to the highest sequence the batch completes.
    ``units``, ``pairs`` and ``cuts`` are of tests; ``cuts`` come after ``units``. ``verdicts_counted`` are the
    VerdictChanges that the summaries hold from now on, as (generation, change_id).

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
    verdicts_counted: Sequence[tuple[int, int]] = ()


@dataclass(slots=True)
class StoreHealth:
    """The state of the store. ``reason`` is a StoreError's, empty where all is well; ``bytes`` is what it takes on
    disk without images, as of the last look; ``kept_bytes`` what images take that retention leaves alone, as of its
    last round; ``set_aside`` names the damaged files that were put by since the start. As of the last round too:
    ``images_bytes`` of all images, ``used_bytes`` of what counts towards retention's bytes (images and pages in use),
    ``set_aside_bytes`` of the damaged stores that are kept, ``disk_free_bytes`` that the disk has left.

    >>> StoreHealth().ok
    True
    """

    ok: bool = True
    reason: str = ""
    bytes: int = 0
    set_aside: tuple[str, ...] = ()
    kept_bytes: int = 0
    images_bytes: int = 0
    used_bytes: int = 0
    set_aside_bytes: int = 0
    disk_free_bytes: int = 0
