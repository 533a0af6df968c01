"""Columns to detections: order, corners, names."""

import numpy as np
import pytest

from sidecar.dialects.columns import Frame, one_image
from sidecar.dialects.finishing import finish
from sidecar.dialects.terms import DecodedImage, DialectSettings, Undecodable

PLAIN = DialectSettings()


def image_of(*columns) -> DecodedImage:
    """One image's columns, finished."""
    (outcome,) = finish([one_image(*columns)])
    if isinstance(outcome, Undecodable):
        raise outcome
    return outcome


def boxes(count: int) -> np.ndarray:
    return np.array([[10.0 * i, 5.0, 10.0 * i + 8, 25.0] for i in range(1, count + 1)])


@pytest.mark.parametrize("count", [3, 600])
def test_equal_scores_keep_their_order(count):
    """Sorting is stable, in lists and in arrays alike."""
    scores = np.tile([0.5, 0.5, 0.75], count // 3)
    found = image_of(boxes(count), scores, np.arange(count), Frame(), PLAIN).detections
    names = [int(found.labels[i]) for i in found.classes]
    assert names == [i for i in range(count) if i % 3 == 2] + [i for i in range(count) if i % 3 != 2]


@pytest.mark.parametrize(
    ("box_format", "box"),
    [
        ("xyxy", [10, 20, 30, 60]),
        ("yxyx", [20, 10, 60, 30]),
        ("xxyy", [10, 30, 20, 60]),
        ("xywh", [10, 20, 20, 40]),
        ("cxcywh", [20, 40, 20, 40]),
    ],
)
def test_every_box_format_gives_the_same_corners(box_format, box):
    """One box in five notations; the settings' notation wins over the dialect's."""
    arguments = (np.array([box], np.float64), np.array([0.5]), ["cat"])
    by_frame = image_of(*arguments, Frame(box_format=box_format), PLAIN)
    by_settings = image_of(*arguments, Frame(box_format="xyxy"), DialectSettings(box_format=box_format))
    assert by_frame.detections.boxes.tolist() == by_settings.detections.boxes.tolist() == [[10, 20, 30, 60]]


def test_a_box_turned_inside_out_is_turned_back_and_kept():
    """One in three is noise of the model; most of them are another format."""
    turned = boxes(3)
    turned[1] = turned[1][[2, 3, 0, 1]]
    kept = image_of(turned, np.array([0.9, 0.8, 0.7]), ["a", "b", "c"], Frame(), PLAIN)
    assert kept.detections.boxes.tolist() == boxes(3).tolist()
    with pytest.raises(Undecodable, match="set box_format"):
        image_of(boxes(3)[:, [2, 3, 0, 1]], np.array([0.9, 0.8, 0.7]), ["a", "b", "c"], Frame(), PLAIN)


def test_two_indices_of_one_name_share_a_label():
    """Labels are distinct even where two indices have the same name."""
    named = DialectSettings(class_names=("2", "cat", "cat"))
    found = image_of(boxes(3), np.array([0.9, 0.8, 0.7]), np.array([1, 2, 0]), Frame(), named).detections
    assert found.labels == ("cat", "2")
    assert found.classes.tolist() == [0, 0, 1]


def test_normalised_boxes_stay_so_where_no_size_is_known():
    """0..1 is marked; with a size it becomes pixels; a setting overrules the values."""
    box, score = np.array([[0.25, 0.5, 0.75, 1.0]]), np.array([0.5])
    assert image_of(box, score, ["a"], Frame(), PLAIN).detections.normalised
    scaled = image_of(box, score, ["a"], Frame(200, 100), PLAIN).detections
    assert (scaled.boxes.tolist(), scaled.normalised) == ([[50, 50, 150, 100]], False)
    said = image_of(box, score, ["a"], Frame(200, 100), DialectSettings(normalised=False)).detections
    assert said.boxes.tolist() == box.tolist()


@pytest.mark.parametrize("score", [np.nan, np.inf, -0.5, 1.5])
@pytest.mark.parametrize("count", [3, 600])
def test_impossible_scores_are_undecodable(score, count):
    """One bad score makes the reply unreadable, it is not dropped."""
    scores = np.full(count, 0.5)
    scores[1] = score
    with pytest.raises(Undecodable) as caught:
        image_of(boxes(count), scores, np.zeros(count), Frame(), PLAIN)
    assert caught.value.reason == "values"


def test_scores_a_little_over_one_are_one():
    """Half precision rounds up; that is no fault."""
    found = image_of(boxes(1), np.array([1.0005]), ["a"], Frame(), PLAIN).detections
    assert found.scores.tolist() == [1.0]
