"""What the API takes and gives, as pydantic types: they check requests and make the OpenAPI document."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

PAGE_MAX = 1_000
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def _seconds(value: object) -> object:
    """A time as epoch seconds: a number, or RFC 3339 with an offset."""
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        if _DATE.match(value) and not str(error).startswith("Invalid isoformat"):
            raise ValueError(f"there is no such day or time: {error}") from None
        raise ValueError("must be epoch seconds or an RFC 3339 time") from None
    if moment.tzinfo is None:
        raise ValueError("must carry an offset, such as Z")
    return moment.timestamp()


TIME_MAX = 1e11
"""The last second there is, in the year 5138."""
Time = Annotated[
    float,
    BeforeValidator(_seconds),
    Field(ge=0, le=TIME_MAX),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": TIME_MAX},
                {"type": "string", "format": "date-time", "pattern": r"^(19[7-9]\d|[2-4]\d{3})-"},
            ],
            "description": "epoch seconds, or RFC 3339 with an offset",
        }
    ),
]
Text = Annotated[str, Field(max_length=500)]


def printable(value: str) -> str:
    """Names go into subjects of mails and into logs: no line breaks, nothing that UTF-8 can't hold."""
    if not value.isprintable():
        raise ValueError("must be one line of printable characters")
    return value


def one_line(value: str) -> str:
    """A line, without space at its ends."""
    return printable(value.strip())


def some_line(value: str) -> str:
    """The same, with something in it."""
    if not value.strip():
        raise ValueError("must not be empty")
    return one_line(value)


def whole(value: object) -> object:
    """JSON has one kind of number: 3.0 is as whole as 3. To stand before a strict int, which takes no text."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


@dataclass(frozen=True, eq=False)
class Described:
    """What the JSON schema says of a type beside what pydantic knows of it: what a validator checks."""

    keywords: dict[str, Any]

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), **self.keywords}


PRINTABLE = Described({"pattern": r"^\s*([^\p{C}\p{Z}]([^\p{C}\p{Z}]| )*)?\s*$"})
"""One line, which may be empty. Space at both ends is taken off."""
PRINTABLE_SOME = Described({"pattern": r"^\s*[^\p{C}\p{Z}]([^\p{C}\p{Z}]| )*\s*$"})
"""One line with something in it."""
Line = Annotated[str, Field(max_length=200), AfterValidator(one_line), PRINTABLE]
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(some_line), PRINTABLE_SOME]


class Query(BaseModel):
    """Query parameters: unknown names are an error, so that a misspelt filter is not silently ignored."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, defer_build=True)


class NoQuery(Query):
    """An endpoint without parameters."""


class PredictionFilters(Query):
    """Filters of predictions; all must hold."""

    model: Text | None = None
    version: Text | None = None
    role: Literal["serving", "control", "treatment", "excluded", "override", "failover", "shadow"] | None = None
    status: str | None = Field(
        None,
        pattern=r"^([0-9]{1,3}|ok|error|undecodable|empty)$",
        description="status sent to the client (0: it left first), or ok, error, undecodable, empty (no detection)",
    )
    label: Text | None = Field(None, description="with a detection of this class at or above the score threshold")
    unit: Text | None = None
    min_confidence: float | None = Field(
        None, ge=0, le=1, description="with a detection at or above the score threshold, of `label`, at least so sure"
    )
    max_confidence: float | None = Field(
        None, ge=0, le=1, description="and at most so sure: one detection lies between both"
    )
    min_latency_ms: float | None = Field(None, ge=0)
    max_latency_ms: float | None = Field(None, ge=0)
    sampled: bool | None = Field(None, description="whether its image was kept and has no audit to wait for")
    since: Time | None = None
    until: Time | None = None


class PredictionsQuery(PredictionFilters):
    """Filters of predictions; all must hold. ``cursor`` is a page's ``next``."""

    cursor: Text | None = None
    limit: int = Field(100, ge=1, le=PAGE_MAX)


class SummariesQuery(Query):
    """The time series to read: buckets of ``width_s`` in [since, until). The default is the last hour."""

    since: Time | None = None
    until: Time | None = None
    width_s: Literal["10", "60", "3600", "86400"] = Field("60", description="width of a bucket in seconds")
    model: Text | None = None
    version: Text | None = None


