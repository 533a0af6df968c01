"""The store: a SQLite file in the data folder, and the only place with SQL.

What it is for: every prediction, summary, position in a worker's stream, kept sample and undelivered item is written
here, by one connection, in batches; others read through read-only connections.

Key types: ``Store`` writes (``Batch`` is one transaction), ``Reader`` reads pages newest first, ``StoreError.reason``
says what is wrong in one word, ``StoreHealth`` what state the store is in. Over an open ``Store``: ``Baselines``,
``DriftChecks``, ``Alerts`` and ``Notifications``, with their rows in ``watch_rows``, and ``Trials`` with rows in
``trial_rows``.

Invariants:

- One connection writes and checkpoints (SQLite before 3.51.3 can lose commits where two do), readers are read-only.
- A batch is committed whole or not at all, its positions with it; a prediction that is there already is ignored.
  So a frame that is sent twice has its effect once.
- ``synchronous=NORMAL``: a killed process loses nothing that was committed, a power cut at most the last commits.
  What a person did, alerts' transitions and notifications are committed with ``synchronous=FULL``.
- Sums per unit and compared pairs are whole and not differences, and go into the batch of the position that they
  were reached with. What is of a test, whole-epoch summaries (``WHOLE_EPOCH_S``) among it, goes with the test alone.
- An alert's state is written only over the one it was worked out from, and never together with its definition.
- A damaged file is set aside, never deleted at once, and a fresh one takes its place: ``Store.generation`` grows,
  readers follow. Damage that only a reader meets is told by ``Reader.on_corrupt``, for ``Store.check`` to act on.
- Statements take parameters only; nothing from outside is ever made part of SQL text.
"""

from sidecar.recording.alerts import ALERTS_MAX, Alerts
from sidecar.recording.baselines import BASELINES_MAX, PAYLOAD_BYTES_MAX, Baselines
from sidecar.recording.blob import pack_detections, unpack_detections
from sidecar.recording.drift_checks import DriftChecks
from sidecar.recording.notifications import Notifications
from sidecar.recording.pages import Page
from sidecar.recording.reader import UNJUDGED_ROLES, Reader
from sidecar.recording.reader_summaries import SummaryCursor
from sidecar.recording.reader_trials import UNITS_SCANNED_MAX
from sidecar.recording.retention import ClockAgreement, Retained
from sidecar.recording.rows import Batch, OutboxItem, OutboxStats, Sample, StoreError, StoreHealth, SummaryRow
from sidecar.recording.trial_rows import WHOLE_EPOCH_S, PairRow, TrialRow, UnitCut, UnitRow
from sidecar.recording.trials import TRIALS_MAX, Trials
from sidecar.recording.watch_rows import (
    AlertRow,
    BaselineRow,
    Change,
    DriftCheckRow,
    Full,
    NotificationRow,
    Refused,
    Taken,
    TransitionRow,
)
from sidecar.recording.writer import Store

__all__ = [
    "ALERTS_MAX",
    "BASELINES_MAX",
    "PAYLOAD_BYTES_MAX",
    "TRIALS_MAX",
    "UNITS_SCANNED_MAX",
    "UNJUDGED_ROLES",
    "WHOLE_EPOCH_S",
    "AlertRow",
    "Alerts",
    "BaselineRow",
    "Baselines",
    "Batch",
    "Change",
    "ClockAgreement",
    "DriftCheckRow",
    "DriftChecks",
    "Full",
    "NotificationRow",
    "Notifications",
    "OutboxItem",
    "OutboxStats",
    "Page",
    "PairRow",
    "Reader",
    "Refused",
    "Retained",
    "Sample",
    "Store",
    "StoreError",
    "StoreHealth",
    "SummaryCursor",
    "SummaryRow",
    "Taken",
    "TransitionRow",
    "TrialRow",
    "Trials",
    "UnitCut",
    "UnitRow",
    "pack_detections",
    "unpack_detections",
]
