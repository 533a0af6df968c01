"""Detections held against labels."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.experiments.pairs import IncomparableError, iou_matrix
from sidecar.feedback import match_labels
from sidecar.feedback.matching import MATCHED_MAX
from sidecar.types import Detections, Label
from tests.feedback.conftest import detected

BOX = (0.0, 0.0, 10.0, 10.0)
LOW = (0.0, 0.0, 10.0, 4.0)
"""Overlaps BOX by 0.4."""
FAR = (50.0, 50.0, 60.0, 60.0)


def outcomes(detections: Detections, *labels: Label) -> tuple[list[str], tuple[int, ...]]:
    matching = match_labels(detections, 0.25, labels)
    return [found.outcome for found in matching.outcomes], matching.missed


@pytest.mark.parametrize(
    ("name", "box", "expected"),
    [
        ("car", BOX, (["true"], ())),
        ("car", (0.0, 0.0, 10.0, 5.0), (["true"], ())),  # an IoU of 0.5 exactly
        ("bus", BOX, (["wrong_label"], ())),
        ("car", LOW, (["wrong_box"], ())),
        ("car", (0.0, 0.0, 10.0, 1.0), (["wrong_box"], ())),  # 0.1 exactly
        ("bus", LOW, (["false_positive"], (0,))),
        ("car", (0.0, 0.0, 10.0, 0.9), (["false_positive"], (0,))),
        ("car", FAR, (["false_positive"], (0,))),
    ],
)
def test_a_detection_and_a_label_are_held_against_each_other(
    name: str, box: tuple[float, float, float, float], expected: tuple[list[str], tuple[int, ...]]
) -> None:
    """By class and overlap: from 0.5 on it is the object, from 0.1 on the object with a box that does not fit."""
    assert outcomes(detected((name, 0.9, box)), Label("car", BOX)) == expected


def test_what_is_under_the_operating_point_does_not_count() -> None:
    """Neither for nor against; one that is exactly at it counts, though float32 makes it a little less."""
    found = detected(("car", 0.7, BOX), ("bus", 0.699, FAR))
    matching = match_labels(found, 0.7, [Label("car", BOX)])
    assert [(one.place, one.outcome) for one in matching.outcomes] == [(0, "true")]
    assert matching.right


def test_a_second_box_of_an_object_is_a_false_positive() -> None:
    """Each label is found once, by the box that overlaps it most; order is by score, places are those given."""
    found = detected(("car", 0.6, (0, 0, 10, 9)), ("car", 0.9, (0, 0, 10, 8)))
    matching = match_labels(found, 0.25, [Label("car", BOX)])
    assert [(one.place, one.outcome) for one in matching.outcomes] == [(1, "false_positive"), (0, "true")]


def test_of_equal_overlaps_the_surer_one_is_right() -> None:
    """Two equal boxes on one object."""
    matching = match_labels(detected(("car", 0.5, BOX), ("car", 0.8, BOX)), 0.25, [Label("car", BOX)])
    assert [(one.place, one.outcome) for one in matching.outcomes] == [(1, "true"), (0, "false_positive")]


def test_classes_go_first() -> None:
    """A car and a bus at one place, both labelled: neither is a wrong label, however they overlap."""
    found = detected(("bus", 0.9, BOX), ("car", 0.8, BOX))
    assert outcomes(found, Label("car", BOX), Label("bus", BOX)) == (["true", "true"], ())


def test_nothing_found_where_nothing_is_is_right() -> None:
    """And labels without any detection are all missed."""
    assert match_labels(detected(), 0.25, []).right
    assert outcomes(detected(), Label("car", BOX), Label("car", FAR)) == ([], (0, 1))


def test_normalised_boxes_need_the_size_of_the_image() -> None:
    """With it they match labels in pixels."""
    found = detected(("car", 0.9, (0, 0, 0.5, 0.5)), normalised=True)
    assert match_labels(found, 0.25, [Label("car", (0, 0, 320, 240))], width=640, height=480).right
    with pytest.raises(IncomparableError):
        match_labels(found, 0.25, [Label("car", (0, 0, 320, 240))])


def test_what_is_beyond_the_bound_is_wrong() -> None:
    """More detections than labels may be drawn."""
    n = MATCHED_MAX + 1
    boxes = np.array([[20 * i, 0, 20 * i + 10, 10] for i in range(n)], np.float32)
    found = Detections(boxes, np.full(n, 0.9, np.float32), np.zeros(n, np.int32), ("car",))
    matching = match_labels(found, 0.25, [Label("car", (x1, y1, x2, y2)) for x1, y1, x2, y2 in boxes.tolist()])
    assert [one.outcome for one in matching.outcomes] == ["true"] * MATCHED_MAX + ["false_positive"]


POINTS = st.integers(0, 6)
BOXES = st.tuples(POINTS, POINTS, POINTS, POINTS).map(
    lambda p: (float(min(p[0], p[2])), float(min(p[1], p[3])), max(p[0], p[2]) + 1.0, max(p[1], p[3]) + 1.0)
)
OBJECTS = st.lists(st.tuples(st.sampled_from("ab"), BOXES), max_size=4)


@given(OBJECTS, OBJECTS)
@settings(max_examples=60)
def test_the_total_overlap_of_true_detections_is_the_greatest_there_is(
    found: list[tuple[str, tuple[float, float, float, float]]],
    said: list[tuple[str, tuple[float, float, float, float]]],
) -> None:
    """Against trying all assignments; each detection has one outcome, each label is found once or missed."""
    detections = detected(*((name, 0.9, box) for name, box in found))
    labels = [Label(name, box) for name, box in said]
    matching = match_labels(detections, 0.25, labels)
    assert sorted(one.place for one in matching.outcomes) == list(range(len(found)))
    paired = [one.label_place for one in matching.outcomes if one.label_place is not None]
    assert sorted([*paired, *matching.missed]) == list(range(len(said)))
    iou = iou_matrix(detections.boxes, np.array([box for _, box in said]).reshape(-1, 4))
    good = [
        [iou[i, j] if found[i][0] == said[j][0] and iou[i, j] >= 0.5 else 0.0 for j in range(len(said))]
        for i in range(len(found))
    ]
    places = list(range(len(said))) + [-1] * len(found)
    best = max(sum(good[i][j] for i, j in enumerate(chosen) if j >= 0) for chosen in permutations(places, len(found)))
    assert sum(one.iou for one in matching.outcomes if one.outcome == "true") == pytest.approx(best)
