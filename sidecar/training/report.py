"""What a trainer elsewhere reports of a job, and whether it is the trainer who does.

    POST /api/v1/training-jobs/JOB/report
    {"job_id": "JOB", "status": "running" | "succeeded" | "failed", "progress": 0.4, "error": "...",
     "version": "4", "metrics": {...}, "upstream": {"url": "...", "path": "..."}}

It is signed as the hand-over was, with the same secret (see ``signing``). A signed report must name its job, else it
could be sent again as the report of another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sidecar.training.faults import ReportRefused, TrainingFault
from sidecar.training.result import Faults, Result, json_of, result_of
from sidecar.training.signing import signature_fault

ReportStatus = Literal["running", "succeeded", "failed"]
REPORT_BYTES_MAX = 256 << 10
ERROR_CHARACTERS_MAX = 2_000
FIELDS = ("job_id", "status", "progress", "error", "version", "metrics", "upstream")


@dataclass(frozen=True, slots=True)
class Report:
    """``progress`` is a share in 0..1, or None."""

    status: ReportStatus
    result: Result = field(default_factory=Result)
    error: str = ""
    progress: float | None = None


def check_report(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
    """Raises ReportRefused unless ``body`` was signed with ``secret``, and not long ago."""
    fault = signature_fault(secret, headers, body, now)
    if fault:
        raise ReportRefused("webhook-signature", fault)


def read_report(body: bytes, job_id: str, signed: bool = False) -> Report:
    """The report in ``body``. Raises TrainingFault with every fault."""
    document, fault = json_of(body, REPORT_BYTES_MAX)
    if fault:
        raise TrainingFault("body", fault)
    return report_of(document, job_id, signed)


def report_of(document: Mapping[str, Any], job_id: str, signed: bool = False) -> Report:
    """The report that a document is. Raises TrainingFault with every fault."""
    faults: Faults = [
        (str(name)[:100], f"is unknown, expected {', '.join(FIELDS)}") for name in document if name not in FIELDS
    ]
    named = document.get("job_id")
    if named != job_id and (signed or named is not None):
        faults.append(("job_id", f"must be {job_id!r}, the job that is reported on"))
    status = document.get("status")
    if status not in ("running", "succeeded", "failed"):
        faults.append(("status", "must be running, succeeded or failed"))
    error = document.get("error")
    if not (error is None or isinstance(error, str)):
        faults.append(("error", "must be text"))
    progress = document.get("progress")
    if progress is not None and not _is_share(progress):
        faults.append(("progress", "must be a number from 0 to 1"))
    result, more = result_of(document)
    faults += more
    if faults:
        (place, message), *others = faults
        raise TrainingFault(place, message, *others)
    assert status in ("running", "succeeded", "failed")
    return Report(status, result, (error or "")[:ERROR_CHARACTERS_MAX], None if progress is None else float(progress))


def _is_share(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1
