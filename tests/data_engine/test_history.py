"""What a model has seen of each class."""

import numpy as np
import pytest

from sidecar.data_engine import ClassHistory
from sidecar.data_engine.columns import Columns
from sidecar.data_engine.history import CLASSES_MAX, SIZE_BOXES_MIN
from sidecar.types import Detections


def add(history: ClassHistory, *predictions) -> None:
    history.add(Columns(predictions))


def is_unusual(history: ClassHistory, prediction) -> bool:
    return bool(history.have_unusual_size(Columns([prediction])).any())


def squares(predict, sides, name: str = "cat", **changes):
    """A prediction of squares with these sides in an image of 1000 x 1000."""
    rows = [(0.9, 0.0, 0.0, side, side) for side in sides]
    sized = {"image_width": 1_000, "image_height": 1_000, **changes}
    return predict(rows, names=[name] * len(rows), **sized)


def test_images_and_boxes_are_counted_by_class(predict) -> None:
    """An image counts once for each class in it, and only detections at the operating point do."""
    history = ClassHistory()
    add(history, predict([(0.9, 0, 0, 9, 9), (0.8, 0, 0, 9, 9), (0.7, 0, 0, 9, 9)], names=["cat", "cat", "dog"]))
    add(history, predict([(0.9, 0, 0, 9, 9), (0.2, 0, 0, 9, 9)], names=["cat", "elk"]))
    add(history, predict([]))
    add(history, predict(detections=None))
    assert (history.images, history.boxes) == (3, 4)
    assert history.images_with(["cat", "dog", "elk"]) == {"cat": 2, "dog": 1, "elk": 0}
    assert history.shares_of(["cat", "dog", "elk"]).tolist() == [0.75, 0.25, 0.0]
    assert (history.rows_of(["cat", "elk"]) >= 0).tolist() == [True, False]


def test_two_indices_of_one_name_are_one_class(predict) -> None:
    """A server may name two of its classes alike."""
    history = ClassHistory()
    boxes = np.tile(np.array([0, 0, 9, 9], np.float32), (2, 1))
    twice = Detections(boxes, np.array([0.9, 0.8], np.float32), np.array([0, 1], np.int32), ("cat", "cat"))
    add(history, predict(detections=twice))
    assert (history.images_with(["cat"]), history.shares_of(["cat"]).tolist()) == ({"cat": 1}, [1.0])


def test_size_is_unusual_by_the_history_of_its_own_class(predict) -> None:
    """What is plain for a cat is not for a bus: each has its own fences once there are boxes enough."""
    history, rng = ClassHistory(), np.random.default_rng(5)
    for _ in range(50):
        add(history, squares(predict, 40 * np.exp(rng.normal(0, 0.2, 10)), "cat"))
        add(history, squares(predict, 600 * np.exp(rng.normal(0, 0.1, 10)), "bus"))
    found = {
        (name, side): is_unusual(history, squares(predict, [side], name))
        for name in ("cat", "bus", "elk")
        for side in (40, 600)
    }
    assert found == {
        ("cat", 40): False,
        ("cat", 600): True,
        ("bus", 40): True,
        ("bus", 600): False,
        ("elk", 40): False,
        ("elk", 600): False,
    }


def test_share_of_plain_boxes_called_unusual_is_that_of_tukeys_fences(predict) -> None:
    """0.7 % of normally distributed logarithms lie outside them; the histogram's bins add little to that."""
    history, rng = ClassHistory(), np.random.default_rng(6)
    for _ in range(200):
        add(history, squares(predict, 100 * np.exp(rng.normal(0, 0.5, 20))))
    sides = 100 * np.exp(rng.normal(0, 0.5, 4_000))
    unusual = np.mean([is_unusual(history, squares(predict, [side])) for side in sides])
    assert 0.003 < unusual < 0.013


def test_absolute_bounds_hold_until_a_class_has_boxes_enough(predict) -> None:
    """Of a class little is known of, only the very small and the very large stand out."""
    history = ClassHistory()
    add(history, squares(predict, [100] * (SIZE_BOXES_MIN - 1)))
    assert [is_unusual(history, squares(predict, [side])) for side in (20, 40, 800, 950)] == [
        True,
        False,
        False,
        True,
    ]
    add(history, squares(predict, [100]))
    assert [is_unusual(history, squares(predict, [side])) for side in (50, 90, 110, 200)] == [
        True,
        False,
        False,
        True,
    ]


def test_size_of_an_image_that_is_not_known_makes_no_box_unusual(predict) -> None:
    """A box in pixels has no share then; one in 0..1 has."""
    history = ClassHistory()
    unknown = {"image_width": 0, "image_height": 0}
    add(history, squares(predict, [100] * SIZE_BOXES_MIN, **unknown))
    assert not is_unusual(history, squares(predict, [5], **unknown))
    assert is_unusual(history, predict([(0.9, 0.0, 0.0, 0.01, 0.01)], normalised=True, **unknown))
    assert not is_unusual(history, predict(detections=None))


@pytest.mark.parametrize("corner", [np.inf, np.nan, -5.0, 1e30])
def test_box_that_is_none_breaks_nothing(predict, corner) -> None:
    """A server may answer with any number."""
    history = ClassHistory()
    odd = squares(predict, [corner])
    add(history, odd)
    is_unusual(history, odd)
    assert history.boxes == 1


def test_classes_are_bounded_and_those_beyond_are_not_new(predict) -> None:
    """A model that names whatever it sees does not grow the table without end."""
    history = ClassHistory()
    for i in range(CLASSES_MAX + 5):
        add(history, squares(predict, [100], f"class {i}"))
    assert history.is_full
    assert history.images_with([f"class {CLASSES_MAX - 1}", f"class {CLASSES_MAX}"]) == {
        f"class {CLASSES_MAX - 1}": 1,
        f"class {CLASSES_MAX}": 0,
    }


def test_batch_adds_what_its_images_add_one_by_one(predict) -> None:
    """Counts and sizes; fences, which are drawn where a class has grown by a tenth, are as of the end of the batch."""
    rng = np.random.default_rng(7)
    seen = [squares(predict, rng.uniform(5, 900, 7), name) for name in ("cat", "dog") for _ in range(60)]
    one_by_one, at_once = ClassHistory(), ClassHistory()
    for prediction in seen:
        add(one_by_one, prediction)
    add(at_once, *seen)
    names = ["cat", "dog"]
    assert one_by_one.images_with(names) == at_once.images_with(names) == {"cat": 60, "dog": 60}
    assert one_by_one.shares_of(names).tolist() == at_once.shares_of(names).tolist() == [0.5, 0.5]
    asked = [squares(predict, [side], name) for name in names for side in (*range(1, 9), *range(90, 1_000, 37))]
    assert [is_unusual(one_by_one, each) for each in asked] == [is_unusual(at_once, each) for each in asked]
