"""The calls about the sidecar itself and the traffic it saw: what to send and how to read the answer."""

from __future__ import annotations

from collections.abc import Mapping

from sidecar.client.calls import Call, Filter, listing, paging, params_of, reading, segment
from sidecar.client.pages import Page
from sidecar.client.records import Event, Overview, Prediction, RelatedPrediction, Sample, Status, Summaries
from sidecar.client.results import Document, Records


def status() -> Call[Status]:
    """How the sidecar is."""
    return Call("GET", "/api/v1/status", reading(Status))


def settings() -> Call[Document]:
    """The effective configuration."""
    return Call("GET", "/api/v1/settings", reading(Document))


def overview(filters: Mapping[str, Filter]) -> Call[Overview]:
    """A range of time."""
    return Call("GET", "/api/v1/overview", reading(Overview), params_of(filters))


def events(filters: Mapping[str, Filter]) -> Call[Records[Event]]:
    """What came about."""
    return Call("GET", "/api/v1/events", listing(Event), params_of(filters))


def predictions_page(filters: Mapping[str, Filter]) -> Call[Page[Prediction]]:
    """One page of predictions."""
    return Call("GET", "/api/v1/predictions", paging(Prediction), params_of(filters))


def prediction(prediction_id: str) -> Call[Prediction]:
    """One prediction."""
    return Call("GET", f"/api/v1/predictions/{segment(prediction_id, 'prediction_id')}", reading(Prediction))


def related_predictions(prediction_id: str) -> Call[Records[RelatedPrediction]]:
    """The other predictions of its request."""
    path = f"/api/v1/predictions/{segment(prediction_id, 'prediction_id')}/related"
    return Call("GET", path, listing(RelatedPrediction))


def summaries(filters: Mapping[str, Filter]) -> Call[Summaries]:
    """Time series of summaries."""
    return Call("GET", "/api/v1/summaries", reading(Summaries), params_of(filters))


def samples_page(filters: Mapping[str, Filter]) -> Call[Page[Sample]]:
    """One page of samples."""
    return Call("GET", "/api/v1/samples", paging(Sample), params_of(filters))


def sample(sample_id: str) -> Call[Sample]:
    """One sample."""
    return Call("GET", f"/api/v1/samples/{segment(sample_id, 'sample_id')}", reading(Sample))


def sample_image(sample_id: str, width: int | None) -> Call[bytes]:
    """The image of a sample, of a width or as it was kept."""
    path = f"/api/v1/samples/{segment(sample_id, 'sample_id')}/image"
    return Call("GET", path, bytes, params_of({"width": width}))
