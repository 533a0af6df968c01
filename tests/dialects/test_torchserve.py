"""TorchServe's object_detector handler and others behind its routes."""

import pytest

from sidecar.dialects import DialectSettings, Undecodable, decode


def test_the_class_is_the_name_of_the_field(exchange):
    """Rows of {"<class>": box, "score": s}, in any order of fields."""
    body = [{"person": [1.0, 2.0, 30.0, 40.0], "score": 0.5}, {"score": 0.75, "car": [5.0, 6.0, 7.0, 8.0]}]
    (image,) = decode(exchange(body, "torchserve"), DialectSettings())
    assert image.detections.boxes.tolist() == [[5, 6, 7, 8], [1, 2, 30, 40]]
    assert [image.detections.labels[i] for i in image.detections.classes] == ["car", "person"]
    assert len(decode(exchange([body, body], "torchserve"), DialectSettings())) == 2


def test_the_older_handlers_text_is_read(exchange):
    """Corners in a text and no score: what the handler reported counts in full."""
    (image,) = decode(exchange([{"dog": "[(167.42, 57.03), (301.36, 436.68)]"}], "torchserve"), DialectSettings())
    assert image.detections.boxes[0].tolist() == pytest.approx([167.42, 57.03, 301.36, 436.68])
    assert image.detections.scores.tolist() == [1.0]


def test_other_handlers_objects_are_read(exchange):
    """A custom handler that writes Ultralytics' or Hugging Face's rows is understood behind the same route."""
    for row in (
        {"score": 0.9, "label": "cat", "box": {"xmin": 1, "ymin": 2, "xmax": 3, "ymax": 4}},
        {"name": "cat", "confidence": 0.9, "box": {"x1": 1, "y1": 2, "x2": 3, "y2": 4}},
        {"bbox": [1, 2, 3, 4], "score": 0.9, "class": "cat"},
    ):
        (image,) = decode(exchange([row], "torchserve"), DialectSettings())
        assert (image.detections.boxes.tolist(), image.detections.labels) == ([[1, 2, 3, 4]], ("cat",))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"code": 503, "type": "ServiceUnavailableException", "message": "busy"}, "error_reply"),
        ({"tiger": 0.9, "lion": 0.1}, "unknown_format"),
        ([{"car": 4, "person": 2}], "unknown_format"),
        ([{"dog": "[(1, 2)]"}], "shape"),
        ([{"dog": [1, 2, 3, 4], "score": 0.5}, {"dog": [1, 2, 3]}], "shape"),
        ([[], 5], "shape"),
    ],
)
def test_other_bodies_are_undecodable(exchange, body, reason):
    """Classifiers, counters and errors are no detections and not none."""
    with pytest.raises(Undecodable) as caught:
        decode(exchange(body), DialectSettings(dialect="torchserve"))
    assert caught.value.reason == reason
