"""Following what trainers elsewhere, and people, report of a job."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import structlog

from sidecar.training.faults import ReportRefused, TrainingClash, TrainingMissing
from sidecar.training.job import Job
from sidecar.training.ledger import Ledger
from sidecar.training.report import Report, check_report
from sidecar.training.settings import Trainer, WebhookTrainer
from sidecar.training.states import Event, StateError

log = structlog.get_logger()

_EVENTS: dict[str, Event] = {
    "running": Event.REPORT_RUNNING,
    "succeeded": Event.REPORT_SUCCEEDED,
    "failed": Event.REPORT_FAILED,
}


class Reports:
    """``trainer`` finds one by its name."""

    def __init__(self, ledger: Ledger, trainer: Callable[[str], Trainer | None], clock: Callable[[], float]) -> None:
        self._ledger = ledger
        self._trainer = trainer
        self._clock = clock

    async def check(self, job_id: str, headers: Mapping[str, str], body: bytes) -> None:
        """Raises ReportRefused unless the job's own trainer signed this, and StoreError. Who has not its secret does
        not learn whether there is such a job: the answer, and the way to it, is that to a wrong signature."""
        secret = await self._secret(job_id)
        try:
            check_report(secret or secrets.token_hex(), headers, body, self._clock())
        except ReportRefused as refused:
            self._ledger.figures.reports["refused"] += 1
            if secret:
                log.warning("report_refused", job=job_id, reason=refused.message)
            raise

    async def follow(self, job_id: str, report: Report) -> Job:
        """The job after ``report``. The same end told again changes nothing.

        Raises TrainingMissing, TrainingClash and StoreError.
        """
        async with self._ledger.lock:
            job = await self._ledger.get(job_id)
            if not job.is_open and job.status == report.status:
                self._ledger.figures.reports["repeated"] += 1
                return job
            try:
                if job.status == "queued" and job.kind == "webhook":  # it was taken, and the answer is still on its way
                    job = await self._ledger.follow(job_id, Event.HAND_OVER, started_at=self._clock())
                after = await self._followed(job, report)
            except StateError:
                raise TrainingClash(
                    "status", f"a job that is {job.status} can't be said to be {report.status}"
                ) from None
        self._ledger.figures.reports["taken"] += 1
        return after

    async def _followed(self, job: Job, report: Report) -> Job:
        event = _EVENTS[report.status]
        if event is Event.REPORT_SUCCEEDED:
            trainer = self._trainer(job.trainer)
            return await self._ledger.succeed(job.job_id, event, report.result, trainer, "", progress=1.0)
        changes: dict[str, Any] = {}
        if report.result.metrics:
            changes["metrics"] = dict(report.result.metrics)
        if report.progress is not None:
            changes["progress"] = report.progress
        if event is Event.REPORT_FAILED:
            changes["error"] = report.error or "the trainer reported that it failed, and not why"
        return await self._ledger.follow(job.job_id, event, **changes)

    async def _secret(self, job_id: str) -> str:
        """What reports on a job are signed with; "" where nobody may sign any. Raises StoreError."""
        with suppress(TrainingMissing):
            trainer = self._trainer((await self._ledger.get(job_id)).trainer)
            if isinstance(trainer, WebhookTrainer):
                return trainer.secret
        return ""
