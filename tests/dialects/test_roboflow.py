"""Roboflow's responses."""

import pytest

from sidecar.dialects import DialectSettings, Undecodable, decode

ROW = {"x": 100.0, "y": 50.0, "width": 20.0, "height": 10.0, "confidence": 0.5, "class": "bolt", "class_id": 3}
ONE = {
    "predictions": [ROW, {**ROW, "confidence": 0.75, "class": "nut"}],
    "image": {"width": 640, "height": 480},
    "time": 0.1,
}


def test_centres_become_corners_in_pixels(exchange):
    """x, y is the centre; the response says the size of the image."""
    (image,) = decode(exchange(ONE, "roboflow"), DialectSettings())
    assert image.detections.boxes.tolist() == [[90, 45, 110, 55]] * 2
    assert [image.detections.labels[i] for i in image.detections.classes] == ["nut", "bolt"]
    assert (image.width, image.height) == (640, 480)


def test_a_list_is_several_images(exchange):
    """A request of several images is answered with a list, each with its own size."""
    empty = {"predictions": [], "image": {"width": "32", "height": "16"}}
    images = decode(exchange([ONE, empty], "roboflow"), DialectSettings())
    assert [len(image.detections.scores) for image in images] == [2, 0]
    assert (images[1].width, images[1].height) == (32, 16)


def test_sizes_in_a_list_belong_to_the_lists_of_predictions(exchange):
    """The older form has one object with lists of predictions and of sizes."""
    size = {"width": 640, "height": 480}
    (image,) = decode(exchange({"predictions": [ROW], "image": [size]}, "roboflow"), DialectSettings())
    assert image.width == 640
    images = decode(exchange({"predictions": [[ROW], []], "image": [size, size]}, "roboflow"), DialectSettings())
    assert [len(image.detections.scores) for image in images] == [1, 0]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"message": "Forbidden"}, "missing_output"),
        ({"predictions": {"cat": {"confidence": 0.5}}, "image": {}}, "shape"),
        ({"predictions": [{"class": "cat", "confidence": 0.9}], "image": {}}, "shape"),
        ({"predictions": [{**ROW, "confidence": "high"}]}, "shape"),
        ({"predictions": [{**ROW, "confidence": 50}]}, "values"),
        ({"predictions": [{**ROW, "class": 5, "class_id": None}]}, "missing_output"),
        ([], "unknown_format"),
    ],
)
def test_other_bodies_are_undecodable(exchange, body, reason):
    """Classifications, errors and odd values are no detections and not none."""
    with pytest.raises(Undecodable) as caught:
        decode(exchange(body), DialectSettings(dialect="roboflow"))
    assert caught.value.reason == reason
