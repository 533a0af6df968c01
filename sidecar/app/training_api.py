"""What the API asks about training: jobs, the versions of models they made, and putting one to the test."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from sidecar.api.errors import Conflict, ControlError, NotAllowed, NotThere
from sidecar.api.training import JOBS_LISTED_MAX, LOG_BYTES_MAX, DeployKind, JobStatus, TrainingFigures
from sidecar.api.trials import Trials
from sidecar.app.control import Control
from sidecar.app.registered import RegistryFull
from sidecar.app.state import Registered
from sidecar.recording import Full, Jobs, ModelVersionRow, ModelVersions
from sidecar.training import (
    Job,
    ReportRefused,
    Training,
    TrainingClash,
    TrainingFault,
    TrainingFull,
    TrainingMissing,
    compared_with_base,
)

P = ParamSpec("P")
T = TypeVar("T")
Document = dict[str, Any]
_OF_A_VERSION = (
    *("id", "model", "version", "created_at", "job_id", "metrics", "upstream", "base_model_id"),
    *("dataset_version_id", "trainer", "output"),
)
FIRST_SHARE = 0.1
"""What a new version gets of the traffic where nobody says."""


def answered(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """The faults of a request as the API's errors."""

    @functools.wraps(method)
    async def asked(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except TrainingMissing as fault:
            raise NotThere(fault.field, fault.message) from fault
        except (TrainingClash, TrainingFull) as fault:
            raise Conflict.of(list(fault.faults)) from fault
        except ReportRefused as fault:
            raise NotAllowed(fault.field, fault.message) from fault
        except TrainingFault as fault:
            raise ControlError.of(list(fault.faults)) from fault
        except Full as full:
            raise Conflict(full.field, full.message) from full

    return asked


class TrainingApi:
    """``api.training.TrainingJobs`` over the room that trains."""

    def __init__(
        self,
        training: Training,
        jobs: Jobs,
        models: ModelVersions,
        control: Control,
        trials: Trials,
        serving: Callable[[str], str],
    ) -> None:
        self._training = training
        self._jobs = jobs
        self._models = models
        self._control = control
        self._trials = trials
        self._serving = serving

    @answered
    async def create(
        self, name: str, dataset_id: str, version_id: str, base_model_id: str, trainer: str | None, by: str
    ) -> Document:
        return (
            await self._training.create(name, dataset_id, version_id, base_model_id, trainer=trainer, by=by)
        ).to_dict()

    async def list(self, status: JobStatus | None) -> Sequence[Document]:
        return [Job.from_row(row).to_dict() for row in await self._jobs.all(status, JOBS_LISTED_MAX)]

    @answered
    async def get(self, id: str) -> Document:
        return (await self._training.job(id)).to_dict()

    @answered
    async def cancel(self, id: str, by: str) -> Document:
        return (await self._training.cancel(id, by)).to_dict()

    @answered
    async def log(self, id: str) -> bytes:
        return (await self._training.log_text(id, LOG_BYTES_MAX)).encode()

    @answered
    async def report(self, id: str, headers: Mapping[str, str], raw_body: bytes, trusted: bool) -> Document:
        return (await self._training.take_report(id, headers, raw_body, trusted)).to_dict()

    @answered
    async def deploy(self, id: str, kind: DeployKind, name: str | None, config: Mapping[str, Any] | None) -> Document:
        job = (await self._training.job(id)).to_dict()
        if job["status"] != "succeeded":
            raise Conflict("status", f"the job is {job['status']}: only what was trained can be tested")
        model_version_id = job["model_version_id"]
        model, _, version = str(model_version_id).rpartition("@")
        if not any(item.model == model and item.version == version for item in self._control.state.registered):
            raise Conflict(
                "upstream",
                f"it is not known where {model_version_id} is served: name an `upstream` in the trainer's"
                " configuration or its result.json, or serve it yourself and begin the test by its upstream's name",
            )
        title = name or f"{job['name']} {version}"
        base = self._base(model, job["base_model_id"])
        asked = dict(config or {})
        if kind == "ab" and not {"traffic_split", "ramp"} & set(asked):
            asked["traffic_split"] = FIRST_SHARE
        if kind == "shadow":
            test = await self._trials.create_shadow_test(title, model, str(model_version_id), asked)
        else:
            test = await self._trials.create_ab_test(title, base, str(model_version_id), asked)
        return (await self._training.note_test(id, str(test["id"]))).to_dict()

    async def model_versions(self, model: str | None) -> Sequence[Document]:
        rows = [row for row in await self._models.all(model) if row.version]
        return [trained_version_document(row) for row in rows[:JOBS_LISTED_MAX]]

    def figures(self) -> TrainingFigures:
        return {"jobs": {str(status): n for status, n in self._training.open_by_status().items()}}

    def _base(self, model: str, base_model_id: str) -> str:
        """The version a new one is compared with: what serves, where the job was given a model without a version."""
        return base_model_id if "@" in base_model_id else self._serving(model)


def trained_version_document(row: ModelVersionRow) -> Document:
    """A ModelVersion."""
    against, sentence = compared_with_base(row.document.get("metrics") or {})
    known = {name: row.document.get(name) for name in _OF_A_VERSION}
    return {**known, "against_base": against, "sentence": sentence}


async def register(control: Control, row: ModelVersionRow) -> str:
    """A version was trained: from now on it can be put to the test, where it is known who serves it. Returns why it
    has no upstream although it is known; else ""."""
    upstream = row.document.get("upstream")
    if not upstream:
        return ""
    item = Registered(
        model=row.model,
        version=row.version,
        url=upstream["url"],
        path=upstream.get("path", ""),
        job_id=row.job_id,
        output=str(row.document.get("output") or ""),
    )
    try:
        control.register(item)
    except RegistryFull as full:
        return f"it has no upstream: {full}"
    except OSError as error:
        return f"it has no upstream, the settings could not be saved: {error.strerror or error}"
    return ""


def remembered(item: Registered, now: float) -> ModelVersionRow:
    """What the settings still know of a registered version that the store has lost."""
    document = {
        "id": f"{item.model}@{item.version}",
        "model": item.model,
        "version": item.version,
        "created_at": now,
        "job_id": item.job_id or None,
        "metrics": {},
        "upstream": {"url": item.url, "path": item.path},
        "base_model_id": None,
        "dataset_version_id": None,
        "trainer": "",
        "output": item.output or None,
    }
    return ModelVersionRow(item.model, item.version, now, item.job_id, document)
