"""Training on real processes and a real folder, with what its jobs came to at hand."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from sidecar.recording import Jobs, ModelVersions, Store
from sidecar.recording.loop_rows import JobRow, ModelVersionRow, VersionRow
from sidecar.training import CommandTrainer, Job, Trainer, Training
from sidecar.training.folders import JobFolder

SECRET = "a secret of more than 24 bytes, for tests"
STOPPED_TRAINER = "trap '' TERM; echo deaf; while true; do sleep 0.05; done"


def script(text: str, **settings: Any) -> CommandTrainer:
    """A trainer that is a few lines of shell; $0 to $3 are the dataset, the output, the base and the job's name."""
    return CommandTrainer(
        "shell", ("/bin/sh", "-c", text, "{dataset}", "{output}", "{base_model}", "{name}"), **settings
    )


def python(text: str, **settings: Any) -> CommandTrainer:
    """A trainer that is a few lines of Python."""
    return CommandTrainer("python", (sys.executable, "-I", "-c", text), **settings)


class FailingJobs(Jobs):
    """With ``failures`` left, a write fails as that of a full disk does."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.failures: list[Exception] = []

    async def put(self, row: JobRow) -> str | None:
        if self.failures:
            raise self.failures.pop()
        return await super().put(row)


class Place:
    """A data folder and its store, in which one Training after another may live."""

    def __init__(self, data_dir: Path, store: Store) -> None:
        self.data_dir = data_dir
        self.jobs = FailingJobs(store)
        self.versions = ModelVersions(store)
        self.exports: list[tuple[str, str]] = []
        self.export_error: Exception | None = None
        self.hold_export = asyncio.Event()
        self.hold_export.set()
        self.told: list[ModelVersionRow] = []
        self.unserved = ""

    def training(self, *trainers: Trainer, **settings: Any) -> Live:
        """A Training that restores, and runs within ``async with``."""
        return Live(self, trainers, settings)

    async def version(self, version_id: str) -> VersionRow | None:
        known = {"v1": 3, "empty": 0}
        if version_id not in known:
            return None
        return VersionRow(version_id, "birds", "", "one", "ann", 5.0, "0" * 64, known[version_id], {})

    async def export(self, version_id: str, format: str, folder: Path) -> None:
        await self.hold_export.wait()
        if self.export_error is not None:
            raise self.export_error
        await asyncio.to_thread(_write_dataset, folder)
        self.exports.append((version_id, format))

    async def registered(self, row: ModelVersionRow) -> str:
        self.told.append(row)
        return self.unserved

    def folder(self, job: Job) -> JobFolder:
        return JobFolder(self.data_dir, job.job_id)


def _write_dataset(folder: Path) -> None:
    folder.mkdir()
    (folder / "annotations.json").write_text("{}")


class Live:
    """A Training that runs."""

    def __init__(self, place: Place, trainers: Sequence[Trainer], settings: dict[str, Any]) -> None:
        self.place = place
        self.training = Training(
            *(place.jobs, place.versions, place.data_dir, trainers),
            version=place.version,
            export=place.export,
            registered=place.registered,
            **{"poll_s": 0.02, "retry_first_s": 0.01, **settings},
        )

    async def __aenter__(self) -> Live:
        await self.training.restore()
        self._task = asyncio.create_task(self.training.run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def create(self, name: str = "night", version_id: str = "v1", base: str = "det@2", **asked: Any) -> Job:
        return await self.training.create(name, "birds", version_id, base, **asked)

    async def reaches(self, job: Job, *statuses: str, within_s: float = 30.0) -> Job:
        """The job once its status is one of these."""
        async with asyncio.timeout(within_s):
            while (found := await self.training.job(job.job_id)).status not in statuses:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return found

    async def ended(self, job: Job) -> Job:
        return await self.reaches(job, "succeeded", "failed", "cancelled", "timed_out")

    async def tidied(self) -> None:
        """Until no dataset lies about but those of open jobs."""
        async with asyncio.timeout(30):
            while any(self.place.data_dir.glob("jobs/*/dataset")):  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def logs(self, job: Job, text: str) -> None:
        """Until its command has printed ``text``."""
        async with asyncio.timeout(30):
            while text not in await self.training.log_text(job.job_id):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
