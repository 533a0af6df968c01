"""What the API takes to export predictions and detections, and what a line of a file holds."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sidecar.api.schemas import Out, PredictionFilters, Text


class ExportQuery(PredictionFilters):
    """The format, and filters that must all hold. Without ``until``: up to now, whatever comes while it is read."""

    format: Literal["jsonl", "csv", "parquet"] = Field("jsonl", description="of the file")


class DetectionsExportQuery(ExportQuery):
    """Of which predictions, and which of their detections: those of the class ``label``, those at least, and at most,
    so sure. Without these all that were recorded, also those under the score threshold."""

    label: Text | None = None
    min_confidence: float | None = Field(None, ge=0, le=1)
    max_confidence: float | None = Field(None, ge=0, le=1)


class DetectionRow(Out):
    """A row of an export of detections; ``index`` is its place among those of its image, as feedback names it. The box
    is in pixels, or in 0..1 where ``normalised``."""

    prediction_id: str
    at: float
    model: str
    version: str
    role: str
    image_width: int
    image_height: int
    index: int
    label: str
    confidence: float | None
    x1: float | None
    y1: float | None
    x2: float | None
    y2: float | None
    normalised: bool
