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
from sidecar.api.places import Places
from sidecar.api.review import Review
from sidecar.api.training import TrainingJobs
from sidecar.api.trials import Trials
from sidecar.api.watch import Watch
from sidecar.data_engine import Thumbnails
from sidecar.recording import Reader
from sidecar.summaries import Summary

BOUNDS = (
    *("exports", "live", "live_behind", "series", "histories", "previews", "large_bodies", "connections"),
    *("token_file", "thumbnails"),
)
"""What requests to the admin port may be turned away by."""
HISTORIES_MAX = 16
"""Questions about the past that are answered or wait at a time: overviews, figures over time, tests over time."""
HISTORIES_STATUSES = {503: f"{HISTORIES_MAX} questions about the past are under way, or the store can't be used."}
"""What the routes of these say of it."""
HISTORIES_AT_A_TIME = 2
"""Those of them that are worked on: each may hold tens of megabytes, and more at once are none the sooner there."""
PREVIEWS_MAX = 8
"""Previews of alerts that are made or wait at a time; whoever makes them makes one after the other."""


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


class Backlog(NamedTuple):
    """What waits at one stage now, and its bounds; None where that is not counted, or has none.

    Stages: ``tap`` (with the workers, until it is committed), ``link`` (come in, not taken up yet), ``writer`` (with
    the store), ``images`` (on their way from the workers), ``samples`` (waiting to be kept), ``notifications``.
    """

    stage: str
    items: int | None
    bytes: int | None
    items_max: int | None
    bytes_max: int | None


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A proxy worker as it last described itself. ``epoch`` is when it started, in nanoseconds since 1970, and grows
    with each of its starts; ``restarts`` counts those after the first that this monitor heard of.

    ``status`` is the last STATUS frame: requests, in_flight, connections, connections_max, ring_bytes, tap_bytes,
    tap_bytes_max, upstreams {name: {up, ejections, addresses [{address, state, ...}], ...}}, dropped
    {"stage/reason": n}, limits_hit {}, tls [{use, ...}], tls_failed {}, rss_bytes, cpu_s, settings. What is missing is
    not shown.
    """

    worker: int
    epoch: int
    pid: int
    connected: bool
    status: Mapping[str, Any] = field(default_factory=dict)
    restarts: int = 0


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

    def tls_failed(self) -> Mapping[str, int]:
        """Clients of the data port that no TLS connection came of, by reason."""
        ...

    def samples(self) -> Mapping[str, int]:
        """Images kept, by reason; an image kept for two reasons counts under both."""
        ...

    def backlog(self) -> Sequence[Backlog]:
        """What waits now, by stage."""
        ...

    def outbox(self) -> Sequence[tuple[str, int, int, float, int, int, int]]:
        """One OutboxTotals (or a tuple of its shape) per destination."""
        ...

    def failing_parts(self) -> Mapping[str, str]:
        """Parts of the monitor that ended by a fault of late and were started again, and the fault."""
        ...

    def store(self) -> Mapping[str, Any]:
        """What a StoreOut has."""
        ...


class Control(Protocol):
    """How the sidecar is configured."""

    def settings_version(self) -> int:
        """Grows with every change; workers tell the one they follow."""
        ...

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
    thumbnails: Thumbnails | None = None
    dataset_versions: DatasetVersions | None = None
    training: TrainingJobs | None = None
    models: Models | None = None
    once: Once | None = None
    turned_away: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(BOUNDS, 0)))
    exports: Exports = field(init=False)
    listeners: int = 0
    histories: Places = field(init=False)
    previews: Places = field(init=False)
    door: Door = field(init=False)
    locks: Locks = field(default_factory=Locks)

    def __post_init__(self) -> None:
        demanded = self.token is not None if self.token_demanded is None else self.token_demanded
        self.door = Door(self.token, self.tokens, demanded, self.certificates)
        self.exports = Exports(self.turned_away)
        about_the_past = ("histories", self.turned_away, "questions about the past")
        self.histories = Places(*about_the_past, most=HISTORIES_MAX, at_a_time=HISTORIES_AT_A_TIME)
        self.previews = Places("previews", self.turned_away, "previews", most=PREVIEWS_MAX, at_a_time=PREVIEWS_MAX)
