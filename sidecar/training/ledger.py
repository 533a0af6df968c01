"""The jobs that have not ended, in memory and in the store, and the versions that come of them.

Every change is durable first, then known here. Changes go one at a time, so that of a report, a cancel and a command's
end that come together one ends the job and the others learn that it has ended.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import structlog

from sidecar.recording import StoreError
from sidecar.recording.loop_rows import JobRow, ModelVersionRow
from sidecar.training.faults import TrainingMissing
from sidecar.training.folders import JobFolder
from sidecar.training.job import Job, model_version_row
from sidecar.training.outputs import needed_versions, outputs_to_drop, without_output
from sidecar.training.result import Result, free_version, made_version
from sidecar.training.settings import Trainer
from sidecar.training.states import OPEN, Event, StateError, Status

log = structlog.get_logger()

Registered = Callable[[ModelVersionRow], Awaitable[str]]
"""Returns why what was trained can't be served from where it says; else ""."""
Served = Callable[[str], Awaitable[Iterable[str]]]
Step = Callable[[], Awaitable[Job]]


class JobStore(Protocol):
    """Training jobs in the store (``recording.Jobs``). ``put`` is durable on return."""

    async def put(self, row: JobRow) -> str | None: ...
    async def get(self, job_id: str) -> JobRow | None: ...
    async def all(self, status: str | None = None) -> list[JobRow]: ...


class ModelVersionStore(Protocol):
    """Versions of models in the store (``recording.ModelVersions``). ``put`` is durable on return."""

    async def put(self, row: ModelVersionRow) -> None: ...
    async def get(self, model: str, version: str) -> ModelVersionRow | None: ...
    async def all(self, model: str | None = None) -> list[ModelVersionRow]: ...
    async def delete(self, model: str, version: str) -> bool: ...


@dataclass(slots=True)
class TrainingFigures:
    """Since the start. ``ended`` and ``seconds`` (from the start of a job's work to its end) by status; ``reports``
    taken, repeated or refused; ``refused`` jobs, by reason; ``hand_overs`` sent, failed (attempts) or gave_up;
    ``store_failures`` are writes that were tried again; ``faults`` those of the sidecar itself."""

    created: int = 0
    registered: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    reports: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    hand_overs: Counter[str] = field(default_factory=Counter)
    store_failures: int = 0
    faults: int = 0


