"""KServe V2: JSON and binary tensors, in the shapes that Triton and MLServer give."""

import numpy as np
import pytest

from sidecar.dialects import DialectSettings, Undecodable, decode

BOXES = [[10.0, 20.0, 110.0, 220.0], [5.0, 6.0, 50.0, 60.0]]


def test_json_outputs_give_boxes_sorted_by_score(exchange, v2_json):
    """Flat JSON data with MLServer's [N, 1] scores is read, highest score first."""
    body = v2_json(
        ("boxes", [2, 4], "FP32", [*BOXES[0], *BOXES[1]]),
        ("scores", [2, 1], "FP32", [0.4, 0.9]),
        ("classes", [2], "INT64", [7, 2]),
    )
    (image,) = decode(exchange(body, "kserve_v2"), DialectSettings(class_names=("person", "bicycle", "car")))
    assert image.detections.boxes.tolist() == [BOXES[1], BOXES[0]]
    assert image.detections.scores.tolist() == pytest.approx([0.9, 0.4])
    assert [image.detections.labels[i] for i in image.detections.classes] == ["car", "7"]
    assert image.model_version == "3"
    assert not image.detections.normalised
    assert (image.detections.boxes.dtype, image.detections.classes.dtype) == (np.float32, np.int32)


@pytest.mark.parametrize("prefix", ["det", "detection"])
def test_padded_binary_tensors_are_cut_by_their_count(exchange, v2_binary, prefix):
    """EfficientNMS pads every image to N slots; num_det says how many of them count."""
    boxes = np.zeros((2, 5, 4), "<f4")
    boxes[0, 0], boxes[1, :2] = BOXES[0], BOXES
    scores = np.zeros((2, 5), "<f4")
    scores[0, 0], scores[1, :2] = 0.5, (0.75, 0.25)
    count = "num_det" if prefix == "det" else "num_detections"
    body, fields = v2_binary(
        (count, "INT32", np.array([[1], [2]], "<i4"), [2, 1]),
        (f"{prefix}_boxes", "FP32", boxes, [2, 5, 4]),
        (f"{prefix}_scores", "FP32", scores, [2, 5]),
        (f"{prefix}_classes", "INT32", np.zeros((2, 5), "<i4"), [2, 5]),
    )
    first, second = decode(exchange(body, "kserve_v2", response_headers=fields), DialectSettings())
    assert first.detections.boxes.tolist() == [BOXES[0]]
    assert second.detections.boxes.tolist() == BOXES
    assert second.detections.labels == ("0",)


@pytest.mark.parametrize(("datatype", "dtype"), [("FP16", "<f2"), ("FP64", "<f8"), ("INT64", "<i8"), ("UINT16", "<u2")])
def test_boxes_of_any_number_type_are_read(exchange, v2_binary, datatype, dtype):
    """Half and double precision and integers all become float32 boxes."""
    body, fields = v2_binary(
        ("boxes", datatype, np.array(BOXES, dtype), [2, 4]),
        ("scores", "FP16", np.array([0.5, 0.25], "<f2"), [2]),
        ("labels", "BYTES", b"\x03\0\0\0car\x06\0\0\0person", [2]),
    )
    (image,) = decode(exchange(body, response_headers=fields), DialectSettings())
    assert image.detections.boxes.tolist() == BOXES
    assert image.detections.labels == ("car", "person")


def test_a_single_output_of_six_columns_is_boxes_score_and_class(exchange, v2_json):
    """YOLO's end-to-end export gives one [B, N, 6] tensor under any name."""
    rows = [[*BOXES[0], 0.9, 1.0], [*BOXES[1], 0.3, 0.0]]
    body = v2_json(("output0", [1, 2, 6], "FP32", [number for row in rows for number in row]))
    (image,) = decode(exchange(body, "kserve_v2"), DialectSettings(class_names=("a", "b")))
    assert image.detections.labels == ("b", "a")
    assert image.detections.boxes.tolist() == BOXES


def test_rows_of_seven_columns_belong_to_the_image_they_name(exchange, v2_json):
    """YOLOv7's export begins every row with the index of its image."""
    rows = [[0, *BOXES[0], 2, 0.5], [2, *BOXES[1], 1, 0.25]]
    body = v2_json(("output", [2, 7], "FP32", [number for row in rows for number in row]))
    images = decode(exchange(body, "kserve_v2"), DialectSettings())
    assert [len(image.detections.scores) for image in images] == [1, 0, 1]
    assert images[2].detections.labels == ("1",)


