"""The calls about models and their versions: what to send and how to read the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sidecar.client.calls import Call, listing, reading, segment
from sidecar.client.records import Model, Models
from sidecar.client.results import Records

MODELS = "/api/v1/models"


def register_model(
    name: str, version: str, url: str, path: str, description: str, metrics: Mapping[str, float] | None
) -> Call[Model]:
    """Make a model or a version known. The same again changes nothing."""
    given: dict[str, Any] = {
        "version": version,
        "url": url,
        "path": path,
        "description": description,
        "metrics": dict(metrics or {}),
    }
    body = {"name": name, **{field: value for field, value in given.items() if value}}
    return Call("POST", MODELS, reading(Model), body=body)


def models() -> Call[Records[Model]]:
    """Models, each before its versions."""
    return Call("GET", MODELS, listing(Model))


def model_figures() -> Call[Models]:
    """Figures since the start, and what the store holds."""
    return Call("GET", MODELS, reading(Models))


def model(model_id: str) -> Call[Model]:
    """One model or version."""
    return Call("GET", _model(model_id), reading(Model))


def delete_model(model_id: str) -> Call[Model]:
    """Forget one."""
    return Call("DELETE", _model(model_id), reading(Model))


def _model(model_id: str) -> str:
    return f"{MODELS}/{segment(model_id, 'model_id')}"