class SamplesQuery(Query):
    """Filters of samples; all must hold."""

    model: Text | None = None
    reason: Text | None = None
    status: Text | None = None
    cursor: Text | None = None
    limit: int = Field(100, ge=1, le=PAGE_MAX)


class SampleImageQuery(Query):
    """How large. Without ``width`` the image as it was kept."""

    width: Literal["160", "320", "640"] | None = Field(
        None, description="a smaller JPEG, at most so many pixels wide; an image that is no wider as it is"
    )


class Body(BaseModel):
    """A JSON body: unknown names are an error, and so is text, true or false in place of a number."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True, defer_build=True)


class Out(BaseModel):
    """What the API gives."""

    # these describe what is given and check nothing: built only where the description is asked for
    model_config = ConfigDict(extra="forbid", defer_build=True)


Etag = Annotated[str, Field(description="changes with what a person set; for If-Match")]


class DetectionOut(Out):
    """One box: x1, y1, x2, y2 in pixels, or in 0..1 where ``normalised``."""

    label: str
    confidence: float | None
    box: Annotated[list[float | None], Field(min_length=4, max_length=4)]
    normalised: bool


class RecordedPrediction(Out):
    """One image's result. ``detections`` is null where the response could not be read or was an error."""

    prediction_id: str
    request_id: str
    image_index: int
    at: float
    model: str
    version: str
    variant: str
    role: str
    experiment: str
    epoch: int
    unit: str
    slice: str
    dialect: str
    status: int
    error: str
    undecodable: str
    latency_ms: float | None
    upstream_ms: float | None
    first_byte_ms: float | None
    request_bytes: int
    response_bytes: int
    image_width: int
    image_height: int
    score_threshold: float
    client_request_id: str
    trace_id: str
    detections: list[DetectionOut] | None


class PredictionOut(RecordedPrediction):
    """One image's result. ``detections`` is null where the response could not be read or was an error; ``sample_id``
    where no image of it was kept, and while one that the random sample drew waits for its audit."""

    sample_id: str | None


class PredictionsPage(Out):
    """Newest first. ``next`` is the ``cursor`` of the page after this one, null on the last; a page may be short of its
    limit before that."""

    items: list[PredictionOut]
    next: str | None


class RelatedPrediction(Out):
    """A prediction of the same request: of another image, or the other version's answer to a request that was copied
    to a shadow (role ``shadow``: that of the copy)."""

    prediction_id: str
    image_index: int
    at: float
    model: str
    version: str
    role: str
    sample_id: str | None


class RelatedPredictions(Out):
    """Those of the request itself before those of its copy, by image."""

    items: list[RelatedPrediction]


class SampleOut(Out):
    """An image kept for review; its bytes are at ``/api/v1/samples/{sample_id}/image``. While one that the random
    sample drew waits for its audit, ``prediction_id``, ``model`` and ``version`` are empty, and so are ``reasons``."""

    sample_id: str
    prediction_id: str
    dataset_id: str
    model: str
    version: str
    at: float
    reasons: list[str]
    probability: float
    status: str
    media_type: str
    bytes: int
    width: int
    height: int


class SamplesPage(Out):
    """Newest first. ``next`` is the ``cursor`` of the page after this one, null on the last."""

    items: list[SampleOut]
    next: str | None


class Latency(Out):
    """Quantiles in milliseconds; null without requests."""

    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class ModelFigures(Out):
    """One model version in one role since the monitor started. ``errors`` are answers of 5xx."""

    model: str
    version: str
    role: str
    requests: int
    errors: int
    error_rate: float | None
    images: int
    detections: int
    images_without_detections: int
    undecodable: int
    avg_confidence: float | None
    latency: Latency
    classes: dict[str, int]


class RecordedVersion(Out):
    """A model version there are recorded predictions of."""

    model: str
    version: str


class SummaryPoint(Out):
    """One bucket of one model version in one role; ``summary`` holds its counts, moments and histograms."""

    at: int
    width_s: int
    model: str
    version: str
    role: str
    summary: dict[str, Any]


class SummariesOut(Out):
    """Points in order of time. ``unreadable`` counts rows another release wrote in a form this one can't read."""

    since: float
    until: float
    width_s: int
    points: list[SummaryPoint]
    unreadable: int


class FieldErrorOut(Out):
    """One faulty field."""

    field: str
    message: str


class ProblemOut(Out):
    """A problem (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldErrorOut] = []
