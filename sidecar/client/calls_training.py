"""The calls about training jobs and the versions of models they make: what to send and how to read the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sidecar.client.calls import SLOW_TIMEOUT_S, Call, listing, params_of, reading, segment
from sidecar.client.errors import NotEnded
from sidecar.client.records import ModelVersion, TrainingJob
from sidecar.client.results import Records

JOBS = "/api/v1/training-jobs"
OPEN = ("queued", "running", "waiting")
"""Statuses of a job that goes on."""


def create_training_job(
    name: str, dataset_id: str, version_id: str, base_model_id: str, trainer: str | None, by: str
) -> Call[TrainingJob]:
    """Begin a job."""
    body = {
        "name": name,
        "dataset_id": dataset_id,
        "version_id": version_id,
        "base_model_id": base_model_id,
        "trainer": trainer,
        "by": by,
    }
    return Call("POST", JOBS, reading(TrainingJob), body=body, timeout_s=SLOW_TIMEOUT_S)


def training_jobs(status: str | None) -> Call[Records[TrainingJob]]:
    """Jobs."""
    return Call("GET", JOBS, listing(TrainingJob), params_of({"status": status}))


def training_job(job_id: str) -> Call[TrainingJob]:
    """One job."""
    return Call("GET", _job(job_id), reading(TrainingJob))


def cancel_training_job(job_id: str, by: str) -> Call[TrainingJob]:
    """End a job."""
    return Call("POST", _job(job_id, "/cancel"), reading(TrainingJob), body={"by": by})


def training_job_log(job_id: str) -> Call[str]:
    """What a job wrote."""
    return Call("GET", _job(job_id, "/log"), _text_of)


def report_training_job(
    job_id: str,
    status: str,
    metrics: Mapping[str, float] | None,
    version: str,
    upstream: Mapping[str, str] | str | None,
    error: str,
    progress: float | None,
) -> Call[TrainingJob]:
    """What a trainer says of its job; an upstream that is text is its URL."""
    body: dict[str, Any] = {"status": status}
    given = {"metrics": dict(metrics or {}), "version": version, "error": error}
    body |= {name: value for name, value in given.items() if value}
    if progress is not None:
        body["progress"] = progress
    if upstream is not None:
        body["upstream"] = {"url": upstream} if isinstance(upstream, str) else dict(upstream)
    return Call("POST", _job(job_id, "/report"), reading(TrainingJob), body=body)


def deploy_training_job(
    job_id: str, kind: str, name: str | None, config: Mapping[str, Any] | None
) -> Call[TrainingJob]:
    """Put what a job made to the test."""
    body = {"kind": kind, "name": name, "config": None if config is None else dict(config)}
    return Call("POST", _job(job_id, "/deploy"), reading(TrainingJob), body=body)


def model_versions(model: str | None) -> Call[Records[ModelVersion]]:
    """Registered versions of models."""
    return Call("GET", "/api/v1/model-versions", listing(ModelVersion), params_of({"model": model}))


def has_ended(job: TrainingJob, waited_s: float, timeout_s: float) -> bool:
    """Whether ``job`` goes on no more. Raises NotEnded where it does but the time is up."""
    if job.status not in OPEN:
        return True
    if waited_s >= timeout_s:
        raise NotEnded(f"training job {job.id} is {job.status} after {timeout_s:g} s; it goes on")
    return False


def _job(job_id: str, rest: str = "") -> str:
    return f"{JOBS}/{segment(job_id, 'job_id')}{rest}"


def _text_of(body: bytes) -> str:
    return body.decode("utf-8", "replace")
