"""The admin port: a JSON API, the metrics page and the dashboard's files, over what the monitor knows.

What it is for: everything a person or a program asks of a sidecar, apart from the traffic itself. It reads; what it
changes, it changes through ``Watch`` (baselines and alerts), ``Trials`` (A/B tests and shadow tests) and what closes
the loop: ``DataEngines``, ``Feedback``, ``Review``, ``DatasetVersions`` and ``TrainingJobs``.

Key types: ``Services`` is all that the API needs, filled in by the composition root; ``Watch`` is the part of it that
knows baselines, drift and alerts, ``Trials`` the one that knows tests of versions; ``create_app`` makes the aiohttp
application; ``Route`` is one line of the table that serves requests and the OpenAPI document alike;
``MetricsCollector`` turns lifetime totals into Prometheus families.

Invariants:

- Every answer of ``/api/v1`` is JSON, but for files and streams; every error of it is ``application/problem+json`` (RFC
  9457), but for what is no HTTP at all: 400 in plain text.
- The OpenAPI document is made of what checks and gives; schemathesis holds it against a running sidecar.
- A request whose Host or Origin could be another site's is refused before any handler sees it.
- Bodies are JSON and bounded, by their route; few large ones are taken at a time; every list is paged or bounded.
- With a token nothing but ``/login`` and the static files is answered without it, and a trainer's report that bears a
  signature, which the part that it is for checks before anything else.
- What clients of the model chose (class names, model names) is never markup, never an unbounded set of labels.
"""

from sidecar.api.app import create_app
from sidecar.api.data_engines import DataEngineFigures, DataEngines
from sidecar.api.datasets import DatasetVersions
from sidecar.api.errors import Conflict, ControlError, NotAllowed, NotThere
from sidecar.api.feedback import Feedback, FeedbackFigures, Submission
from sidecar.api.metrics import MetricsCollector
from sidecar.api.review import Review, ReviewFigures
from sidecar.api.services import Control, Services, Totals, WorkerStatus
from sidecar.api.training import TrainingFigures, TrainingJobs
from sidecar.api.trials import TrialFigures, Trials
from sidecar.api.watch import Watch, WatchFigures

__all__ = [
    "Conflict",
    "Control",
    "ControlError",
    "DataEngineFigures",
    "DataEngines",
    "DatasetVersions",
    "Feedback",
    "FeedbackFigures",
    "MetricsCollector",
    "NotAllowed",
    "NotThere",
    "Review",
    "ReviewFigures",
    "Services",
    "Submission",
    "Totals",
    "TrainingFigures",
    "TrainingJobs",
    "TrialFigures",
    "Trials",
    "Watch",
    "WatchFigures",
    "WorkerStatus",
    "create_app",
]
