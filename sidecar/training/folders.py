"""A job's folder: the dataset it was exported to, the output, the log, and what the keeper leaves there.

jobs/<id>/dataset   the exported version; goes when the job has ended
jobs/<id>/.dataset.*.part          what a killed monitor left of an export; goes at the next start
jobs/<id>/output    what the trainer made, with result.json
jobs/<id>/log       what it printed
jobs/<id>/lock, group, end.json    see ``keeper``
jobs/<id>/registered               its output is that of a model's version: the folder stays
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Container
from pathlib import Path
from typing import IO

from sidecar.training.keeper import END_FILE, LOCK_FILE, LOG_BYTES_MAX, LOG_FILE

JOBS = "jobs"
JOB_FOLDERS_KEPT = 20
"""Folders of ended jobs that made no version; the oldest go first."""
LOG_TAIL_BYTES = 256 << 10
FILES_COUNTED_MAX = 100_000
DATASET, OUTPUT, REGISTERED = "dataset", "output", "registered"
_PARTS = f".{DATASET}.*.part"


class JobFolder:
    """The folder of one job. ``job_id`` must be one that was made here: it is a part of the path."""

    def __init__(self, data_dir: Path, job_id: str) -> None:
        # absolute, since the command runs elsewhere
        self.path = data_dir.resolve() / JOBS / job_id
        self.relative_output = f"{JOBS}/{job_id}/{OUTPUT}"

    @property
    def dataset(self) -> Path:
        return self.path / DATASET

    @property
    def output(self) -> Path:
        return self.path / OUTPUT

    @property
    def end(self) -> Path:
        return self.path / END_FILE

    def make(self) -> None:
        """An empty folder; what an earlier try left of the dataset goes. Raises OSError."""
        self.output.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.rmtree(self.dataset, ignore_errors=True)
        self.remove_parts()

    def remove_parts(self) -> None:
        """What an export that was killed left goes. Not while one is under way."""
        for part in self.path.glob(_PARTS):
            shutil.rmtree(part, ignore_errors=True)

    def lock(self) -> IO[bytes] | None:
        """The job's lock, held until the file is closed; None where a keeper holds it. Raises OSError."""
        file = (self.path / LOCK_FILE).open("ab+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        return file

    def is_kept(self) -> bool:
        """Whether a keeper lives."""
        if not (self.path / LOCK_FILE).exists():
            return False
        file = self.lock()
        if file is not None:
            file.close()
        return file is None

    def log_text(self, bytes_max: int = LOG_TAIL_BYTES) -> str:
        """The end of the log, from a line's beginning; "" where there is none."""
        try:
            with (self.path / LOG_FILE).open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - bytes_max))
                content = file.read(min(bytes_max, 2 * LOG_BYTES_MAX))
        except OSError:
            return ""
        if size > bytes_max:
            content = content.partition(b"\n")[2] or content
        return content.decode("utf-8", "replace")

    def output_bytes(self) -> int:
        """Bytes of the output's files, up to FILES_COUNTED_MAX of them; links are not followed."""
        total = count = 0
        for folder, _, names in os.walk(self.output):
            for name in names:
                try:
                    total += os.lstat(os.path.join(folder, name)).st_size
                except OSError:
                    continue
                count += 1
                if count >= FILES_COUNTED_MAX:
                    return total
        return total

    def remove_output(self) -> None:
        """What the trainer made goes; the log stays."""
        shutil.rmtree(self.output, ignore_errors=True)

    def forget(self) -> None:
        """It is no version's any more: its output goes, and the folder when its turn comes."""
        self.remove_output()
        (self.path / REGISTERED).unlink(missing_ok=True)

    def keep(self) -> None:
        """The output is that of a version: the folder stays. Raises OSError."""
        (self.path / REGISTERED).touch()


def remove_parts(data_dir: Path) -> None:
    """What exports that were killed left in any job's folder goes. Before any job is taken up."""
    for folder in _folders(data_dir):
        JobFolder(data_dir, folder.name).remove_parts()


def prune_folders(data_dir: Path, open_jobs: Container[str], kept: int = JOB_FOLDERS_KEPT) -> list[str]:
    """Remove the datasets of all jobs that have ended, which can be exported again, and the folders of those that made
    no version, but for the ``kept`` newest. What a keeper still works in stays, whether its job is known or not: a
    store that was begun anew knows none. Returns the names of the folders removed.

    ``open_jobs`` is looked at again before anything goes: a job that is created meanwhile is in it before its folder
    is there.
    """
    ended = [item for item in _folders(data_dir) if _has_ended(item, data_dir, open_jobs)]
    for item in ended:
        if item.name not in open_jobs:
            shutil.rmtree(item / DATASET, ignore_errors=True)
            JobFolder(data_dir, item.name).remove_parts()
    without_version = [item for item in ended if not (item / REGISTERED).exists()]
    removed = []
    for item in sorted(without_version, key=_changed_at, reverse=True)[kept:]:
        if item.name not in open_jobs:
            shutil.rmtree(item, ignore_errors=True)
            removed.append(item.name)
    return removed


def _folders(data_dir: Path) -> list[Path]:
    try:
        return [item for item in (data_dir / JOBS).iterdir() if item.is_dir() and not item.is_symlink()]
    except OSError:
        return []


def _has_ended(folder: Path, data_dir: Path, open_jobs: Container[str]) -> bool:
    return folder.name not in open_jobs and not JobFolder(data_dir, folder.name).is_kept()


def _changed_at(folder: Path) -> float:
    for path in (folder / END_FILE, folder):
        try:
            return path.stat().st_mtime
        except OSError:
            continue
    return 0.0
