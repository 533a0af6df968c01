"""A training job as it stands, and the documents made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from sidecar.recording.loop_rows import JobRow, ModelVersionRow
from sidecar.training.against_base import compared_with_base
from sidecar.training.result import Result
from sidecar.training.settings import Upstream
from sidecar.training.states import OPEN, Event, Status, follow

Kind = Literal["command", "webhook", "manual"]
ERROR_CHARACTERS_MAX = 4_000


@dataclass(frozen=True, slots=True)
class Job:
    """``version_id`` is the dataset's version, ``model_version_id`` what came of it ("" before). ``error`` says why it
    did not end well, ``note`` what else is worth knowing. Times are epoch seconds, ``progress`` a share or None."""

    job_id: str
    name: str
    dataset_id: str
    version_id: str
    base_model_id: str
    trainer: str
    kind: Kind
    status: Status
    created_at: float
    by: str = ""
    started_at: float | None = None
    ended_at: float | None = None
    exit_code: int | None = None
    error: str = ""
    note: str = ""
    progress: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    model_version_id: str = ""
    test_id: str = ""
    cancel_requested_at: float | None = None
    cancelled_by: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.status in OPEN

    @property
    def model(self) -> str:
        """The model that a version comes of: that of the base, without its version.

        >>> Job("j", "n", "d", "v", "det@2", "", "manual", "queued", 0.0).model
        'det'
        """
        model, at, _ = self.base_model_id.rpartition("@")
        return model if at and model else self.base_model_id

    @property
    def base_version(self) -> str:
        """That of the base; "" where it has none."""
        model, at, version = self.base_model_id.rpartition("@")
        return version if at and model else ""

    def after(self, event: Event, **changes: Any) -> Job:
        """The job after ``event``, with ``changes``. Raises StateError."""
        if "error" in changes:
            changes["error"] = changes["error"][:ERROR_CHARACTERS_MAX]
        return replace(self, status=follow(self.status, event), **changes)

    def to_dict(self) -> dict[str, Any]:
        """The document of the API."""
        document = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "job_id"}
        document["metrics"] = dict(self.metrics)
        document["against_base"], document["sentence"] = compared_with_base(self.metrics)
        for name in ("model_version_id", "test_id"):
            document[name] = document[name] or None
        return {"id": self.job_id, **document}

    @property
    def row(self) -> JobRow:
        return JobRow(
            *(self.job_id, self.name, self.dataset_id, self.version_id, self.status),
            *(self.created_at, self.ended_at, self.to_dict()),
        )

    @classmethod
    def from_row(cls, row: JobRow) -> Job:
        """What ``row`` was made of. Raises ValueError, KeyError or TypeError for what is no job's."""
        document = dict(row.document)
        document["job_id"] = document.pop("id")
        for name in ("model_version_id", "test_id"):
            document[name] = document.get(name) or ""
        known = {item.name for item in fields(cls)}
        return cls(**{name: value for name, value in document.items() if name in known})


def model_version_row(
    job: Job, version: str, result: Result, upstream: Upstream | None, output: str, now: float
) -> ModelVersionRow:
    """The version that ``job`` made. ``output`` is its folder within the data folder, "" where it is elsewhere."""
    document = {
        "id": f"{job.model}@{version}",
        "model": job.model,
        "version": version,
        "created_at": now,
        "job_id": job.job_id,
        "metrics": dict(result.metrics),
        "upstream": upstream.to_dict() if upstream else None,
        "base_model_id": job.base_model_id or None,
        "dataset_version_id": job.version_id,
        "trainer": job.trainer,
        "output": output or None,
    }
    return ModelVersionRow(job.model, version, now, job.job_id, document)
