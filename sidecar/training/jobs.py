"""Training jobs: created, carried through, cancelled, reported on, and taken up again after a restart."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from sidecar.recording import StoreError
from sidecar.recording.loop_rows import ModelVersionRow, VersionRow
from sidecar.training.asking import asked_job
from sidecar.training.faults import TrainingClash, TrainingFull
from sidecar.training.folders import LOG_TAIL_BYTES, JobFolder, prune_folders, remove_parts
from sidecar.training.hand_over import RETRY_FIRST_S, HandOvers
from sidecar.training.job import Job
from sidecar.training.ledger import JobStore, Ledger, ModelVersionStore, TrainingFigures
from sidecar.training.lives import Export, Lives
from sidecar.training.report import Report, read_report
from sidecar.training.reporting import Reports
from sidecar.training.settings import Trainer
from sidecar.training.states import Event, StateError, Status

log = structlog.get_logger()

JOBS_RUNNING_MAX = 1
"""Commands at a time: each may take the whole machine."""
JOBS_QUEUED_MAX = 100
JOBS_WAITING_MAX = 100
"""Jobs of trainers elsewhere, and of people, under way at a time; others stay queued."""
POLL_S = 1.0


async def _nobody(row: ModelVersionRow) -> str:
    """Hears of no version."""
    return ""


async def _no_versions(model: str) -> Iterable[str]:
    return ()


def _none_in_use() -> Iterable[tuple[str, str]]:
    return ()


async def _taken_at_its_word(model_id: str) -> tuple[str, str]:
    return model_id, ""


class Training:
    """Call ``restore`` once, then run ``run`` as one task; cancel it to stop. Commands go on running then, and the
    next ``restore`` takes them up.

    ``version`` finds a dataset's version, ``export`` writes it out; ``registered`` hears of each version of a model
    that comes of a job, after it is stored, and returns why it can't be served, else ""; ``served`` tells which
    versions of a model are known otherwise, ``in_use`` which (model, version) serve or are in a test: their output is
    kept (the model is empty where it may be any). ``base`` gives the version that a base means, and why it means none,
    else "". ``link`` is the API's address as trainers elsewhere reach it.
    """

    def __init__(
        self,
        jobs: JobStore,
        versions: ModelVersionStore,
        data_dir: Path,
        trainers: Sequence[Trainer],
        *,
        version: Callable[[str], Awaitable[VersionRow | None]],
        export: Export,
        registered: Callable[[ModelVersionRow], Awaitable[str]] = _nobody,
        served: Callable[[str], Awaitable[Iterable[str]]] = _no_versions,
        in_use: Callable[[], Iterable[tuple[str, str]]] = _none_in_use,
        base: Callable[[str], Awaitable[tuple[str, str]]] = _taken_at_its_word,
        link: str = "",
        clock: Callable[[], float] = time.time,
        running_max: int = JOBS_RUNNING_MAX,
        poll_s: float = POLL_S,
        retry_first_s: float = RETRY_FIRST_S,
    ) -> None:
        self._ledger = Ledger(jobs, versions, clock, served, registered, poll_s)
        self._hand_overs = HandOvers(clock, link, retry_first_s, counts=self.figures.hand_overs)
        self._lives = Lives(self._ledger, data_dir, export, self._hand_overs, self._trainer, clock, poll_s)
        self._reports = Reports(self._ledger, self._trainer, clock)
        self._data_dir = data_dir
        self._trainers = tuple(trainers)
        self._version = version
        self._in_use = in_use
        self._base = base
        self._clock = clock
        self._running_max = running_max
        self._poll_s = poll_s
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._at_rest: set[str] = set()
        self._asides: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()

    @property
    def figures(self) -> TrainingFigures:
        """Counts since the start."""
        return self._ledger.figures

    def open_by_status(self) -> dict[Status, int]:
        """How many jobs have not ended, by status."""
        return self._ledger.by_status()

    def open_bases(self) -> set[tuple[str, str]]:
        """(model, version) that jobs go on from which have not ended."""
        return {(job.model, job.base_version) for job in self._ledger.open.values()}

    async def forget(self, row: ModelVersionRow) -> None:
        """A registered version is one no more, and what was trained goes with it. Raises StoreError."""
        await self._ledger.forget(row, self._data_dir)

    def configure(self, trainers: Sequence[Trainer], link: str | None = None) -> None:
        """Go on with these. What runs is left alone; what waits is looked at again."""
        self._trainers = tuple(trainers)
        self._hand_overs.link = self._hand_overs.link if link is None else link
        self._at_rest.clear()
        self._woken.set()

    async def restore(self) -> None:
        """Take up the jobs that have not ended. Raises StoreError."""
        await asyncio.to_thread(remove_parts, self._data_dir)
        await self._ledger.restore()
        await self._tidy()

    async def reinstate(self) -> None:
        """Put the jobs under way into a store that was begun anew. Raises StoreError."""
        await self._ledger.reinstate()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                self._woken.clear()
                self._start_lives()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_s):  # wait_for may lose a cancel that comes at the same time
                        await self._woken.wait()
        finally:
            tasks = [*self._tasks.values(), *self._asides]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def create(
        self,
        name: str,
        dataset_id: str,
        version_id: str,
        base_model_id: str,
        trainer: str | None = None,
        by: str = "",
    ) -> Job:
        """A queued job, durable on return. ``trainer``: a name, ``manual`` (people see to it), or None for the one that
        fits the model best. The base is a version, or a model: then the version that serves it now. Raises
        TrainingFault with every fault, TrainingFull and StoreError."""
        version = await self._version(version_id)
        base, base_fault = await self._base(base_model_id)
        job = asked_job(
            *(secrets.token_hex(6), name, version, (dataset_id, version_id), base, trainer),
            *(self._trainers, self._clock(), by, base_fault),
        )
        async with self._ledger.lock:
            if self.open_by_status()["queued"] >= JOBS_QUEUED_MAX:
                self.figures.refused["queued"] += 1
                raise TrainingFull("name", f"{JOBS_QUEUED_MAX} jobs are queued already: wait for one, or cancel one")
            await self._ledger.save(job)
        self.figures.created += 1
        self._woken.set()
        return job

    async def job(self, job_id: str) -> Job:
        """Raises TrainingMissing and StoreError."""
        return await self._ledger.get(job_id)

    async def cancel(self, job_id: str, by: str = "") -> Job:
        """End a job. A command that runs is told to; until it has ended the job says when that was asked for.

        Raises TrainingMissing, TrainingClash where it has ended, and StoreError.
        """
        await self._ledger.get(job_id)
        async with self._ledger.lock:
            job = self._ledger.open.get(job_id)
            if job is not None and job.status == "running":
                if job.cancel_requested_at is None:
                    job = replace(job, cancel_requested_at=self._clock(), cancelled_by=by)
                return await self._ledger.save(job)
            try:
                ended = await self._ledger.follow(job_id, Event.CANCEL, cancelled_by=by)
            except StateError:
                status = (await self._ledger.get(job_id)).status
                raise TrainingClash("status", f"a job that is {status} can't be cancelled") from None
        if job is not None and job.kind == "webhook" and (job_id in self._tasks or job.status == "waiting"):
            self._aside(self._lives.tell_cancelled(job))
        await self._left(job_id)
        return ended

    async def take_report(self, job_id: str, headers: Mapping[str, str], body: bytes, trusted: bool) -> Job:
        """What a trainer reports, by a signed message, or a person who is ``trusted``.

        Raises ReportRefused, TrainingFault with every fault, TrainingMissing, TrainingClash and StoreError.
        """
        if not trusted:
            await self._reports.check(job_id, headers, body)
        return await self.report(job_id, read_report(body, job_id, signed=not trusted))

    async def report(self, job_id: str, report: Report) -> Job:
        """Follow ``report``. The same end told again changes nothing.

        Raises TrainingMissing, TrainingClash and StoreError.
        """
        job = await self._reports.follow(job_id, report)
        if not job.is_open:
            await self._left(job_id)
        return job

    async def log_text(self, job_id: str, bytes_max: int = LOG_TAIL_BYTES) -> str:
        """The end of what its command printed; "" where there is none. Raises TrainingMissing and StoreError."""
        job = await self._ledger.get(job_id)
        return await asyncio.to_thread(JobFolder(self._data_dir, job.job_id).log_text, bytes_max)

    async def note_test(self, job_id: str, test_id: str) -> Job:
        """Keep that what came of the job is in this test. Raises TrainingMissing and StoreError."""
        async with self._ledger.lock:
            return await self._ledger.save(replace(await self._ledger.get(job_id), test_id=test_id))

    def _trainer(self, name: str) -> Trainer | None:
        return next((item for item in self._trainers if item.name == name), None)

    def _start_lives(self) -> None:
        """Oldest first: what runs or waits, and of the queued ones as many as there is room for."""
        under_way = Counter(
            self._slot(job) for job in self._ledger.open.values() if job.status != "queued" or job.job_id in self._tasks
        )
        most = {"command": self._running_max, "elsewhere": JOBS_WAITING_MAX}
        for job in sorted(self._ledger.open.values(), key=lambda job: job.created_at):
            if job.job_id in self._tasks or job.job_id in self._at_rest:
                continue
            if job.status == "queued":
                if under_way[self._slot(job)] >= most[self._slot(job)]:
                    continue
                under_way[self._slot(job)] += 1
            task = self._tasks[job.job_id] = asyncio.create_task(self._live(job))
            task.add_done_callback(partial(self._lived, job.job_id))

    def _slot(self, job: Job) -> str:
        return "command" if job.kind == "command" else "elsewhere"

    async def _live(self, job: Job) -> None:
        try:
            await self._lives.live(job)
        except Exception as error:
            self.figures.faults += 1
            log.exception("training_job_faulted", job=job.job_id)
            now = self._ledger.open.get(job.job_id)
            if isinstance(error, StoreError) or (now is not None and now.status != "queued"):
                await asyncio.sleep(self._poll_s)  # what runs goes on, and is looked at again
                return
            text = f"the sidecar failed to begin it ({type(error).__name__})"
            await self._ledger.insist(lambda: self._ledger.follow(job.job_id, Event.LOST, error=text))
        if job.job_id not in self._ledger.open:
            await self._tidy()

    def _lived(self, job_id: str, _: asyncio.Task[None]) -> None:
        self._tasks.pop(job_id, None)
        job = self._ledger.open.get(job_id)
        if job is not None and job.status == "waiting":
            self._at_rest.add(job_id)
        elif job is None:
            self._woken.set()

    async def _left(self, job_id: str) -> None:
        """A job ended otherwise than by its life: end that, but for what may just be starting a command."""
        self._at_rest.discard(job_id)
        if job_id in self._lives.exports:
            self._lives.exports[job_id].cancel()
        elif job_id in self._tasks and (await self._ledger.get(job_id)).kind == "webhook":
            self._tasks[job_id].cancel()
        elif job_id not in self._tasks:
            await self._tidy()
        self._woken.set()

    async def _tidy(self) -> None:
        """Nothing of this may undo what has happened to a job."""
        # the very dict: what is removed is looked up in it again and again
        await asyncio.to_thread(prune_folders, self._data_dir, self._ledger.open)
        try:
            await self._ledger.drop_outputs(self._data_dir, self._in_use)
        except StoreError as error:
            log.error("outputs_not_pruned", reason=error.reason)

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)
