"""Whether an image is nearly one that was kept."""

from dataclasses import replace

import pytest

from sidecar.data_engine import NearDuplicates
from sidecar.data_engine.near_duplicates import BOXES_MAX, IMAGES_MAX, KeptScenes, Scene, is_near_duplicate, scene_of

RULE = NearDuplicates()
CAT, DOG = (0.9, 10, 10, 50, 50), (0.8, 60, 10, 90, 40)


@pytest.fixture
def scene(predict):
    """A scene of rows (score, x1, y1, x2, y2) with their names."""

    def scene(rows=(CAT, DOG), names=("cat", "dog"), name="a", at=0.0, image_hash=0) -> Scene:
        prediction = predict(list(rows), names=list(names))
        found = scene_of(name, at, image_hash, prediction.detections, 0.25)
        assert found is not None
        return found

    return scene


def moved(row, by: float):
    score, x1, y1, x2, y2 = row
    return score, x1 + by, y1, x2 + by, y2


def test_same_objects_in_the_same_places_are_a_near_duplicate(scene) -> None:
    """Whatever their order, their scores, and what else scores under the operating point."""
    again = scene([(0.9, *DOG[1:]), (0.5, *moved(CAT, 1)[1:]), (0.1, 0, 0, 9, 9)], ["dog", "cat", "ox"])
    assert is_near_duplicate(again, scene(), RULE)


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ([CAT, DOG, (0.3, 0, 90, 5, 95)], ["cat", "dog", "cat"]),
        ([CAT], ["cat"]),
        ([], []),
        ([CAT, DOG], ["dog", "cat"]),
        ([CAT, moved(DOG, 8)], ["cat", "dog"]),
        ([CAT, CAT], ["cat", "dog"]),
    ],
)
def test_new_object_on_a_fixed_camera_is_none(scene, rows, names) -> None:
    """The hash of the whole image is the same; the objects are not."""
    assert not is_near_duplicate(scene(rows, names), scene(), RULE)


def test_each_box_needs_one_of_its_own(scene) -> None:
    """Two boxes on one spot are not like two apart."""
    one, other = scene([CAT, moved(CAT, 1)], ["cat", "cat"]), scene([CAT, moved(CAT, 40)], ["cat", "cat"])
    assert not is_near_duplicate(one, other, RULE)
    assert is_near_duplicate(one, one, RULE)


def test_overlap_must_be_over_the_iou(scene) -> None:
    """Strictly: 40 of 50 is 0.8 and not over it."""
    wide = scene([(0.9, 0, 0, 50, 10)], ["cat"])
    assert not is_near_duplicate(scene([(0.9, 0, 0, 40, 10)], ["cat"]), wide, RULE)
    assert is_near_duplicate(scene([(0.9, 0, 0, 41, 10)], ["cat"]), wide, RULE)


@pytest.mark.parametrize(
    ("changes", "is_like"),
    [
        ({"at": 3_600.0}, True),
        ({"at": 3_601.0}, False),
        ({"at": -3_601.0}, False),
        ({"image_hash": 0b111111}, True),
        ({"image_hash": 0b1111111}, False),
        ({"image_hash": -1}, False),
    ],
)
def test_time_and_hash_must_be_near_too(scene, changes, is_like) -> None:
    """Within an hour and six bits, unless told otherwise."""
    assert is_near_duplicate(replace(scene(), **changes), scene(), RULE) == is_like


def test_images_without_objects_are_told_by_their_hash_alone(scene) -> None:
    """There is nothing else to tell them by."""
    assert is_near_duplicate(scene([], []), scene([], []), RULE)
    assert not is_near_duplicate(scene([], [], image_hash=255), scene([], []), RULE)


def test_another_unit_is_never_a_duplicate(scene) -> None:
    """Two cameras may well see the same."""
    kept = KeptScenes()
    kept.add("one", scene())
    assert kept.has_like("one", scene(name="b"), RULE)
    assert not kept.has_like("two", scene(name="b"), RULE)


def test_image_is_no_duplicate_of_itself(scene) -> None:
    """A second reason to keep an image does not throw it out."""
    kept = KeptScenes()
    for _ in range(2):
        assert not kept.has_like("cam", scene(), RULE)
        kept.add("cam", scene())


def test_rule_that_is_off_finds_none(scene) -> None:
    """Every image is kept then."""
    kept = KeptScenes()
    kept.add("cam", scene())
    assert not kept.has_like("cam", scene(name="b"), NearDuplicates(enabled=False))


def test_what_is_remembered_is_bounded(scene, predict) -> None:
    """Units, images of a unit, and boxes of an image."""
    kept = KeptScenes(units_max=2)
    for unit in ("one", "two", "three"):
        kept.add(unit, scene(name=unit))
    assert (len(kept), kept.has_like("one", scene(name="b"), RULE)) == (2, False)
    for place in range(IMAGES_MAX):
        kept.add("two", scene([moved(CAT, 100 * (place + 1))], ["cat"], name=f"p{place}"))
    assert not kept.has_like("two", scene(name="b"), RULE)
    assert kept.has_like("two", scene([moved(CAT, 100)], ["cat"], name="b"), RULE)
    crowd = predict([CAT] * (BOXES_MAX + 1))
    assert scene_of("c", 0.0, 0, crowd.detections, 0.25) is None
    assert not kept.has_like("two", None, RULE)
