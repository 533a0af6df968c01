"""Labels as people send them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.review import FAULTS_MAX, LABELS_MAX, LabelsError, read_labels
from sidecar.types import Label

CAR = {"label": "car", "box": [10, 20, 30.5, 40]}


def faults(given: object, width: int = 640, height: int = 480) -> dict[str, str]:
    with pytest.raises(LabelsError) as raised:
        read_labels(given, width, height)
    return raised.value.faults


def test_labels_are_read_in_the_order_given() -> None:
    """Nothing there is fine, and what is read already is read again."""
    bus = {"label": "Straßenbahn 🚋", "box": (0, 0, 640, 480)}
    labels = read_labels([CAR, bus, CAR], 640, 480)
    assert [label.label for label in labels] == ["car", "Straßenbahn 🚋", "car"]
    assert labels[0].box == (10.0, 20.0, 30.5, 40.0)
    assert read_labels(labels, 640, 480) == labels
    assert read_labels([]) == ()


def test_all_faults_are_told_at_once() -> None:
    """By the path of each."""
    given = [
        CAR,
        {"label": "", "box": [1, 2, 3]},
        {"box": [5, 5, 5, 9]},
        "car",
        {"label": 7, "box": [0, 0, 9, 9], "score": 0.5},
        {"label": "car"},
    ]
    assert faults(given) == {
        "labels.1.label": "it is empty",
        "labels.1.box": "expected four numbers x1, y1, x2, y2 in pixels",
        "labels.2.label": "it is missing",
        "labels.2.box": "x1 < x2 is needed, got 5 and 5",
        "labels.3": 'expected {"label", "box"}, got text',
        "labels.4.score": "it is not known: expected label and box",
        "labels.4.label": "expected text, got a number",
        "labels.5.box": "it is missing",
    }


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ([9, 0, 3, 5], "x1 < x2 is needed, got 9 and 3"),
        ([0, 5, 9, 5], "y1 < y2 is needed, got 5 and 5"),
        ([0.1, 0.2, 0.5, 0.9], "it looks like shares of the image"),
        ([0, 0, 700, 9], "it reaches over the edge of the image of 640 x 480 pixels: 0, 0, 700, 9"),
        ([-2, 0, 9, 9], "it reaches over the edge"),
        ([640.2, 0, 640.9, 9], "nothing of it lies within the image"),
        ([0, 0, float("inf"), 9], "expected finite numbers"),
        ([0, 0, float("nan"), 9], "expected finite numbers"),
        ([0, 0, 10**400, 9], "expected finite numbers"),
        ([0, 0, True, 9], "got true or false among them"),
        ([0, 0, "9", 9], "got text among them"),
        ({"x": 1}, "expected four numbers"),
    ],
)
def test_a_box_that_is_none_is_refused(box: Any, message: str) -> None:
    """Corners in order, in pixels, within the image, finite."""
    assert message in faults([{"label": "car", "box": box}])["labels.0.box"]


def test_a_box_that_reaches_over_the_edge_by_rounding_is_cut() -> None:
    """By one pixel at most; where the size of the image is not known nothing is cut but at 0."""
    labels = read_labels([{"label": "car", "box": [-1, -0.5, 641, 480.5]}], 640, 480)
    assert labels == (Label("car", (0.0, 0.0, 640.0, 480.0)),)
    assert read_labels([{"label": "car", "box": [-1, 5, 9_000, 9]}])[0].box == (0.0, 5.0, 9_000.0, 9.0)


@pytest.mark.parametrize("name", ["x" * 201, "a\nb", "a\0b", "  ", "\ud800"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    """Too long, control characters, blank, half a character."""
    assert list(faults([{"label": name, "box": [0, 0, 9, 9]}])) == ["labels.0.label"]


@pytest.mark.parametrize("given", [None, "car", 5, {"label": "car"}, b"[]"])
def test_what_is_no_list_is_refused(given: object) -> None:
    """With the field."""
    assert list(faults(given)) == ["labels"]


def test_there_is_a_most_to_labels_and_to_faults() -> None:
    """The count comes first; of faults the rest is counted."""
    assert len(read_labels([CAR] * LABELS_MAX, 640, 480)) == LABELS_MAX
    assert faults([CAR] * (LABELS_MAX + 1)) == {"labels": "1,001 labels, at most 1,000 are taken"}
    found = faults([None] * 70)
    assert len(found) == FAULTS_MAX + 1
    assert found["labels"] == "and 20 more faults"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(["label", "box", "x"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(JSON)
def test_whatever_is_sent_is_read_or_refused(given: object) -> None:
    """With labels that lie within the image, or with faults that name paths."""
    labels: tuple[Label, ...] = ()
    paths = ["labels"]
    try:
        labels = read_labels(given, 64, 48)
    except LabelsError as error:
        paths = list(error.faults)
    assert paths
    assert all(path.split(".")[0] == "labels" for path in paths)
    for label in labels:
        x1, y1, x2, y2 = label.box
        assert 0 <= x1 < x2 <= 64
        assert 0 <= y1 < y2 <= 48
        assert label.label.strip()
