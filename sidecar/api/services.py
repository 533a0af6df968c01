"""What the API asks of the rest of the monitor, as narrow Protocols the composition root fills in."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from sidecar.access import TokenFile
from sidecar.api.data_engines import DataEngines
from sidecar.api.datasets import DatasetVersions
from sidecar.api.door import Door
from sidecar.api.errors import Conflict as Conflict
from sidecar.api.errors import ControlError as ControlError
from sidecar.api.errors import NotThere as NotThere
from sidecar.api.etags import Locks
from sidecar.api.exporting import Exports
from sidecar.api.feedback import Feedback
from sidecar.api.idempotency import Once
from sidecar.api.models import Models
from sidecar.api.review import Review
from sidecar.api.training import TrainingJobs
from sidecar.api.trials import Trials
from sidecar.api.watch import Watch
from sidecar.recording import Reader
from sidecar.summaries import Summary

BOUNDS = ("exports", "live", "live_behind", "series", "large_bodies", "connections", "token_file")
"""What requests to the admin port may be turned away by."""


class TotalsKey(NamedTuple):
    """What a lifetime total is of."""

    model: str
    version: str
    role: str


class OutboxTotals(NamedTuple):
    """One destination's backlog (``items``, ``bytes``, ``oldest_age_s``) and its counts since the start."""

    destination: str
    items: int
    bytes: int
    oldest_age_s: float
    sent: int
    failed: int
    dropped: int


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A proxy worker as it last described itself. ``epoch`` grows with each of its starts.

    ``status`` is the last STATUS frame: in_flight, connections, ring_bytes, tap_bytes, upstreams {name: {up, ...}},
    dropped {"stage/reason": n}, limits_hit {}, rss_bytes, cpu_s, settings. What is missing is not shown.
    """

    worker: int
    epoch: int
    pid: int
    connected: bool
    status: Mapping[str, Any] = field(default_factory=dict)


class Totals(Protocol):
    """Counts since the monitor started; none of them goes down while it runs."""

    def summaries(self) -> Mapping[tuple[str, str, str], Summary]:
        """Lifetime totals by (model, version, role)."""
        ...

    def workers(self) -> Sequence[WorkerStatus]:
        """Every worker that was ever heard of and is not replaced."""
        ...

    def dropped(self) -> Mapping[tuple[str, str], int]:
        """What was left out, by (stage, reason)."""
        ...

    def limits_hit(self) -> Mapping[str, int]:
        """How often the workers met a bound, by its name."""
        ...

    def samples(self) -> Mapping[str, int]:
        """Images kept, by reason; an image kept for two reasons counts under both."""
        ...

    def outbox(self) -> Sequence[tuple[str, int, int, float, int, int, int]]:
        """One OutboxTotals (or a tuple of its shape) per destination."""
        ...

    def failing_parts(self) -> Mapping[str, str]:
        """Parts of the monitor that ended by a fault of late and were started again, and the fault."""
        ...

    def store(self) -> Mapping[str, Any]:
        """ok: bool, reason: str, bytes: int, predictions_written: int, commit_seconds: float, and what else is."""
        ...


class Control(Protocol):
    """How the sidecar is configured."""

    def settings(self) -> Mapping[str, Any]:
        """The effective configuration, secrets hidden."""
        ...


@dataclass(slots=True)
class Services:
    """All that the admin port serves from.

    ``token`` and ``tokens`` are what may be shown, ``token_demanded`` says whether it must be (None: where there is a
    ``token``), ``certificates`` that every connection bears a client's certificate. Where no token is demanded only
    requests to an IP address, ``localhost`` or one of ``allowed_hosts`` are answered, and the composition root must
    bind to loopback or demand certificates. A part that is None is answered for with 503.
    """

    reader: Reader
    totals: Totals
    control: Control
    watch: Watch
    trials: Trials
    data_dir: Path
    token: str | None = field(default=None, repr=False)
    tokens: TokenFile | None = None
    token_demanded: bool | None = None
    certificates: bool = False
    allowed_hosts: tuple[str, ...] = ()
    version: str = ""
    started_at: float = field(default_factory=time.time)
    data_engines: DataEngines | None = None
    feedback: Feedback | None = None
    review: Review | None = None
    dataset_versions: DatasetVersions | None = None
    training: TrainingJobs | None = None
    models: Models | None = None
    once: Once | None = None
    turned_away: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(BOUNDS, 0)))
    exports: Exports = field(init=False)
    listeners: int = 0
    door: Door = field(init=False)
    locks: Locks = field(default_factory=Locks)

    def __post_init__(self) -> None:
        demanded = self.token is not None if self.token_demanded is None else self.token_demanded
        self.door = Door(self.token, self.tokens, demanded, self.certificates)
        self.exports = Exports(self.turned_away)
