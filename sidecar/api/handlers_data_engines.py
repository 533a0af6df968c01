"""The endpoints of data engines."""

from __future__ import annotations

from typing import Any

from sidecar.api import schemas_data_engines as schemas
from sidecar.api.data_engines import DataEngines
from sidecar.api.etags import Tagged
from sidecar.api.routes import Call, Route, there


def _of(call: Call) -> DataEngines:
    return there(call.services.data_engines)


async def data_engines(call: Call) -> dict[str, Any]:
    """The rules of every model by which images are kept for review."""
    return {"items": list(await _of(call).list())}


async def data_engine(call: Call) -> dict[str, Any]:
    """The rules of one model, what they kept and what limits kept out."""
    return dict(await _of(call).get(call.path["model_id"]))


async def configure_data_engine(call: Call) -> dict[str, Any]:
    """Set the rules of a model, in place of those it had."""
    body: schemas.DataEngineBody = call.body
    return dict(await _of(call).configure(call.path["model_id"], body.config, body.target_dataset_id))


_MODEL = "/api/v1/data-engines/{model_id}"
_TAGGED = Tagged("data engine", ("model", "dataset_id", "config", "updated_at"))


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/data-engines",
        "Data engines",
        data_engines,
        gives=schemas.DataEnginesOut,
        tagged=_TAGGED,
    ),
    Route(
        "GET",
        _MODEL,
        "One data engine",
        data_engine,
        gives=schemas.DataEngine,
        tagged=_TAGGED,
    ),
    Route(
        "PUT",
        _MODEL,
        "Configure a data engine",
        configure_data_engine,
        body=schemas.DataEngineBody,
        gives=schemas.DataEngine,
        tagged=_TAGGED,
        present=data_engine,
    ),
)
