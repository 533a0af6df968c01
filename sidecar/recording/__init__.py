"""The store: a SQLite file in the data folder, and the only place with SQL.

What it is for: every prediction, summary, position in a worker's stream, kept sample and undelivered item is written
here, by one connection, in batches; others read through read-only connections.

Key types: ``Store`` writes (``Batch`` is one transaction), ``Reader`` reads pages newest first, ``StoreError.reason``
says what is wrong in one word, ``StoreHealth`` what state the store is in. Over an open ``Store``: ``Baselines``,
``DriftChecks``, ``Alerts`` and ``Notifications``, with their rows in ``watch_rows``, ``Trials`` with rows in
``trial_rows``, and of the improvement loop ``Datasets``, ``Items``, ``FeedbackBook``, ``Versions``, ``Jobs`` and
``ModelVersions`` with rows in ``loop_rows``. ``IdempotencyKeys`` are of the API's requests. ``Refused`` and its kinds
say why something can't be done.

Invariants:

- One connection writes and checkpoints (SQLite before 3.51.3 can lose commits where two do), readers are read-only.
- A batch is committed whole or not at all, its positions with it; a prediction that is there already is ignored.
  So a frame that is sent twice has its effect once.
- ``synchronous=NORMAL``: a killed process loses nothing that was committed, a power cut at most the last commits.
  What a person did, alerts' transitions and notifications are committed with ``synchronous=FULL``.
- Sums per unit and compared pairs are whole and not differences, and go into the batch of the position that they
  were reached with. What is of a test, whole-epoch summaries (``WHOLE_EPOCH_S``) among it, goes with the test alone.
- An action on an item is one transaction: its new state, its revision, the event. A lease that ran out is none; nothing
  is written when it does. Of what the random sample drew, only the audit gives out: in an order that nothing of the
  image has a part in.
- An image that is labeled or in a version of a dataset goes only where a person deletes it; versions keep its checksum.
- Which statements of feedback stand follows from all that was said of a prediction, whatever came first. A change of
  its verdict goes out of the store in the transaction of the summary that counts it.
- An alert's state is written only over the one it was worked out from, and never together with its definition.
- A request's key is taken before anything is done for it, and its answer kept before it is given.
- A damaged file is set aside, never deleted at once, and a fresh one takes its place: ``Store.generation`` grows,
  readers follow. Damage that only a reader meets is told by ``Reader.on_corrupt``, for ``Store.check`` to act on.
- Statements take parameters only; nothing from outside is ever made part of SQL text.
"""

from sidecar.recording.alerts import ALERTS_MAX, Alerts
from sidecar.recording.baselines import BASELINES_MAX, PAYLOAD_BYTES_MAX, Baselines
from sidecar.recording.blob import pack_detections, unpack_detections
from sidecar.recording.datasets import DATASETS_MAX, Datasets
from sidecar.recording.drift_checks import DriftChecks
from sidecar.recording.feedback import CHANGES_MAX, SUBMIT_MAX, FeedbackBook
from sidecar.recording.feedback_intake import PENDING_MAX, STATEMENTS_MAX
from sidecar.recording.feedback_rows import DATA_PORT
from sidecar.recording.feedback_rules import place_of
from sidecar.recording.idempotency import KEYS_MAX, IdempotencyKeys, KeyRow
from sidecar.recording.items import Decision, Items
from sidecar.recording.loop_rows import (
    AuditCounts,
    AuditedRow,
    DatasetFigures,
    DatasetRow,
    FeedbackRow,
    ItemEvent,
    JobRow,
    ModelVersionRow,
    Outcome,
    Queue,
    Submitted,
    VerdictChange,
    VerdictKey,
    VerdictRow,
    VersionItem,
    VersionRow,
)
from sidecar.recording.notifications import Notifications
from sidecar.recording.pages import Page, read_cursor, write_cursor
from sidecar.recording.prediction_filters import PredictionFilters
from sidecar.recording.reader import UNJUDGED_ROLES, Reader
from sidecar.recording.reader_figures import AUDITED_MAX, FIGURES_ITEMS_MAX
from sidecar.recording.reader_items import ITEMS_SCANNED_MAX
from sidecar.recording.reader_scan import PredictionScan, predictions_of
from sidecar.recording.reader_summaries import SummaryCursor
from sidecar.recording.reader_trials import UNITS_SCANNED_MAX
from sidecar.recording.refusals import AuditOnly, Held, NotFound, NotYours, Reviewed, WrongRevision, WrongStatus
from sidecar.recording.retention import ClockAgreement, Retained
from sidecar.recording.rows import Batch, OutboxItem, OutboxStats, Sample, StoreError, StoreHealth, SummaryRow
from sidecar.recording.samples import as_of
from sidecar.recording.training import JOBS_MAX, MODEL_VERSIONS_MAX, Jobs, ModelVersions
from sidecar.recording.trial_rows import (
    WHOLE_EPOCH_S,
    BucketsKept,
    PairRow,
    ShadowAnswer,
    SnapshotRow,
    TrialRow,
    UnitCut,
    UnitRow,
)
from sidecar.recording.trials import TRIALS_MAX, Trials
from sidecar.recording.versions import VERSION_ITEMS_MAX, VERSIONS_MAX, Versions
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
    "AUDITED_MAX",
    "BASELINES_MAX",
    "CHANGES_MAX",
    "DATASETS_MAX",
    "DATA_PORT",
    "FIGURES_ITEMS_MAX",
    "ITEMS_SCANNED_MAX",
    "JOBS_MAX",
    "KEYS_MAX",
    "MODEL_VERSIONS_MAX",
    "PAYLOAD_BYTES_MAX",
    "PENDING_MAX",
    "STATEMENTS_MAX",
    "SUBMIT_MAX",
    "TRIALS_MAX",
    "UNITS_SCANNED_MAX",
    "UNJUDGED_ROLES",
    "VERSIONS_MAX",
    "VERSION_ITEMS_MAX",
    "WHOLE_EPOCH_S",
    "AlertRow",
    "Alerts",
    "AuditCounts",
    "AuditOnly",
    "AuditedRow",
    "BaselineRow",
    "Baselines",
    "Batch",
    "BucketsKept",
    "Change",
    "ClockAgreement",
    "DatasetFigures",
    "DatasetRow",
    "Datasets",
    "Decision",
    "DriftCheckRow",
    "DriftChecks",
    "FeedbackBook",
    "FeedbackRow",
    "Full",
    "Held",
    "IdempotencyKeys",
    "ItemEvent",
    "Items",
    "JobRow",
    "Jobs",
    "KeyRow",
    "ModelVersionRow",
    "ModelVersions",
    "NotFound",
    "NotYours",
    "NotificationRow",
    "Notifications",
    "OutboxItem",
    "OutboxStats",
    "Outcome",
    "Page",
    "PairRow",
    "PredictionFilters",
    "PredictionScan",
    "Queue",
    "Reader",
    "Refused",
    "Retained",
    "Reviewed",
    "Sample",
    "ShadowAnswer",
    "SnapshotRow",
    "Store",
    "StoreError",
    "StoreHealth",
    "Submitted",
    "SummaryCursor",
    "SummaryRow",
    "Taken",
    "TransitionRow",
    "TrialRow",
    "Trials",
    "UnitCut",
    "UnitRow",
    "VerdictChange",
    "VerdictKey",
    "VerdictRow",
    "VersionItem",
    "VersionRow",
    "Versions",
    "WrongRevision",
    "WrongStatus",
    "as_of",
    "pack_detections",
    "place_of",
    "predictions_of",
    "read_cursor",
    "unpack_detections",
    "write_cursor",
]
