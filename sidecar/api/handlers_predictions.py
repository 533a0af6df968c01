"""The endpoints of predictions, but for those that give files."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from sidecar.api import render, schemas
from sidecar.api.problems import Problem
from sidecar.api.routes import Call, Route
from sidecar.types import Prediction


async def predictions(call: Call) -> dict[str, Any]:
    """Predictions, newest first, a page at a time."""
    query: schemas.PredictionsQuery = call.query
    page = await call.services.reader.predictions(**query.model_dump(exclude={"cursor"}), before=query.cursor)
    return {"items": await _with_samples(call, page.items), "next": page.next}


async def prediction(call: Call) -> dict[str, Any]:
    """One prediction with its detections."""
    return (await _with_samples(call, [await _named(call)]))[0]


async def related_predictions(call: Call) -> dict[str, Any]:
    """The other predictions of its request, and of the request that it was copied to or is a copy of."""
    found = await call.services.reader.related(await _named(call))
    kept = await call.services.reader.kept_of([one.prediction_id for one in found])
    names = [name for name in schemas.RelatedPrediction.model_fields if name != "sample_id"]
    items = [
        {**{name: getattr(one, name) for name in names}, "sample_id": kept.get(one.prediction_id)} for one in found
    ]
    return {"items": items}


async def _named(call: Call) -> Prediction:
    found = await call.services.reader.prediction(call.path["prediction_id"])
    if found is None:
        raise Problem(404, f"no prediction has the id {call.path['prediction_id']!r}")
    return found


async def _with_samples(call: Call, found: Sequence[Prediction]) -> list[dict[str, Any]]:
    """Each with the id of its kept image."""
    kept = await call.services.reader.kept_of([item.prediction_id for item in found])

    def documents() -> list[dict[str, Any]]:
        return [{**render.prediction_document(item), "sample_id": kept.get(item.prediction_id)} for item in found]

    return await asyncio.to_thread(documents)  # a large page takes longer than others may wait


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/predictions",
        "Predictions",
        predictions,
        query=schemas.PredictionsQuery,
        gives=schemas.PredictionsPage,
    ),
    Route(
        "GET",
        "/api/v1/predictions/{prediction_id}",
        "One prediction",
        prediction,
        gives=schemas.PredictionOut,
        operation="get_prediction",
    ),
    Route(
        "GET",
        "/api/v1/predictions/{prediction_id}/related",
        "Other predictions of its request",
        related_predictions,
        gives=schemas.RelatedPredictions,
    ),
)
