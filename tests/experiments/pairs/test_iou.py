import numpy as np
import pytest

from sidecar.experiments.pairs import IncomparableError, in_one_unit, iou_matrix
from sidecar.types import Detections


def one(boxes, normalised: bool = False) -> Detections:
    found = np.array(boxes, np.float32).reshape(-1, 4)
    n = len(found)
    return Detections(found, np.ones(n, np.float32), np.zeros(n, np.int32), ("a",), normalised)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_overlaps_are_those_worked_out_by_hand(kind) -> None:
    """The same box, a quarter of it, half a step aside, one that only touches, one far away."""
    a = np.array([[0, 0, 10, 10]], kind)
    b = np.array([[0, 0, 10, 10], [0, 0, 5, 5], [5, 0, 15, 10], [10, 0, 20, 10], [90, 90, 99, 99]], kind)
    found = iou_matrix(a, b)
    assert found.shape == (1, 5)
    assert found.dtype == np.float64
    assert found[0].tolist() == pytest.approx([1, 0.25, 1 / 3, 0, 0])


def test_no_boxes_on_a_side_give_an_empty_matrix() -> None:
    """Nothing against three, three against nothing."""
    none, three = np.zeros((0, 4)), np.ones((3, 4))
    assert iou_matrix(none, three).shape == (0, 3)
    assert iou_matrix(three, none).shape == (3, 0)


@pytest.mark.parametrize(
    "bad",
    [
        [5, 5, 5, 5],
        [0, 0, 10, 0],
        [10, 10, 0, 0],
        [np.nan, 0, 10, 10],
        [0, 0, np.inf, 10],
        [-np.inf, -np.inf, np.inf, np.inf],
    ],
)
def test_box_that_encloses_nothing_overlaps_nothing(bad) -> None:
    """Zero sizes, swapped corners, NaN and infinity: 0 everywhere, no warning, and the others are as they were."""
    boxes = np.array([bad, [0, 0, 10, 10]], np.float64)
    with np.errstate(all="raise"):
        found = iou_matrix(boxes, boxes)
    assert found.tolist() == [[0, 0], [0, 1]]


def test_huge_boxes_are_no_error() -> None:
    """Areas beyond float64 are taken as no overlap rather than as NaN."""
    found = iou_matrix(np.array([[0, 0, 1e200, 1e200]]), np.array([[0, 0, 1e200, 1e200]]))
    assert np.isfinite(found).all()


@pytest.mark.parametrize("shape", [(4,), (2, 5), (1, 2, 4)])
def test_other_shapes_are_refused(shape) -> None:
    """A row of numbers is no list of boxes."""
    with pytest.raises(ValueError, match=r"b: boxes are \[N, 4\]"):
        iou_matrix(np.zeros((1, 4)), np.zeros(shape))


def test_pixels_and_shares_of_the_image_meet_in_pixels() -> None:
    """A server that sends 0..1 and one that sends pixels are compared by the size of the image, either way round."""
    shares, pixels = one([0.25, 0.5, 0.75, 1.0], True), one([160, 240, 480, 480])
    for a, b in ((shares, pixels), (pixels, shares)):
        found = iou_matrix(*in_one_unit(a, b, 640, 480))
        assert found[0, 0] == pytest.approx(1)


def test_two_sides_of_one_unit_need_no_size() -> None:
    """Overlaps are the same in 0..1 and in pixels, so nothing has to be known; nor where a side has no boxes."""
    for normalised in (True, False):
        side = one([0.1, 0.1, 0.5, 0.9], normalised)
        assert iou_matrix(*in_one_unit(side, side))[0, 0] == pytest.approx(1)
    assert len(in_one_unit(one([], True), one([1, 2, 3, 4]))[1]) == 1


def test_unlike_units_without_a_size_are_incomparable() -> None:
    """Nothing is guessed."""
    with pytest.raises(IncomparableError, match="image size is not known"):
        in_one_unit(one([0, 0, 1, 1], True), one([0, 0, 9, 9]), 640, 0)
