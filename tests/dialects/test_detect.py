"""The dialect read off the body."""

import pytest

from sidecar.dialects import DialectSettings, Undecodable, decode

CAT = [1.0, 2.0, 30.0, 40.0]
CORNERS = {"x1": 1, "y1": 2, "x2": 30, "y2": 40}

BODIES = {
    "kserve_v2": {
        "outputs": [
            {"name": "boxes", "shape": [1, 4], "datatype": "FP32", "data": CAT},
            {"name": "scores", "shape": [1], "datatype": "FP32", "data": [0.5]},
            {"name": "labels", "shape": [1], "datatype": "BYTES", "data": ["cat"]},
        ]
    },
    "v1_columns": {"predictions": [{"boxes": [CAT], "scores": [0.5], "labels": ["cat"]}]},
    "torchserve": [{"cat": CAT, "score": 0.5}],
    "roboflow": {
        "predictions": [{"x": 15.5, "y": 21, "width": 29, "height": 38, "confidence": 0.5, "class": "cat"}],
        "image": {"width": 640, "height": 480},
    },
    "ultralytics": {"images": [{"shape": [9, 9], "results": [{"name": "cat", "confidence": 0.5, "box": CORNERS}]}]},
    "hugging_face": [{"score": 0.5, "label": "cat", "box": {"xmin": 1, "ymin": 2, "xmax": 30, "ymax": 40}}],
    "deepstack": {
        "success": True,
        "predictions": [{"label": "cat", "confidence": 0.5, "x_min": 1, "y_min": 2, "x_max": 30, "y_max": 40}],
    },
    "litserve": {"boxes": [CAT], "scores": [0.5], "labels": ["cat"]},
    "torchvision": [{"boxes": [CAT], "scores": [0.5], "labels": ["cat"]}],
    "detections": {"detections": [{"bbox": CAT, "confidence": 0.5, "class_name": "cat"}]},
    "detections_of_images": {"detections": [[{"bbox": CAT, "confidence": 0.5, "class_name": "cat"}]]},
}


@pytest.mark.parametrize("name", BODIES)
def test_every_known_shape_is_recognised_without_a_hint(exchange, name):
    """One cat at the same place, told in many ways."""
    (image,) = decode(exchange(BODIES[name]), DialectSettings())
    assert image.detections.boxes.tolist() == [CAT]
    assert image.detections.scores.tolist() == [0.5]
    assert image.detections.labels == ("cat",)


@pytest.mark.parametrize("name", BODIES)
def test_a_wrong_hint_gives_way_to_the_body(exchange, name):
    """A route's dialect is a guess; the body knows better."""
    for hint in ("kserve_v2", "torchserve", "roboflow"):
        (image,) = decode(exchange(BODIES[name], hint), DialectSettings())
        assert image.detections.boxes.tolist() == [CAT]


def test_ratios_of_the_cloud_services_are_read(exchange):
    """Azure, Rekognition (percent) and MXNet (padding of class -1) give boxes in 0..1."""
    box = {"Left": 0.25, "Top": 0.5, "Width": 0.25, "Height": 0.25}
    bodies = [
        {"id": "1", "predictions": [
            {"probability": 0.5, "tagName": "cat",
             "boundingBox": {"left": 0.25, "top": 0.5, "width": 0.25, "height": 0.25}}]},
        {"CustomLabels": [{"Name": "cat", "Confidence": 50.0, "Geometry": {"BoundingBox": box}}]},
        {"Labels": [{"Name": "cat", "Instances": [{"BoundingBox": box, "Confidence": 50.0}]},
                    {"Name": "sky", "Instances": []}]},
        {"prediction": [[0.0, 0.5, 0.25, 0.5, 0.5, 0.75], [-1.0, -1.0, -1.0, -1.0, -1.0, -1.0]]},
    ]  # fmt: skip
    for body in bodies:
        (image,) = decode(exchange(body), DialectSettings(class_names=("cat",)))
        assert image.detections.boxes.tolist() == [[0.25, 0.5, 0.5, 0.75]]
        assert (image.detections.labels, image.detections.normalised) == (("cat",), True)


@pytest.mark.parametrize("body", [[], [[]], {"success": True, "predictions": []}, {"detections": []}])
def test_empty_lists_of_known_shapes_are_images_without_detections(exchange, body):
    """A detector that found nothing answers with an empty list."""
    (image,) = decode(exchange(body), DialectSettings())
    assert len(image.detections.scores) == 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "unknown_format"),
        ({"detail": "Not Found"}, "unknown_format"),
        ({"error": "unknown model"}, "error_reply"),
        ({"success": False, "message": "no camera"}, "error_reply"),
        ("cat", "unknown_format"),
        (7, "unknown_format"),
        (None, "unknown_format"),
        ([1, 2, 3], "unknown_format"),
        ([{"label": "cat", "score": 0.9}], "unknown_format"),
        ({"predictions": [{"label": "cat", "probability": 0.5}]}, "missing_output"),
    ],
)
def test_unknown_bodies_and_errors_are_undecodable(exchange, body, reason):
    """What no dialect knows is said to be so, never counted as an empty image."""
    with pytest.raises(Undecodable) as caught:
        decode(exchange(body), DialectSettings())
    assert caught.value.reason == reason
