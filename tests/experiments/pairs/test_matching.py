import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.experiments.pairs import BOXES_MAX, IncomparableError, Matching, match
from sidecar.types import Detections


def places(found: Matching) -> tuple[list, list, list, list]:
    return (
        [(pair.a, pair.b) for pair in found.matched],
        [(pair.a, pair.b) for pair in found.flips],
        [lone.place for lone in found.missed],
        [lone.place for lone in found.extra],
    )


def test_each_box_has_one_of_four_fates(box, detections) -> None:
    """Found by both, called otherwise, found by A alone, found by B alone."""
    a = detections([box("car", 0, score=0.9), box("car", 200, score=0.8), box("bus", 400, score=0.7)])
    b = detections([box("car", 10, score=0.8), box("truck", 205, score=0.6), box("dog", 0, 300, score=0.4)])
    found = match(a, b)
    assert places(found) == ([(0, 0)], [(1, 1)], [2], [2])
    assert (found.matched[0].class_a, found.flips[0].class_a, found.flips[0].class_b) == ("car", "car", "truck")
    assert found.matched[0].iou == pytest.approx(9000 / 11000)
    assert (found.missed[0].name, found.extra[0].name) == ("bus", "dog")
    assert found.confidence_shift == pytest.approx(-0.1)
    assert (found.boxes_a, found.boxes_b, found.agrees) == (3, 3, False)


def test_best_total_wins_over_the_nearest_box(box, detections) -> None:
    """Greedy by score or by overlap would pair one and leave two alone."""
    a = detections([box("car", 0, score=0.9), box("car", 30, score=0.8)])
    b = detections([box("car", 10, score=0.9), box("car", -30, score=0.8)])
    assert places(match(a, b))[0] == [(0, 1), (1, 0)]


def test_two_objects_at_one_place_are_no_flips(box, detections) -> None:
    """Both see a person on a motorbike: however the boxes shift, each is matched with its like, not with the other."""
    a = detections([box("person", 0), box("motorbike", 5)])
    b = detections([box("person", 6), box("motorbike", 1)])
    found = match(a, b)
    assert places(found) == ([(0, 0), (1, 1)], [], [], [])
    assert found.agrees


def test_only_boxes_at_or_above_their_sides_threshold_count(box, detections) -> None:
    """Each side has its own operating point; one exactly on it counts, 0.7 as a float32 too."""
    a = detections([box("car", 0, score=0.7), box("car", 200, score=0.69)])
    b = detections([box("car", 0, score=0.3), box("car", 200, score=0.29)])
    assert places(match(a, b, threshold_a=0.7, threshold_b=0.3)) == ([(0, 0)], [], [], [])
    assert places(match(a, b, threshold_a=0.7)) == ([(0, 0)], [], [], [1])


def test_overlap_asked_for_can_be_set(box, detections) -> None:
    """A third of overlap is no pair at 0.5 and one at 0.3."""
    a, b = detections([box("car", 0)]), detections([box("car", 50)])
    assert not match(a, b).matched
    assert match(a, b, iou_min=0.3).matched
    for bad in (0, -1, 1.1, math.nan):
        with pytest.raises(ValueError, match="iou_min"):
            match(a, b, iou_min=bad)


def test_classes_are_compared_by_name(detections, box) -> None:
    """The two versions may number their classes otherwise; an index without a name is `other` on both sides."""
    boxes = np.array([[0, 0, 9, 9], [50, 0, 59, 9]], np.float32)
    scores = np.array([0.9, 0.8], np.float32)
    a = Detections(boxes, scores, np.array([0, 7], np.int32), ("car", "bus"))
    b = Detections(boxes, scores, np.array([1, -1], np.int32), ("bus", "car"))
    found = match(a, b)
    assert [pair.class_a for pair in found.matched] == ["car", "other"]
    assert found.agrees


def test_unlike_units_are_matched_by_the_image_size(box, detections) -> None:
    """0..1 against pixels; without a size nothing is guessed."""
    a = detections([box("car", 64, 48, 64)])
    shares = detections([box("car", 0)._replace(xyxy=(0.1, 0.1, 0.2, 112 / 480))], True)
    assert match(a, shares, width=640, height=480).agrees
    with pytest.raises(IncomparableError):
        match(a, shares)


def test_boxes_beyond_the_bound_are_counted(detections, box) -> None:
    """The highest scores are compared, in whatever order they come."""
    many = [box("car", 200 * i, score=(i + 1) / 1000) for i in range(BOXES_MAX + 20)]
    found = match(detections(many), detections(many[-1:]))
    assert found.over_max == 20
    assert found.boxes_a == BOXES_MAX
    assert found.matched[0].a == BOXES_MAX + 19
    assert min(lone.place for lone in found.missed) == 20