def test_configured_outputs_override_the_names(exchange, v2_json):
    """settings.outputs names tensors that no rule knows."""
    body = v2_json(("a", [1, 4], "FP32", BOXES[0]), ("b", [1], "FP32", [0.5]), ("c", [1], "INT32", [0]))
    settings = DialectSettings(outputs={"boxes": "a", "scores": "b", "classes": "c"}, box_format="yxyx")
    (image,) = decode(exchange(body, "kserve_v2"), settings)
    assert image.detections.boxes.tolist() == [[20, 10, 220, 110]]
    with pytest.raises(Undecodable) as caught:
        decode(exchange(body, "kserve_v2"), DialectSettings())
    assert caught.value.reason == "missing_output"


def test_no_boxes_is_an_image_without_detections(exchange, v2_json):
    """Empty tensors are an answer: one image, nothing in it."""
    body = v2_json(("boxes", [0, 4], "FP32", []), ("scores", [0], "FP32", []), ("classes", [0], "INT64", []))
    (image,) = decode(exchange(body, "kserve_v2"), DialectSettings())
    assert image.detections.boxes.shape == (0, 4)
    assert image.detections.labels == ()


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        ([("boxes", [2, 4], "FP32", [1.0] * 7), ("scores", [2], "FP32", [0.5, 0.5])], "shape"),
        ([("boxes", [2, 4], "FP32", [1.0] * 8), ("scores", [3], "FP32", [0.5] * 3)], "shape"),
        ([("boxes", [1, 4], "FP32", [1.0] * 4)], "missing_output"),
        ([("boxes", [1, 4], "FP32", [1.0] * 4), ("scores", [1], "FP32", [7.5])], "values"),
        ([("boxes", [1, 4], "FP32", [1e30] * 4), ("scores", [1], "FP32", [0.5])], "values"),
        ([("boxes", [1, 4], "FP32", [9.0, 9.0, 1.0, 1.0]), ("scores", [1], "FP32", [0.5])], "values"),
        ([("boxes", [1, 4], "FP32", [None] * 4), ("scores", [1], "FP32", [0.5])], "values"),
        ([("output0", [1, 84, 10], "FP32", [0.0] * 840)], "shape"),
        ([("probabilities", [1, 1000], "FP32", [0.0] * 1000)], "missing_output"),
    ],
)
def test_outputs_that_do_not_fit_are_undecodable(exchange, v2_json, outputs, reason):
    """What cannot be read is reported with its reason, never as no detections."""
    with pytest.raises(Undecodable) as caught:
        decode(exchange(v2_json(*outputs), "kserve_v2"), DialectSettings())
    assert caught.value.reason == reason


def test_nan_in_a_binary_tensor_is_undecodable(exchange, v2_binary):
    """A NaN score or box is no detection and no reason to drop the others silently."""
    for boxes, scores in (([np.nan, 0, 1, 1], [0.5]), ([0, 0, 1, 1], [np.nan]), ([0, 0, np.inf, 1], [0.5])):
        body, fields = v2_binary(
            ("boxes", "FP32", np.array([boxes], "<f4"), [1, 4]), ("scores", "FP32", np.array(scores, "<f4"), [1])
        )
        with pytest.raises(Undecodable) as caught:
            decode(exchange(body, "kserve_v2", response_headers=fields), DialectSettings())
        assert caught.value.reason == "values"


def test_a_cut_off_binary_reply_is_truncated(exchange, v2_binary):
    """Tensors that end early say so."""
    body, fields = v2_binary(("boxes", "FP32", np.zeros((2, 4), "<f4"), [2, 4]))
    for end in (len(body) - 1, 20):
        with pytest.raises(Undecodable) as caught:
            decode(exchange(body[:end], "kserve_v2", response_headers=fields), DialectSettings())
        assert caught.value.reason == "truncated"


def test_pixel_boxes_of_tensorflow_classes_are_yxyx(exchange, v2_json):
    """Triton serving a TensorFlow model has TensorRT's names with float classes, and its own order of corners."""
    body = v2_json(
        ("detection_boxes", [1, 1, 4], "FP32", [0.1, 0.2, 0.3, 0.4]),
        ("detection_scores", [1, 1], "FP32", [0.5]),
        ("detection_classes", [1, 1], "FP32", [1.0]),
    )
    (image,) = decode(exchange(body, "kserve_v2"), DialectSettings())
    assert image.detections.boxes[0].tolist() == pytest.approx([0.2, 0.1, 0.4, 0.3])
    assert image.detections.normalised


def test_scores_of_every_class_give_the_best_one(exchange, v2_json):
    """[N, C] scores without classes: the class is where the score is highest."""
    body = v2_json(("boxes", [2, 4], "FP32", BOXES), ("scores", [2, 3], "FP32", [[0.1, 0.8, 0.1], [0.2, 0.1, 0.6]]))
    (image,) = decode(exchange(body, "kserve_v2"), DialectSettings(class_names=("a", "b", "c")))
    assert [image.detections.labels[i] for i in image.detections.classes] == ["b", "c"]
