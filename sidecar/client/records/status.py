"""Records of status.

Made by tests/client/generate_records.py: change the API's types and make it anew.
"""

from __future__ import annotations

from sidecar.client.results import ByName, Document, Record, Records, Time


class Worker(Record):
    """A proxy worker; ``status`` is what it last told. ``requests`` are since it began at ``started_at``, ``restarts``
    since the monitor began; ``settings_version`` is that of the settings it follows. Null: not told yet."""

    worker: int
    epoch: int
    pid: int
    connected: bool
    started_at: Time
    restarts: int
    requests: int | None
    settings_version: int | None
    status: Document


class Dropped(Record):
    """What was left out, where and why; ``meaning`` says so in words."""

    stage: str
    reason: str
    count: int
    meaning: str


class BoundMet(Record):
    """How often the proxy met one of its bounds, and what that came to in words."""

    limit: str
    count: int
    meaning: str


class Backlog(Record):
    """What waits at a stage now, and its bounds. ``tap``: with the workers, until it is committed. ``link``: come in,
    not taken up yet. ``writer``: predictions with the store. ``images``: on their way from the workers. ``samples``:
    waiting to be kept. ``notifications``: to be sent. Null: not counted there, or without a bound."""

    stage: str
    # and by its key alone: ["items"], int | None
    bytes: int | None
    items_max: int | None
    bytes_max: int | None


class Store(Record):
    """The store: ``reason`` says why it is not ``ok``. ``bytes`` of the database with its journal; ``images_bytes`` of
    all images, ``kept_bytes`` of those that stay (labeled, or in a version). ``used_bytes`` is what counts towards
    ``bytes_max``: images, and the database without free pages. ``set_aside`` names damaged stores that were put by
    since the start, ``set_aside_bytes`` is what those that are left take. What is older than ``age_days`` goes, and the
    oldest for what is over ``bytes_max``."""

    ok: bool
    reason: str
    bytes: int
    images_bytes: int
    kept_bytes: int
    used_bytes: int
    bytes_max: int
    age_days: float
    set_aside: list[str]
    set_aside_bytes: int
    disk_free_bytes: int
    predictions_written: int
    commit_seconds: float
    commit_failures: ByName[int]


class Outbox(Record):
    """The backlog of one destination."""

    destination: str
    # and by its key alone: ["items"], int
    bytes: int
    oldest_age_s: float
    sent: int
    failed: int
    dropped: int


class Certificate(Record):
    """What TLS is spoken with on the data path. ``use`` is ``listen`` (the data port) or ``upstream NAME``. Null: no
    certificate is shown there. It ``ends_soon`` within 14 days, or the last quarter of its life. ``fault`` says why the
    files as they are now were not taken; what was read before stays in use. ``verifies`` is false where the certificate
    of an upstream is not checked."""

    use: str
    expires_at: Time | None
    days_left: float | None
    ends_soon: bool
    fault: str
    verifies: bool


class Address(Record):
    """An address of an upstream as a worker finds it. ``state`` is up, down (it takes no connection, or its health path
    or TLS fails), ejected (requests to it failed one after the other: left alone for ``retry_s`` yet), trial (after
    that it gets one request at a time), or new (it never took a connection, but another address of its name may).
    ``reason`` is its last fault, empty where it is up. ``failures`` are those in a row now, ``ejections`` since the
    worker began."""

    worker: int
    upstream: str
    address: str
    state: str
    reason: str
    in_flight: int
    failures: int
    ejections: int
    retry_s: float | None


class Status(Record):
    """How the sidecar is. ``ok`` is false where the store is faulty, a worker is away, an upstream or one of its
    addresses is down or ejected, a certificate ends soon or its files can't be used, or a notification can't be
    delivered. ``alerts`` are counts by state. ``settings_version`` grows with every change."""

    ok: bool
    faults: list[str]
    version: str
    started_at: Time
    uptime_s: float
    requests: int
    settings_version: int
    workers: Records[Worker]
    backlog: Records[Backlog]
    dropped: Records[Dropped]
    limits_hit: Records[BoundMet]
    samples: ByName[int]
    outbox: Records[Outbox]
    alerts: ByName[int]
    store: Store
    certificates: Records[Certificate]
    addresses: Records[Address]
