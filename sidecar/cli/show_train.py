"""Training jobs and what they made as a person reads them in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from sidecar.cli.show_trials import lasting
from sidecar.cli.tables import facts, hanging, text
from sidecar.cli.text import figure, moment, percent, short

METRICS_SHOWN = 8
INDENT = 2
_STYLES = {"running": "bold green", "waiting": "yellow", "succeeded": "green", "failed": "red", "timed_out": "red"}
_AGAINST_BASE = {"better": "green", "worse": "bold yellow", "mixed": "yellow"}
Job = Mapping[str, Any]


def status_text(job: Job) -> Text:
    """The status in its colour."""
    return text(job["status"], _STYLES.get(job["status"], "bold"))


def metrics_text(metrics: Mapping[str, float | None]) -> str:
    """Metrics in a line.

    >>> metrics_text({"map50": 0.61234, "loss": None})
    'map50 0.612, loss -'
    """
    shown = ", ".join(f"{name} {figure(value)}" for name, value in list(metrics.items())[:METRICS_SHOWN])
    return shown + (f" and {len(metrics) - METRICS_SHOWN:,} more" if len(metrics) > METRICS_SHOWN else "")


def trainer_text(job: Job) -> str:
    """Who trains.

    >>> trainer_text({"trainer": "gpu", "kind": "webhook"}), trainer_text({"trainer": "", "kind": "manual"})
    ('gpu (webhook)', 'people')
    """
    return f"{job['trainer']} ({job['kind']})" if job["trainer"] else "people"


def took_text(job: Job) -> str:
    """How long it took, where it has ended; else how far it is."""
    if job["ended_at"] is not None and job["started_at"] is not None:
        return f"took {lasting(job['ended_at'] - job['started_at'])}"
    if job["ended_at"] is None and job["progress"] is not None:
        return f"{percent(job['progress'])} done"
    return ""


def jobs_lines(jobs: Sequence[Job], console: Console) -> None:
    """Jobs, two lines each: status, name and id; below it what of what, by whom and when."""
    statuses = max(len(job["status"]) for job in jobs)
    for job in jobs:
        status = status_text(job)
        status.pad_right(statuses + 2 - len(status))
        name = Text.assemble(text(job["name"], "bold"), text(f"  ({short(job['id'])})", "dim"))
        hanging(console, name, len(status), status)
        made = f" to {job['model_version_id']}" if job["model_version_id"] else ""
        said = [f"{job['base_model_id']}{made}", f"on {job['dataset_id']} {short(job['version_id'])}"]
        said += [f"by {trainer_text(job)}", took_text(job), f"since {moment(job['created_at'])[:16]} UTC"]
        hanging(console, text(", ".join(part for part in said if part), "dim"), INDENT, Text(" " * INDENT))
        against_base_line(job, console, INDENT)


def job_line(job: Job, console: Console) -> None:
    """How a job stands, in a line."""
    made = f", made {job['model_version_id']}" if job["model_version_id"] else ""
    asked = ", to be cancelled" if job["cancel_requested_at"] and job["ended_at"] is None else ""
    console.print(text(f"{job['name']}: {job['status']}{asked}{made}"), soft_wrap=True)
    against_base_line(job, console)


def against_base_line(made: Mapping[str, Any], console: Console, indent: int = 0) -> None:
    """How what was made is beside what it started from, a warning where it is worse."""
    if made["sentence"]:
        style = _AGAINST_BASE.get(made["against_base"], "")
        hanging(console, text(made["sentence"], style), indent, Text(" " * indent))


def job_facts(job: Job, console: Console) -> None:
    """One job with all that is known of it."""
    hanging(console, text(job["name"], "bold"), 0)
    said = "; ".join(part for part in (took_text(job), job["error"], job["note"]) if part)
    status = status_text(job)
    hanging(console, Text.assemble(status, text(f": {said}" if said else "")), 0)
    against_base_line(job, console)
    facts(
        console,
        [
            ("id", job["id"]),
            ("dataset", f"{job['dataset_id']}, version {job['version_id']}"),
            ("from", job["base_model_id"]),
            ("trainer", trainer_text(job)),
            ("asked for (UTC)", moment(job["created_at"]) + (f" by {job['by']}" if job["by"] else "")),
            ("began (UTC)", moment(job["started_at"]) if job["started_at"] else ""),
            ("ended (UTC)", moment(job["ended_at"]) if job["ended_at"] else ""),
            ("cancelled", _cancelled(job)),
            ("exit code", job["exit_code"]),
            ("metrics", metrics_text(job["metrics"])),
            ("made", job["model_version_id"] or ""),
            ("in test", job["test_id"] or ""),
        ],
    )


def _cancelled(job: Job) -> str:
    asked = job["cancel_requested_at"]
    by = f"by {job['cancelled_by']}" if job["cancelled_by"] else ""
    return " ".join(part for part in ("" if asked is None else moment(asked), by) if part)


def model_versions_lines(versions: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Versions of models, two lines each: which, and how good; below it where it comes from and is served."""
    for item in versions:
        head = text(f"{item['id']}  ", "bold")
        hanging(console, text(metrics_text(item["metrics"]) or "no metrics"), len(head), head)
        against_base_line(item, console, INDENT)
        served = item["upstream"]
        of = [f"from {item['base_model_id']}" if item["base_model_id"] else ""]
        of += [f"on version {short(item['dataset_version_id'])}" if item["dataset_version_id"] else ""]
        of += [f"by job {short(item['job_id'])}" if item["job_id"] else "", f"{moment(item['created_at'])[:16]} UTC"]
        of += [f"served at {served['url']}{served['path']}" if served else "not known where it is served"]
        hanging(console, text(", ".join(part for part in of if part), "dim"), INDENT, Text(" " * INDENT))
