"""What the API takes and gives about models and their versions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from sidecar.api.schemas import Body, Described, ModelFigures, Name, Out, RecordedVersion, one_line

METRICS_MAX = 100
"""Metrics of one version."""


def _no_sign(value: str) -> str:
    if "@" in value or value.startswith("-") or value == "*":
        raise ValueError("must hold no @ (it stands between a model and its version), not begin with - and not be *")
    return value


ModelName = Annotated[
    Name,
    AfterValidator(_no_sign),
    Described({"pattern": r"^\s*(?!-|\*\s*$)[^\p{C}\p{Z}@]([^\p{C}\p{Z}@]| )*\s*$"}),
]
VersionName = Annotated[
    str,
    Field(max_length=100),
    AfterValidator(one_line),
    AfterValidator(_no_sign),
    Described({"pattern": r"^\s*((?!-|\*\s*$)[^\p{C}\p{Z}@]([^\p{C}\p{Z}@]| )*)?\s*$"}),
]
MetricName = Annotated[str, Field(min_length=1, max_length=100)]


class ModelBody(Body):
    """A model, or with ``version`` one version of it. ``url`` (scheme, host and port) says where that version is
    served, ``path`` at which path where that is not the request's own. What is left out or empty stays as it was."""

    name: ModelName
    version: VersionName = ""
    url: Annotated[str, Field(max_length=2_048)] = ""
    path: Annotated[str, Field(max_length=1_000)] = ""
    description: Annotated[str, Field(max_length=2_000)] = ""
    metrics: Annotated[dict[MetricName, float], Field(default_factory=dict, max_length=METRICS_MAX)]


class ModelUpstream(Out):
    """The upstream that serves a version, or would: its name, address, and path where it has one of its own. ``urls``
    are all its addresses, where it has several, and ``url`` is the first."""

    name: str
    url: str
    urls: list[str]
    path: str


class ModelOut(Out):
    """A model (``version`` empty) or a version of one; ``id`` goes wherever a model id is asked for.

    ``origin`` is what makes it known: a person by the API, a training job, the configuration, or its traffic alone.
    ``serving`` is the version that serves the model where no test claims the traffic. ``versions`` are the ids of a
    model's versions, empty for a version. ``upstream`` is null where it is not known, and for a model itself.
    ``images`` were seen since the start; null where none ever was.
    """

    id: str
    model: str
    version: str
    description: str
    origin: Literal["api", "training", "config", "traffic"]
    created_at: float | None
    serving: str
    versions: list[str]
    upstream: ModelUpstream | None
    metrics: dict[str, float | None]
    images: int | None


class ModelsOut(Out):
    """``items`` are models, each before its versions, and ``left_out`` how many more there are. ``figures`` are of this
    run of the monitor, ``recorded`` what the store holds."""

    items: list[ModelOut]
    left_out: int
    figures: list[ModelFigures]
    recorded: list[RecordedVersion]
