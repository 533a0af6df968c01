"""Training: an exported version of a dataset is handed to a trainer, and a new version of a model comes back.

What it is for: a trainer is a command of this machine, a service that is called by a signed webhook and reports back,
or people. A job that ends well registers a version of its base's model, with its metrics.

Key types: ``jobs.Training`` (the jobs: created, carried through, taken up again), ``states.TABLE`` (how a job goes from
status to status), ``settings.Trainer`` (what is configured), ``keeper`` (the process that keeps one command),
``report.Report`` (what a trainer elsewhere says).

Invariants, kept by tests/training:

- A command outlives the monitor and the supervisor, however they end; the next monitor takes it up by its lock, or
  learns from end.json how it ended. One whose keeper died is failed, and what it left is killed.
- A command never waits for its output to be read, and neither its log nor its output folder grows without a bound.
- A cancel and a time limit end the whole group, and what left it.
- Of a report, a cancel and an end that come together one ends the job. Every change is durable before it is told.
- Nobody reports on a job but its own trainer, by its secret, and people with the admin token.
- A webhook's job is handed over at least once, under the same id.
"""

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
    "path_fault",
    "read_report",
    "report_of",
    "signed_headers",
    "url_fault",
]
