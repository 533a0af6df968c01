"""From an exchange to its predictions."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from sidecar.dialects import DecodedImage, Undecodable
from sidecar.monitor.predictions import LABEL_MAX, is_answer, predictions_of
from sidecar.types import Detections, Exchange, Prediction
from tests.kit.build import exchange

NOTHING = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32), (), normalised=False)


def images(count: int) -> list[DecodedImage]:
    return [DecodedImage(NOTHING, 640, 480) for _ in range(count)]


def test_one_image_bears_the_request_id() -> None:
    """A request with one image makes one prediction under the id that went out."""
    (prediction,) = predictions_of(exchange(), images(1), 0.25)
    assert (prediction.prediction_id, prediction.request_id) == (exchange().prediction_id,) * 2
    assert (prediction.image_width, prediction.image_height) == (640, 480)


def test_several_images_are_numbered() -> None:
    """ID.0, ID.1, ... of one request."""
    found = predictions_of(exchange(prediction_id="x"), images(3), 0.25)
    assert [item.prediction_id for item in found] == ["x.0", "x.1", "x.2"]
    assert {item.request_id for item in found} == {"x"}


def test_unreadable_answer_keeps_its_reason() -> None:
    """What can't be read is a prediction without detections and with a reason, not an empty image."""
    (prediction,) = predictions_of(exchange(), Undecodable("not_json", "byte 1"), 0.25)
    assert (prediction.detections, prediction.undecodable) == (None, "not_json")


@pytest.mark.parametrize("failed", [{"status": 500}, {"status": 0, "error": "client_gone"}, {"error": "truncated"}])
def test_failed_exchange_is_not_read(failed: dict[str, Any]) -> None:
    """An error is neither undecodable nor an image without detections."""
    seen = replace(exchange(), **failed)
    assert not is_answer(seen)
    (prediction,) = predictions_of(seen, None, 0.25)
    assert (prediction.detections, prediction.undecodable) == (None, "")


def test_client_ids_are_kept() -> None:
    """The client's request id and the trace it belongs to can be found again."""
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = (("x-request-id", "r-1"), ("traceparent", f"00-{trace}-00f067aa0ba902b7-01"))
    (prediction,) = predictions_of(exchange(request_headers=headers), images(1), 0.25)
    assert (prediction.client_request_id, prediction.trace_id) == ("r-1", trace)


def test_endless_class_names_are_cut_and_stay_apart() -> None:
    """Every summary keeps each name: no model has such names, but an answer may."""
    names = tuple("x" * 300 + end for end in ("a", "b"))
    found = Detections(np.zeros((2, 4), np.float32), np.ones(2, np.float32), np.array([0, 1], np.int32), names)
    (prediction,) = predictions_of(exchange(), [DecodedImage(found, 640, 480)], 0.25)
    assert prediction.detections is not None
    labels = prediction.detections.labels
    assert len(set(labels)) == 2
    assert max(map(len, labels)) <= LABEL_MAX + 9


def test_every_field_comes_from_the_one_of_its_name() -> None:
    """A prediction repeats its exchange, and nothing of it stands in the wrong place."""
    kinds: dict[str, Any] = {"str": "text-{}", "int": 0, "float": 0.5}
    of_both = {item.name for item in fields(Prediction)} & {item.name for item in fields(Exchange)}
    values = {
        item.name: kinds["str"].format(place) if item.type == "str" else kinds[str(item.type)] + place
        for place, item in enumerate(fields(Exchange))
        if item.name in of_both and str(item.type) in kinds
    }
    seen = replace(exchange(), **values)
    (prediction,) = predictions_of(seen, images(1), 0.25)
    assert {name: getattr(prediction, name) for name in of_both} == {name: getattr(seen, name) for name in of_both}
    assert len(values) > 15
