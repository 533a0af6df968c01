"""What the API takes and gives about training jobs and the versions of models they make."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from sidecar.api.schemas import Body, Line, Name, Out, Query, Text
from sidecar.api.schemas_trials import TrialName
from sidecar.api.training import DeployKind, JobStatus

AgainstBase = Literal["better", "worse", "mixed", "same"]
Id = Annotated[Text, Field(min_length=1)]


class JobBody(Body):
    """A job: which version of which dataset, from which model (``name@version``) on. Without ``trainer`` it is the one
    there is, or the default."""

    name: Name
    dataset_id: Id
    version_id: Id
    base_model_id: Id
    trainer: Id | None = None
    by: Line = ""


class JobsQuery(Query):
    """In which status."""

    status: JobStatus | None = None


class CancelBody(Body):
    """Who ends it."""

    by: Line = ""


class DeployBody(Body):
    """Which kind of test; ``config`` is that of such a test, by the rules of docs/api.md."""

    kind: DeployKind = "ab"
    name: TrialName | None = None
    config: dict[str, Any] | None = None


class ServedAt(Body):
    """Where a model version is served."""

    url: Annotated[str, Field(max_length=2_048)]
    path: Annotated[str, Field(max_length=2_048)] = ""


class ReportBody(Body):
    """What a trainer says of its job. ``job_id`` must be in a signed report. ``version`` is what the new version is
    called, ``upstream`` where it is served."""

    job_id: Text = ""
    status: Literal["running", "succeeded", "failed"]
    metrics: Annotated[dict[str, float], Field(default_factory=dict)]
    version: Text = ""
    upstream: ServedAt | None = None
    progress: float | None = Field(None, ge=0, le=1)
    error: str = ""


class ModelVersionsQuery(Query):
    """Of which model."""

    model: Text | None = None


class TrainingJob(Out):
    """A training job. ``exit_code`` is a command's; ``model_version_id`` is what it made, ``test_id`` the test that
    this is in. ``note`` says what it waits for, ``progress`` what its trainer last told. ``against_base`` is how the
    metrics are beside those of the base, where the trainer gives both (``map50``, ``base_map50``); ``sentence`` says it
    in words."""

    id: str
    name: str
    dataset_id: str
    version_id: str
    base_model_id: str
    trainer: str
    kind: Literal["command", "webhook", "manual"]
    status: JobStatus
    created_at: float
    started_at: float | None
    ended_at: float | None
    exit_code: int | None
    error: str
    note: str
    progress: float | None
    metrics: dict[str, float | None]
    against_base: AgainstBase | None
    sentence: str
    model_version_id: str | None
    by: str
    test_id: str | None
    cancel_requested_at: float | None
    cancelled_by: str


class TrainingJobsOut(Out):
    """Jobs, newest first."""

    items: list[TrainingJob]


class Upstream(Out):
    """Where a model version is served."""

    url: str
    path: str


class ModelVersion(Out):
    """A registered version of a model: ``id`` is ``model@version``. ``upstream`` null: not known where it is served.
    ``output`` is where in the data folder the job left what it made, null: elsewhere. ``against_base`` and
    ``sentence`` as of a job."""

    id: str
    model: str
    version: str
    created_at: float
    job_id: str | None
    metrics: dict[str, float | None]
    against_base: AgainstBase | None
    sentence: str
    upstream: Upstream | None
    base_model_id: str | None
    dataset_version_id: str | None
    trainer: str
    output: str | None


class ModelVersionsOut(Out):
    """Registered versions, newest first."""

    items: list[ModelVersion]
