"""Training: an exported version of a dataset is handed to a trainer, and a new version of a model comes back.

What it is for: a trainer is a command of this machine, a service that is called by a signed webhook and reports back,
or people. A job that ends well registers a version of its base's model, with its metrics.

Key types: ``jobs.Training`` (the jobs: created, carried through, taken up again), ``states.TABLE`` (how a job goes from
status to status), ``settings.Trainer`` (what is configured), ``keeper`` (the process that keeps one command),
``report.Report`` (what a trainer elsewhere says), ``compared_with_base`` (whether what came of it is worse).

Invariants, kept by tests/training:

- A command outlives the monitor and the supervisor, however they end; the next monitor takes it up by its lock, or
  learns from end.json how it ended. One whose keeper died is failed, and what it left is killed.
- A command never waits for its output to be read, and neither its log nor its output folder grows without a bound.
- A cancel and a time limit end the whole group, and what left it.
- Of a report, a cancel and an end that come together one ends the job. Every change is durable before it is told.
- Nobody reports on a job but its own trainer, by its secret, and people with the admin token.
- A webhook's job is handed over at least once, under the same id.

Names are imported on first use: the configuration wants settings only, and the supervisor must start without the store.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sidecar.training.against_base import compared_with_base
    from sidecar.training.faults import ReportRefused, TrainingClash, TrainingFault, TrainingFull, TrainingMissing
    from sidecar.training.folders import JOB_FOLDERS_KEPT, LOG_TAIL_BYTES
    from sidecar.training.job import Job
    from sidecar.training.jobs import JOBS_QUEUED_MAX, JOBS_RUNNING_MAX, JOBS_WAITING_MAX, Training
    from sidecar.training.ledger import JobStore, ModelVersionStore, TrainingFigures
    from sidecar.training.outputs import REGISTERED_OUTPUTS_KEPT
    from sidecar.training.report import REPORT_BYTES_MAX, Report, check_report, read_report, report_of
    from sidecar.training.result import Result, path_fault, url_fault
    from sidecar.training.settings import MANUAL, CommandTrainer, Trainer, Upstream, WebhookTrainer
    from sidecar.training.signing import signed_headers
    from sidecar.training.states import STATUSES, TABLE

__all__ = [
    "JOBS_QUEUED_MAX",
    "JOBS_RUNNING_MAX",
    "JOBS_WAITING_MAX",
    "JOB_FOLDERS_KEPT",
    "LOG_TAIL_BYTES",
    "MANUAL",
    "REGISTERED_OUTPUTS_KEPT",
    "REPORT_BYTES_MAX",
    "STATUSES",
    "TABLE",
    "CommandTrainer",
    "Job",
    "JobStore",
    "ModelVersionStore",
    "Report",
    "ReportRefused",
    "Result",
    "Trainer",
    "Training",
    "TrainingClash",
    "TrainingFault",
    "TrainingFigures",
    "TrainingFull",
    "TrainingMissing",
    "Upstream",
    "WebhookTrainer",
    "check_report",
    "compared_with_base",
    "path_fault",
    "read_report",
    "report_of",
    "signed_headers",
    "url_fault",
]

_MODULES = {
    "CommandTrainer": "settings",
    "JOBS_QUEUED_MAX": "jobs",
    "JOBS_RUNNING_MAX": "jobs",
    "JOBS_WAITING_MAX": "jobs",
    "JOB_FOLDERS_KEPT": "folders",
    "Job": "job",
    "JobStore": "ledger",
    "LOG_TAIL_BYTES": "folders",
    "MANUAL": "settings",
    "ModelVersionStore": "ledger",
    "REGISTERED_OUTPUTS_KEPT": "outputs",
    "REPORT_BYTES_MAX": "report",
    "Report": "report",
    "ReportRefused": "faults",
    "Result": "result",
    "STATUSES": "states",
    "TABLE": "states",
    "Trainer": "settings",
    "Training": "jobs",
    "TrainingClash": "faults",
    "TrainingFault": "faults",
    "TrainingFigures": "ledger",
    "TrainingFull": "faults",
    "TrainingMissing": "faults",
    "Upstream": "settings",
    "WebhookTrainer": "settings",
    "check_report": "report",
    "compared_with_base": "against_base",
    "path_fault": "result",
    "read_report": "report",
    "report_of": "report",
    "signed_headers": "signing",
    "url_fault": "result",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"sidecar.training.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'sidecar.training' has no attribute {name!r}")
