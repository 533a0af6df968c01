"""Records of training.

Made by tests/client/generate_records.py: change the API's types and make it anew.
"""

from __future__ import annotations

from typing import Literal

from sidecar.client.results import ByName, Figure, Record, Time


class TrainingJob(Record):
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
    status: Literal["queued", "running", "waiting", "succeeded", "failed", "cancelled", "timed_out"]
    created_at: Time
    started_at: Time | None
    ended_at: Time | None
    exit_code: int | None
    error: str
    note: str
    progress: float | None
    metrics: ByName[Figure]
    against_base: Literal["better", "worse", "mixed", "same"] | None
    sentence: str
    model_version_id: str | None
    by: str
    test_id: str | None
    cancel_requested_at: Time | None
    cancelled_by: str


class Upstream(Record):
    """Where a model version is served."""

    url: str
    path: str


class ModelVersion(Record):
    """A registered version of a model: ``id`` is ``model@version``. ``upstream`` null: not known where it is served.
    ``output`` is where in the data folder the job left what it made, null: elsewhere. ``against_base`` and
    ``sentence`` as of a job."""

    id: str
    model: str
    version: str
    created_at: Time
    job_id: str | None
    metrics: ByName[Figure]
    against_base: Literal["better", "worse", "mixed", "same"] | None
    sentence: str
    upstream: Upstream | None
    base_model_id: str | None
    dataset_version_id: str | None
    trainer: str
    output: str | None
