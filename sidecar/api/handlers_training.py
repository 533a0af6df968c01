"""The endpoints of training jobs and the versions of models they make."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sidecar.api import schemas_training as schemas
from sidecar.api.routes import Call, Route, there
from sidecar.api.training import TrainingJobs


def _of(call: Call) -> TrainingJobs:
    return there(call.services.training)


async def training_jobs(call: Call) -> dict[str, Any]:
    """Training jobs, newest first."""
    query: schemas.JobsQuery = call.query
    return {"items": list(await _of(call).list(query.status))}


async def create_training_job(call: Call) -> dict[str, Any]:
    """Hand a version of a dataset to a trainer."""
    body: schemas.JobBody = call.body
    return dict(await _of(call).create(**body.model_dump()))


async def training_job(call: Call) -> dict[str, Any]:
    """One training job and how it stands."""
    return dict(await _of(call).get(call.path["id"]))


async def cancel_training_job(call: Call) -> dict[str, Any]:
    """End a training job."""
    body: schemas.CancelBody = call.body
    return dict(await _of(call).cancel(call.path["id"], body.by))


async def training_job_log(call: Call) -> web.StreamResponse:
    """The end of what a training job wrote."""
    log = await _of(call).log(call.path["id"])
    headers = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
    return web.Response(body=log.decode("utf-8", "replace").encode(), headers=headers)


async def report_training_job(call: Call) -> dict[str, Any]:
    """What a trainer says of its job: how it goes, or what came of it. It bears the token, or a signature by the
    trainer's secret as Standard Webhooks says."""
    headers = {name.lower(): value for name, value in call.request.headers.items()}
    return dict(await _of(call).report(call.path["id"], headers, call.body, call.trusted))


async def deploy_training_job(call: Call) -> dict[str, Any]:
    """Put what a training job made into an A/B test or a shadow test."""
    body: schemas.DeployBody = call.body
    return dict(await _of(call).deploy(call.path["id"], body.kind, body.name, body.config))


async def model_versions(call: Call) -> dict[str, Any]:
    """Registered versions of models, newest first."""
    query: schemas.ModelVersionsQuery = call.query
    return {"items": list(await _of(call).model_versions(query.model))}


_JOB = "/api/v1/training-jobs/{id}"

ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/training-jobs",
        "Training jobs",
        training_jobs,
        query=schemas.JobsQuery,
        gives=schemas.TrainingJobsOut,
    ),
    Route(
        "POST",
        "/api/v1/training-jobs",
        "Begin a training job",
        create_training_job,
        body=schemas.JobBody,
        gives=schemas.TrainingJob,
    ),
    Route("GET", _JOB, "One training job", training_job, gives=schemas.TrainingJob),
    Route(
        "POST",
        f"{_JOB}/cancel",
        "End a training job",
        cancel_training_job,
        body=schemas.CancelBody,
        gives=schemas.TrainingJob,
    ),
    Route("GET", f"{_JOB}/log", "A training job's log", training_job_log, media_type="text/plain"),
    Route(
        "POST",
        f"{_JOB}/report",
        "Report on a training job",
        report_training_job,
        body=schemas.ReportBody,
        gives=schemas.TrainingJob,
        signed=True,
    ),
    Route(
        "POST",
        f"{_JOB}/deploy",
        "Put a training job's version to the test",
        deploy_training_job,
        body=schemas.DeployBody,
        gives=schemas.TrainingJob,
    ),
    Route(
        "GET",
        "/api/v1/model-versions",
        "Registered versions of models",
        model_versions,
        query=schemas.ModelVersionsQuery,
        gives=schemas.ModelVersionsOut,
    ),
)