class Ledger:
    """``served`` tells of a model's versions that are known otherwise; ``registered`` hears of each new one, again
    where a crash came before its job had ended."""

    def __init__(
        self,
        jobs: JobStore,
        versions: ModelVersionStore,
        clock: Callable[[], float],
        served: Served,
        registered: Registered,
        retry_s: float,
    ) -> None:
        self.open: dict[str, Job] = {}
        self.figures = TrainingFigures()
        self.lock = asyncio.Lock()
        self._jobs = jobs
        self._versions = versions
        self._clock = clock
        self._served = served
        self._registered = registered
        self._retry_s = retry_s

    async def restore(self) -> None:
        """Take up what the store has. Raises StoreError."""
        rows = [row for status in OPEN for row in await self._jobs.all(status)]
        for row in sorted(rows, key=lambda row: row.created_at):
            try:
                self.open[row.job_id] = Job.from_row(row)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                log.error("training_job_unreadable", job=row.job_id, error=str(error))

    async def reinstate(self) -> None:
        """Put the open jobs into a store that was begun anew. Raises StoreError."""
        async with self.lock:
            for job in self.open.values():
                await self._jobs.put(job.row)

    async def get(self, job_id: str) -> Job:
        """Raises TrainingMissing and StoreError."""
        if job_id in self.open:
            return self.open[job_id]
        row = await self._jobs.get(job_id)
        if row is None:
            raise TrainingMissing("id", f"no training job has the id {job_id[:100]!r}")
        return Job.from_row(row)

    async def save(self, job: Job) -> Job:
        """Durable on return. Raises StoreError, and then nothing has changed. Call it with the lock."""
        await self._jobs.put(job.row)
        if job.is_open:
            self.open[job.job_id] = job
        elif self.open.pop(job.job_id, None) is not None:
            self.figures.ended[job.status] += 1
            if job.started_at is not None and job.ended_at is not None:
                self.figures.seconds[job.status] += max(0.0, job.ended_at - job.started_at)
            log.info("training_job_ended", job=job.job_id, status=job.status, error=job.error[:200])
        return job

    async def follow(self, job_id: str, event: Event, **changes: Any) -> Job:
        """What ``event`` makes of an open job. Raises StateError and StoreError. Call it with the lock."""
        if job_id not in self.open:
            raise StateError(f"the job has ended, it can't {event.value}")
        job = self.open[job_id].after(event, **changes)
        return await self.save(job if job.is_open else replace(job, ended_at=self._clock()))

    async def insist(self, step: Step) -> Job | None:
        """Do ``step`` with the lock, again and again while the store fails; None where the job has ended already."""
        while True:
            try:
                async with self.lock:
                    return await step()
            except StateError:
                return None
            except StoreError as error:
                self.figures.store_failures += 1
                log.error("training_job_not_saved", error=str(error))
            await asyncio.sleep(self._retry_s)

    async def succeed(
        self, job_id: str, event: Event, result: Result | None, trainer: Trainer | None, output: str, **changes: Any
    ) -> Job:
        """Register the version that a job made, then end the job. Raises StateError and StoreError. Call it with the
        lock. After a crash between the two the same version is registered again, under the same name."""
        if job_id not in self.open:
            raise StateError("the job has ended")
        job = self.open[job_id].after(event)
        made = result or Result()
        version, note = await self._version(job, made, result is None)
        configured = trainer.upstream.filled(job.model, version) if trainer and trainer.upstream else None
        row = model_version_row(job, version, made, made.upstream or configured, output, self._clock())
        await self._versions.put(row)
        unserved = await self._tell_of(row)
        if unserved:
            await self._versions.put(replace(row, document={**row.document, "upstream": None}))
        ended = await self.follow(
            job_id,
            event,
            metrics=dict(made.metrics),
            model_version_id=str(row.document["id"]),
            note="; ".join(filter(None, (note, unserved))),
            **changes,
        )
        self.figures.registered += 1
        return ended

    async def _tell_of(self, row: ModelVersionRow) -> str:
        try:
            return await self._registered(row)
        except Exception as error:  # whoever listens must not make a success a failure
            self.figures.faults += 1
            log.exception("model_version_not_told_of", job=row.job_id)
            return f"it has no upstream: {type(error).__name__}"

    async def forget(self, row: ModelVersionRow, data_dir: Path) -> None:
        """A registered version is one no more, and what was trained goes with it. Raises StoreError."""
        async with self.lock:
            await self._versions.delete(row.model, row.version)
        if row.document.get("output"):
            await asyncio.to_thread(JobFolder(data_dir, row.job_id).forget)

    async def base_output(self, job: Job) -> str:
        """The output folder of the base within the data folder; "" where it was not trained here."""
        row = await self._versions.get(job.model, job.base_version)
        return str(row.document.get("output") or "") if row is not None else ""

    async def drop_outputs(self, data_dir: Path, in_use: Callable[[], Iterable[tuple[str, str]]]) -> None:
        """Remove the outputs of versions that are neither among their model's newest nor needed. Raises StoreError."""
        for row in outputs_to_drop(await self._versions.all(), needed_versions(in_use(), self.open.values())):
            if not outputs_to_drop([row], needed_versions(in_use(), self.open.values()), kept=0):
                continue  # it is needed since
            await asyncio.to_thread(JobFolder(data_dir, row.job_id).remove_output)
            await self._versions.put(without_output(row))
            log.info("output_removed", model=row.model, version=row.version, job=row.job_id)

    async def _version(self, job: Job, result: Result, silent: bool) -> tuple[str, str]:
        """The name of what a job made, and what is worth saying of it."""
        rows = await self._versions.all(job.model)
        mine = next((row.version for row in rows if row.job_id == job.job_id), "")
        known = {*(row.version for row in rows), *await self._served(job.model), job.base_version}
        note = "the trainer left no result.json: no metrics are known; " if silent else ""
        version = mine or free_version(result.version or made_version(known, job.job_id), known, job.job_id)
        if not result.version:
            note += f"the version {version!r} was made here, the trainer named none"
        elif version != result.version:
            note += f"the trainer named it {result.version!r}, which was taken already"
        return version, note.removesuffix("; ")

    def by_status(self) -> dict[Status, int]:
        """How many are open, by status."""
        counts = Counter(job.status for job in self.open.values())
        return {status: counts[status] for status in OPEN}