def test_disagreement_is_the_share_of_scores_in_dispute(box, detections) -> None:
    """Worked out by hand: nothing, all, a faint box, a strong one, a flip, a difference of scores."""
    strong, faint = box("car", 0, score=0.9), box("car", 0, score=0.3)
    far = box("car", 300, score=0.9)

    def between(a: list, b: list) -> float:
        return match(detections(a), detections(b)).disagreement

    assert between([], []) == 0
    assert between([strong], [strong]) == 0
    assert between([strong, far], []) == 1
    assert between([faint], []) == pytest.approx(0.3)
    assert between([], [strong]) == pytest.approx(0.9)
    assert between([strong], [box("bus", 0, score=0.9)]) == 1
    assert between([strong], [faint]) == pytest.approx(0.6 / 1.2)
    assert between([strong, far], [strong]) == pytest.approx(0.9 / 2.7)


def test_answer_is_that_of_trying_every_pairing(crowd, detections, naive_match) -> None:
    """500 crowded images of up to six boxes a side: the same places as brute force in plain Python finds."""
    rng = np.random.default_rng(17)
    flips = contested = 0
    for _ in range(500):
        a, b = (crowd(rng, int(rng.integers(0, 7)), 50.0) for _ in range(2))
        expected = naive_match(a, b, 0.4, 0.25)
        found = match(detections(a), detections(b), threshold_a=0.25, threshold_b=0.25, iou_min=0.4)
        by_place = [sorted(part) for part in places(found)]
        assert by_place == [sorted(part) for part in expected]
        flips += len(found.flips)
        contested += len(expected.matched) > 1
    assert flips > 100
    assert contested > 50


COORDINATE = st.integers(0, 12).map(lambda step: step / 12)


@st.composite
def sides(draw: st.DrawFn) -> Detections:
    n = draw(st.integers(0, 6))
    corners = draw(st.lists(st.tuples(*[COORDINATE] * 4), min_size=n, max_size=n))
    scores = draw(st.lists(st.integers(0, 20).map(lambda step: step / 20), min_size=n, max_size=n))
    classes = draw(st.lists(st.integers(-1, 3), min_size=n, max_size=n))
    return Detections(
        np.array(corners, np.float32).reshape(-1, 4),
        np.array(scores, np.float32),
        np.array(classes, np.int32),
        ("car", "bus"),
    )


def reordered(side: Detections, order: np.ndarray) -> Detections:
    return Detections(side.boxes[order], side.scores[order], side.classes[order], side.labels)


@settings(max_examples=200, deadline=None)
@given(sides(), sides(), st.integers(0, 9))
def test_laws_of_matching(a: Detections, b: Detections, seed: int) -> None:
    """Every counting box once; swapped sides swap the answer; the order of boxes is of no matter; 0..1.

    Boxes on a coarse grid have many ties, swapped corners and no size.
    """
    found = match(a, b, threshold_a=0.3, threshold_b=0.5)
    rows = [pair.a for pair in (*found.matched, *found.flips)] + [lone.place for lone in found.missed]
    columns = [pair.b for pair in (*found.matched, *found.flips)] + [lone.place for lone in found.extra]
    assert sorted(rows) == np.flatnonzero(a.scores >= np.float32(0.3)).tolist()
    assert sorted(columns) == np.flatnonzero(b.scores >= np.float32(0.5)).tolist()
    assert all(pair.class_a == pair.class_b for pair in found.matched)
    assert all(pair.class_a != pair.class_b for pair in found.flips)
    assert 0 <= found.disagreement <= 1

    swapped = match(b, a, threshold_a=0.5, threshold_b=0.3)
    rng = np.random.default_rng(seed)
    shuffled = match(
        reordered(a, rng.permutation(len(a.scores))),
        reordered(b, rng.permutation(len(b.scores))),
        threshold_a=0.3,
        threshold_b=0.5,
    )
    for other, (one_side, other_side) in ((swapped, ("extra", "missed")), (shuffled, ("missed", "extra"))):
        # ties are between pairs of one class, so that what is left for flips can differ; the pairs' numbers can't
        assert len(other.matched) == len(found.matched)
        assert sum(pair.iou for pair in other.matched) == pytest.approx(sum(pair.iou for pair in found.matched))
        assert len(other.flips) + len(getattr(other, one_side)) == len(found.flips) + len(found.missed)
        assert len(other.flips) + len(getattr(other, other_side)) == len(found.flips) + len(found.extra)


@settings(max_examples=100, deadline=None)
@given(sides())
def test_side_against_itself_agrees_wherever_its_boxes_have_a_size(a: Detections) -> None:
    """One that encloses nothing is lone even then."""
    proper = (a.boxes[:, 2] > a.boxes[:, 0]) & (a.boxes[:, 3] > a.boxes[:, 1])
    found = match(a, a)
    assert len(found.matched) == proper.sum()
    assert not found.flips
    if proper.all():
        assert found.disagreement == 0


def test_three_hundred_boxes_on_one_heap_are_bounded(crowd, detections) -> None:
    """All 300 x 300 overlap: under 5 s of processor time."""
    rng = np.random.default_rng(3)
    a, b = (detections([box._replace(name="car") for box in crowd(rng, 300, 20.0)]) for _ in range(2))
    start = time.process_time()
    found = match(a, b, iou_min=0.3)
    assert time.process_time() - start < 5
    assert len(found.matched) == 300
