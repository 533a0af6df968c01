"""The endpoints of models and their versions."""

from __future__ import annotations

from typing import Any

from sidecar.api import render
from sidecar.api import schemas_models as schemas
from sidecar.api.models import Models
from sidecar.api.routes import Call, Route, there


def _of(call: Call) -> Models:
    return there(call.services.models)


async def models(call: Call) -> dict[str, Any]:
    """Models and their versions, the figures of each since the start, and what the store holds."""
    totals = call.services.totals.summaries()
    recorded = await call.services.reader.models()
    items, left_out = await _of(call).list()
    return {
        "items": list(items),
        "left_out": left_out,
        "figures": [render.figures_document(*key, totals[key]) for key in sorted(totals)],
        "recorded": [{"model": model, "version": version} for model, version in sorted(recorded)],
    }


async def register_model(call: Call) -> dict[str, Any]:
    """Make a model or a version of it known; with a URL the version is an upstream that tests can name. The same again
    changes what is given."""
    body: schemas.ModelBody = call.body
    return dict(await _of(call).register(**body.model_dump()))


async def get_model(call: Call) -> dict[str, Any]:
    """One model, or one version by name@version."""
    return dict(await _of(call).get(call.path["model_id"]))


async def delete_model(call: Call) -> dict[str, Any]:
    """Forget what was registered or trained under that id, of a model its versions too."""
    return dict(await _of(call).delete(call.path["model_id"]))


_MODELS = "/api/v1/models"

ROUTES: tuple[Route, ...] = (
    Route("GET", _MODELS, "Models, their versions and figures", models, gives=schemas.ModelsOut),
    Route(
        "POST",
        _MODELS,
        "Register a model or a version",
        register_model,
        body=schemas.ModelBody,
        gives=schemas.ModelOut,
    ),
    Route("GET", f"{_MODELS}/{{model_id}}", "One model or version", get_model, gives=schemas.ModelOut),
    Route(
        "DELETE",
        f"{_MODELS}/{{model_id}}",
        "Forget a model or version",
        delete_model,
        gives=schemas.ModelOut,
        statuses={409: "It serves, is in a test or is a running job's base, or nothing was registered under that id."},
    ),
)
