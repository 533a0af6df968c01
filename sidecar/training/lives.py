"""What happens to one job from its creation, or from a restart, to its end: a coroutine for each kind of trainer."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from sidecar.durations import duration_text
from sidecar.recording import Refused
from sidecar.training.folders import JobFolder
from sidecar.training.hand_over import CANCEL_TRIES_MAX, HandOverError, HandOvers
from sidecar.training.job import Job
from sidecar.training.ledger import Ledger
from sidecar.training.result import read_result
from sidecar.training.runner import (
    End,
    Order,
    environment_of,
    kill_left,
    outcome_of,
    read_end,
    start_keeper,
    stop_keeper,
)
from sidecar.training.settings import FORMAT, CommandTrainer, Trainer, WebhookTrainer, filled_command
from sidecar.training.states import Event

log = structlog.get_logger()

Export = Callable[[str, str, Path], Coroutine[Any, Any, None]]
"""(version's id, format, folder): makes the folder, whose parent is there, with the exported version in it."""
OUTPUT_CHECK_S = 10.0
ENDED_WITHOUT_A_WORD = "the trainer's keeper died, or the machine was restarted: how the command ended is not known"


@dataclass(slots=True)
class Lives:
    """``trainer`` finds one by its name, None where the configuration has it no more."""

    ledger: Ledger
    data_dir: Path
    export: Export
    hand_overs: HandOvers
    trainer: Callable[[str], Trainer | None]
    clock: Callable[[], float]
    poll_s: float
    exports: dict[str, asyncio.Future[None]] = field(default_factory=dict)
    """Those under way, by their job's id: cancel one to have its job looked at again, which must have ended."""

    async def live(self, job: Job) -> None:
        """Until the job has ended, or waits for people."""
        match job.kind:
            case "command":
                await self._command(job)
            case "webhook":
                await self._webhook(job)
            case "manual" if job.status == "queued":
                if await self._exported(job, FORMAT):
                    await self.ledger.insist(
                        lambda: self.ledger.follow(job.job_id, Event.HAND_OVER, started_at=self.clock())
                    )

    async def _command(self, job: Job) -> None:
        folder, trainer = JobFolder(self.data_dir, job.job_id), self.trainer(job.trainer)
        bytes_max = trainer.output_bytes_max if isinstance(trainer, CommandTrainer) else None
        process = None
        if job.status == "queued":
            # a process before this one may have started it, and died before it could say so
            if not folder.is_kept() and read_end(folder) is None:
                if not isinstance(trainer, CommandTrainer):
                    await self._lost(job, f"no trainer with a command is called {job.trainer!r} any more")
                    return
                process = await self._started(job, trainer, folder)
                if process is None:
                    return
            started = await self.ledger.insist(
                lambda: self.ledger.follow(job.job_id, Event.START, started_at=self.clock())
            )
            if started is None:  # it was cancelled meanwhile: what has just begun ends again
                await self._ended(job.job_id, folder, None, process)
                return
        end, outgrown = await self._ended(job.job_id, folder, bytes_max, process)
        await self._settle(job.job_id, folder, end, outgrown)

    async def _started(self, job: Job, trainer: CommandTrainer, folder: JobFolder) -> subprocess.Popen[bytes] | None:
        """Export and start the command; None where the job has ended instead."""
        if not await self._exported(job, trainer.format):
            return None
        try:
            order = self._order(job, trainer, folder, await self.ledger.base_output(job))
            process = await asyncio.to_thread(start_keeper, folder, order)
        except OSError as error:
            await self._lost(job, f"the trainer could not be started: {error.strerror or error}")
            return None
        return process

    def _order(self, job: Job, trainer: CommandTrainer, folder: JobFolder, base_output: str) -> Order:
        words = {
            "dataset": str(folder.dataset),
            "output": str(folder.output),
            "base_model": job.base_model_id,
            "name": job.name,
            "job": job.job_id,
            "version": job.version_id,
        }
        told = {
            "SIDECAR_JOB_DIR": str(folder.path),
            "SIDECAR_JOB_ID": job.job_id,
            "SIDECAR_DATASET": words["dataset"],
            "SIDECAR_OUTPUT": words["output"],
            "SIDECAR_BASE_MODEL": job.base_model_id,
        }
        if base_output and (self.data_dir / base_output).is_dir():
            told["SIDECAR_BASE_OUTPUT"] = str(self.data_dir.resolve() / base_output)
        return Order(
            filled_command(trainer.command, words),
            environment_of(trainer.environment, told, os.environ),
            trainer.folder or words["output"],
            trainer.time_limit_s,
            trainer.grace_s,
        )

    async def _exported(self, job: Job, format: str) -> bool:
        """Make the job's folder with the dataset in it; False where the job has ended instead."""
        folder = JobFolder(self.data_dir, job.job_id)
        try:
            await asyncio.to_thread(folder.make)
            export = self.exports[job.job_id] = asyncio.ensure_future(
                self.export(job.version_id, format, folder.dataset)
            )
            try:
                await asyncio.wait({export})
                if not export.cancelled():
                    export.result()
            finally:
                export.cancel()
                del self.exports[job.job_id]
        except Exception as error:  # of whatever kind: the job says why, and the next one may do better
            log.warning("training_export_failed", job=job.job_id, error=f"{type(error).__name__}: {error}")
            text = getattr(error, "strerror", None) or str(error) or type(error).__name__
            await self._lost(job, f"the dataset could not be exported as {format}: {text}")
        return job.job_id in self.ledger.open

    async def _ended(
        self, job_id: str, folder: JobFolder, bytes_max: int | None, process: subprocess.Popen[bytes] | None
    ) -> tuple[End | None, bool]:
        """What came of the command, None where nobody knows; and whether it was ended because its output outgrew."""
        look_at, outgrown = time.monotonic(), False
        while folder.is_kept():
            if process is not None:
                process.poll()
            job = self.ledger.open.get(job_id)
            if job is None or job.cancel_requested_at is not None or outgrown:
                stop_keeper(folder)
            elif bytes_max is not None and time.monotonic() >= look_at:
                outgrown = await asyncio.to_thread(folder.output_bytes) > bytes_max
                look_at = time.monotonic() + OUTPUT_CHECK_S
                continue
            await asyncio.sleep(self.poll_s)
        if process is not None:
            process.wait()  # the lock is gone with it
        return read_end(folder), outgrown

    async def _settle(self, job_id: str, folder: JobFolder, end: End | None, outgrown: bool) -> None:
        """End the job as its command did."""
        job = self.ledger.open.get(job_id)
        if job is None:
            return
        code = end.exit_code if end else None
        if end is None:
            kill_left(folder)
        error = outcome_of(end, folder.log_text()) if end else ENDED_WITHOUT_A_WORD
        if end and end.timed_out:
            error = f"the command ran into its time limit; {error}".removesuffix("; ")
            await self._end(job_id, Event.TIME_OUT, error=error, exit_code=code)
        elif outgrown:
            error = "the command was ended: its output outgrew output_bytes_max"
            await self._end(job_id, Event.EXIT_FAULTY, error=error, exit_code=code)
        elif job.cancel_requested_at is not None and (end is None or error or end.cancelled):
            await self._end(job_id, Event.CANCEL, exit_code=code)
        elif end is None:
            await self._end(job_id, Event.LOST, error=error)
        elif end.cancelled:
            told = "the keeper was told to end, but not by the sidecar; the machine may have been shut down"
            await self._end(job_id, Event.EXIT_FAULTY, error=told, exit_code=code)
        elif error:
            await self._end(job_id, Event.EXIT_FAULTY, error=error, exit_code=code)
        else:
            await self._succeed(job, folder)

    async def _succeed(self, job: Job, folder: JobFolder) -> None:
        result, faults = await asyncio.to_thread(read_result, folder.output)
        if faults:
            error = "; ".join(f"{place}: {message}" for place, message in faults)
            await self._end(job.job_id, Event.EXIT_FAULTY, error=error, exit_code=0)
            return
        trainer = self.trainer(job.trainer)
        try:
            folder.keep()
            await self.ledger.insist(
                lambda: self.ledger.succeed(
                    job.job_id, Event.EXIT, result, trainer, folder.relative_output, exit_code=0, progress=1.0
                )
            )
        except (Refused, OSError) as error:
            text = f"what it made is in {folder.relative_output}, but can't be registered: {error}"
            await self._end(job.job_id, Event.EXIT_FAULTY, error=text, exit_code=0)

    async def _webhook(self, job: Job) -> None:
        """Hand it over, then wait. A report or a cancel ends the job, and this with it."""
        trainer = self.trainer(job.trainer)
        if job.status == "queued":
            if not isinstance(trainer, WebhookTrainer):
                await self._lost(job, f"no trainer with a webhook is called {job.trainer!r} any more")
                return
            try:
                await self.hand_overs.deliver(trainer, job, "training.requested")
            except HandOverError as error:
                await self._lost(job, f"the trainer did not take the job: {error}")
                return
            await self.ledger.insist(lambda: self.ledger.follow(job.job_id, Event.HAND_OVER, started_at=self.clock()))
        waiting = self.ledger.open.get(job.job_id)
        if waiting is None or not isinstance(trainer, WebhookTrainer):
            return  # without its trainer it waits for people
        waited_s = max(0.0, self.clock() - (waiting.started_at or waiting.created_at))
        # by elapsed time from here on: a clock that is set forward ends no job
        await asyncio.sleep(max(0.0, trainer.time_limit_s - waited_s))
        late = f"no report that it ended came within {duration_text(trainer.time_limit_s)}"
        if await self._end(job.job_id, Event.TIME_OUT, error=late) is not None:
            await self.tell_cancelled(waiting)

    async def tell_cancelled(self, job: Job) -> None:
        """Tell a trainer elsewhere that it need not go on, as well as that can be done in a few tries."""
        trainer = self.trainer(job.trainer)
        if isinstance(trainer, WebhookTrainer):
            try:
                await self.hand_overs.deliver(trainer, job, "training.cancelled", tries_max=CANCEL_TRIES_MAX)
            except HandOverError as error:
                log.warning("trainer_not_told_of_cancel", job=job.job_id, error=str(error))

    async def _lost(self, job: Job, error: str) -> None:
        await self._end(job.job_id, Event.LOST, error=error)

    async def _end(self, job_id: str, event: Event, **changes: object) -> Job | None:
        return await self.ledger.insist(lambda: self.ledger.follow(job_id, event, **changes))
