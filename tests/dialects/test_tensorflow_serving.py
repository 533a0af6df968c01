"""TensorFlow Serving and KServe V1."""

import pytest

from sidecar.dialects import DialectSettings, Undecodable, decode

ROW = {
    "detection_boxes": [[0.1, 0.2, 0.5, 0.6], [0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]],
    "detection_scores": [0.5, 0.75, 0.0],
    "detection_classes": [1.0, 2.0, 1.0],
    "num_detections": 2.0,
    "raw_detection_boxes": [[0.0, 0.0, 0.0, 0.0]] * 5,
    "detection_multiclass_scores": [[0.5, 0.5]] * 3,
}
NAMES = DialectSettings(class_names=("background", "person", "car"))


def test_rows_are_images_with_boxes_turned_to_xyxy(exchange):
    """[ymin, xmin, ymax, xmax] in 0..1 becomes x1, y1, x2, y2, marked normalised; padding is cut."""
    images = decode(exchange({"predictions": [ROW, ROW]}, "tensorflow_serving"), NAMES)
    assert len(images) == 2
    found = images[1].detections
    assert found.boxes[1].tolist() == pytest.approx([0.2, 0.1, 0.6, 0.5])
    assert [found.labels[i] for i in found.classes] == ["car", "person"]
    assert found.normalised


def test_columns_are_the_same_images_as_rows(exchange):
    """The column format of several images says the same as the row format."""
    columns = {name: [value, value] for name, value in ROW.items()}
    by_column = decode(exchange({"outputs": columns}, "tensorflow_serving"), NAMES)
    by_row = decode(exchange({"predictions": [ROW, ROW]}, "tensorflow_serving"), NAMES)
    assert [image.detections.boxes.tolist() for image in by_column] == [
        image.detections.boxes.tolist() for image in by_row
    ]


def test_boxes_become_pixels_where_the_request_tells_the_size(exchange):
    """A PNG head in the request gives the frame of the boxes."""
    png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (200).to_bytes(4, "big") + (100).to_bytes(4, "big")
    (image,) = decode(exchange({"predictions": [ROW]}, "tensorflow_serving", head=png), NAMES)
    assert image.detections.boxes[0].tolist() == [0, 0, 200, 100]
    assert (image.width, image.height, image.detections.normalised) == (200, 100, False)


def test_custom_v1_servers_give_lists_of_objects(exchange):
    """KServe V1's predictions may be objects in Hugging Face's form, one list a image or one flat list."""
    objects = [{"score": 0.9, "label": "cat", "box": {"xmin": 10, "ymin": 20, "xmax": 30, "ymax": 40}}]
    for predictions in ([objects], objects, [{"detections": objects}]):
        (image,) = decode(exchange({"predictions": predictions}, "tensorflow_serving"), DialectSettings())
        assert image.detections.boxes.tolist() == [[10, 20, 30, 40]]
        assert image.detections.labels == ("cat",)


def test_vertex_boxes_are_x_x_y_y(exchange):
    """Vertex AI names its columns differently and orders the numbers its own way."""
    item = {"ids": ["1"], "displayNames": ["cat"], "confidences": [0.5], "bboxes": [[0.1, 0.3, 0.2, 0.4]]}
    (image,) = decode(exchange({"predictions": [item]}, "tensorflow_serving"), DialectSettings())
    assert image.detections.boxes[0].tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"error": "Malformed request"}, "error_reply"),
        ({"predictions": [[0.1, 0.9]]}, "unknown_format"),
        ({"predictions": [{"probabilities": [0.1, 0.9]}]}, "missing_output"),
        ({"predictions": [{**ROW, "num_detections": 7}]}, "values"),
        ({"predictions": [{**ROW, "num_detections": 1.5}]}, "values"),
        ({"predictions": [{**ROW, "detection_classes": [1.5, 2.0, 3.0]}]}, "values"),
        ({"predictions": [{**ROW, "detection_scores": [0.5]}]}, "shape"),
        ({"predictions": ["cat"]}, "unknown_format"),
        ({}, "unknown_format"),
        ([], "unknown_format"),
    ],
)
def test_other_predictions_are_undecodable(exchange, body, reason):
    """Classifiers' answers, errors and impossible counts are no detections and not none."""
    with pytest.raises(Undecodable) as caught:
        decode(exchange(body), DialectSettings(dialect="tensorflow_serving"))
    assert caught.value.reason == reason
