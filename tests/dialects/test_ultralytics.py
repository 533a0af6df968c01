"""Ultralytics' responses."""

import pytest

from sidecar.dialects import DialectSettings, Undecodable, decode

ROW = {"class": 0, "name": "person", "confidence": 0.5, "box": {"x1": 1.0, "y1": 2.0, "x2": 30.0, "y2": 40.0}}
ONE = {"images": [{"shape": [480, 640], "results": [ROW], "speed": {"inference": 12.5}}], "metadata": {}}


def test_images_have_their_own_shape(exchange):
    """shape is height, width."""
    (image,) = decode(exchange(ONE, "ultralytics"), DialectSettings())
    assert image.detections.boxes.tolist() == [[1, 2, 30, 40]]
    assert (image.width, image.height, image.detections.labels) == (640, 480, ("person",))


def test_normalised_boxes_are_scaled_to_the_shape(exchange):
    """Boxes asked for in 0..1 become pixels."""
    row = {**ROW, "box": {"x1": 0.5, "y1": 0.5, "x2": 1.0, "y2": 1.0}}
    (image,) = decode(exchange({"images": [{"shape": [480, 640], "results": [row]}]}), DialectSettings())
    assert image.detections.boxes.tolist() == [[320, 240, 640, 480]]


def test_bare_lists_are_one_image_and_nested_ones_several(exchange):
    """Results.to_json() is a list; BentoML's example is a list of them, in a list of batches."""
    for body, images in (([ROW], 1), ([[ROW], []], 2), ([[[ROW], [ROW]]], 2), ([], 1), ([[]], 1)):
        assert len(decode(exchange(body, "ultralytics"), DialectSettings())) == images


def test_oriented_boxes_become_the_rectangle_around_them(exchange):
    """Four corners give an upright box."""
    box = {"x1": 5, "y1": 0, "x2": 10, "y2": 5, "x3": 5, "y3": 10, "x4": 0, "y4": 5}
    (image,) = decode(exchange([{**ROW, "box": box}], "ultralytics"), DialectSettings())
    assert image.detections.boxes.tolist() == [[0, 0, 10, 10]]


def test_rows_without_names_take_them_from_the_settings(exchange):
    """The class index is named by settings.class_names."""
    row = {key: value for key, value in ROW.items() if key != "name"}
    (image,) = decode(exchange([row], "ultralytics"), DialectSettings(class_names=("human",)))
    assert image.detections.labels == ("human",)


@pytest.mark.parametrize(
    "body", [{"images": [{}]}, {"images": [1]}, {}, "x", {"images": [{"results": [{"name": "x"}]}]}]
)
def test_other_bodies_are_undecodable(exchange, body):
    """A body without results is not an image without detections."""
    with pytest.raises(Undecodable):
        decode(exchange(body), DialectSettings(dialect="ultralytics"))
