"""What the API takes and gives about data engines."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from sidecar.api.schemas import Body, Etag, Out
from sidecar.api.schemas_judged import RULES

DatasetId = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}$",
        description="at most 63 lower-case letters, digits and hyphens, not beginning with a hyphen",
    ),
]


class DataEngineBody(Body):
    """The rules of a model, judged by those of docs/api.md, and the dataset that gets its images; null: the one it has,
    else one named after the model."""

    config: Annotated[dict[str, Any], WithJsonSchema(RULES)]
    target_dataset_id: DatasetId | None = None


class LimitsHit(Out):
    """Images that a rule wanted and that were not kept since the monitor started, by what kept them out."""

    minute: int
    hour: int
    day: int
    cool_down: int
    near_duplicate: int
    budget: int


class DataEngine(Out):
    """The rules of a model, complete; ``config`` has every key. ``origin`` says who set them. ``kept_last_day`` are
    images by rule; one that two rules kept counts under both."""

    model: str
    dataset_id: str
    config: dict[str, Any]
    origin: Literal["config", "api"]
    updated_at: float | None
    kept_last_day: dict[str, int]
    limits_hit: dict[str, LimitsHit]
    etag: Etag


class DataEnginesOut(Out):
    """Data engines, by model."""

    items: list[DataEngine]
