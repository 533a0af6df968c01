"""What the API asks about training: jobs and the versions of models they made, as one Protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, TypedDict

from sidecar.api.watch import Document

JobStatus = Literal["queued", "running", "waiting", "succeeded", "failed", "cancelled", "timed_out"]
"""How a job stands. ``waiting``: handed to a webhook or to people."""
JOBS_OPEN: tuple[JobStatus, ...] = ("queued", "running", "waiting")
"""Statuses of jobs that have not ended."""
DeployKind = Literal["ab", "shadow"]
JOBS_LISTED_MAX = 1_000
"""Jobs, or versions of models, that one answer lists."""
LOG_BYTES_MAX = 1024 * 1024
"""What is given of a job's log, its end."""


class TrainingFigures(TypedDict):
    """How things stand now."""

    jobs: Mapping[str, int]
    """Jobs that have not ended, by status."""


class TrainingJobs(Protocol):
    """Training jobs. Arguments have their types and bounds; whether they make sense is judged here.

    Every method raises ControlError for arguments that can't be (422; ``ControlError.of`` for several faults), its
    kinds NotThere with field ``id`` for an id that nothing has (404), Conflict (409) with field ``status`` where a job
    can't do that as it stands, and StoreError where the store can't (503). Documents are of the shapes in
    ``schemas_training``; NaN may stand in them, it becomes null.
    """

    async def create(
        self, name: str, dataset_id: str, version_id: str, base_model_id: str, trainer: str | None, by: str
    ) -> Document:
        """Queue a job, durably; the TrainingJob. ``trainer`` None: the one there is, or the default.

        Raises ControlError with fields such as ``version_id``, ``base_model_id`` or ``trainer`` (the message lists
        those there are); Conflict with field ``queue`` where too many wait.
        """
        ...

    async def list(self, status: JobStatus | None) -> Sequence[Document]:
        """TrainingJobs, newest first and at most JOBS_LISTED_MAX of them, in one status or any (None)."""
        ...

    async def get(self, id: str) -> Document:
        """One TrainingJob. Raises NotThere."""
        ...

    async def cancel(self, id: str, by: str) -> Document:
        """End a job that has not ended; the TrainingJob. Raises NotThere and Conflict."""
        ...

    async def log(self, id: str) -> bytes:
        """The end of what a job wrote, at most LOG_BYTES_MAX, empty where it wrote nothing. Raises NotThere."""
        ...

    async def report(self, id: str, headers: Mapping[str, str], raw_body: bytes, trusted: bool) -> Document:
        """What a trainer says of its job: JSON of the shape of a TrainingReportBody; the TrainingJob. ``headers`` are
        by their names in lower case.

        ``trusted``: the asker has shown the admin token, or none is needed. Else the signature in ``headers`` must be
        right for ``raw_body``, and before anything else is looked at: raises NotAllowed (403) where it is not, for an
        id that nothing has and for a job of another kind too. Raises ControlError with the faulty fields of the body
        (``body`` where it is not JSON); NotThere and Conflict.
        """
        ...

    async def deploy(self, id: str, kind: DeployKind, name: str | None, config: Mapping[str, Any] | None) -> Document:
        """Put the model version that a job made into an A/B or a shadow test against its base; the TrainingJob, with
        its ``test_id``. ``name`` and ``config`` are as in ``Trials``; None: a default.

        Raises NotThere, Conflict where it has not succeeded or is in a test that runs, and what ``Trials`` raises.
        """
        ...

    async def model_versions(self, model: str | None) -> Sequence[Document]:
        """Registered ModelVersions, newest first and at most JOBS_LISTED_MAX of them, of one model or all (None)."""
        ...

    def figures(self) -> TrainingFigures:
        """For /metrics; cheap, without waiting."""
        ...
