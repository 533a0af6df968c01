import math

import pytest

from sidecar.experiments.pairs import ImagePair, Matching, most_disagreeing, pair_request


def test_images_go_together_by_their_index(make_prediction, box) -> None:
    """Whatever order they come in; one that a side lacks is counted."""
    a = [make_prediction([box("car", 0)], image_index=i, prediction_id=f"id.{i}") for i in (0, 1, 2)]
    b = [make_prediction([box("car", 0)] if i else [], image_index=i) for i in (2, 0)]
    pair = pair_request(a, b)
    assert [(image.prediction_id, image.matching.agrees) for image in pair.images] == [("id.0", False), ("id.2", True)]
    assert pair.unpaired == 1
    assert (pair.upstream_a_ms, pair.upstream_b_ms) == (10.0, 10.0)


@pytest.mark.parametrize(
    ("a", "b", "failed"),
    [
        ({"status": 503}, {}, "a"),
        ({}, {"error": "timeout"}, "b"),
        ({"status": 0}, {"status": 500}, "both"),
        ({"status": 302}, {}, "a"),
    ],
)
def test_failed_side_leaves_nothing_to_compare(make_prediction, a, b, failed) -> None:
    """An error says nothing of an image; its latency is none."""
    pair = pair_request([make_prediction(**a)], [make_prediction(**b)])
    assert (pair.images, pair.failed) == ((), failed)
    assert math.isnan(pair.upstream_a_ms) == (failed in ("a", "both"))
    assert math.isnan(pair.upstream_b_ms) == (failed in ("b", "both"))


def test_unread_and_incomparable_images_are_told_apart(make_prediction, box, detections) -> None:
    """None of them has a disagreement that could be picked by."""
    read, unread = make_prediction([box("car", 0)]), make_prediction(None, undecodable="shape")
    assert [pair_request([a], [b]).images[0].unread for a, b in ((unread, read), (read, unread), (unread, unread))] == [
        "a",
        "b",
        "both",
    ]
    shares = detections([box("car", 0)._replace(xyxy=(0.1, 0.1, 0.2, 0.2))], True)
    sizeless = {"image_width": 0, "image_height": 0}
    image = pair_request([make_prediction([box("car", 0)], **sizeless)], [make_prediction(shares, **sizeless)]).images[
        0
    ]
    assert (image.matching, image.unread) == (None, "")
    assert math.isnan(image.disagreement)


def test_either_side_may_know_the_image_size(make_prediction, box, detections) -> None:
    """The shadow's answer may lack it: the image is the same."""
    shares = detections([box("car", 0)._replace(xyxy=(0, 0, 100 / 640, 100 / 480))], True)
    sized, sizeless = make_prediction([box("car", 0)]), make_prediction(shares, image_width=0, image_height=0)
    assert pair_request([sized], [sizeless]).images[0].matching.agrees
    assert pair_request([sizeless], [sized]).images[0].matching.agrees


def test_each_side_has_its_own_threshold(make_prediction, box) -> None:
    """A score of 0.3 counts where 0.25 is asked for, and not where 0.5 is."""
    faint = [box("car", 0, score=0.3)]
    found = pair_request([make_prediction(faint)], [make_prediction(faint, score_threshold=0.5)]).images[0].matching
    assert (found.boxes_a, found.boxes_b) == (1, 0)


def test_pair_without_an_answer_is_refused(make_prediction) -> None:
    """What was never sent, or never answered, is not a pair."""
    with pytest.raises(ValueError, match="b: no predictions"):
        pair_request([make_prediction()], [])


def test_most_disagreeing_images_come_first(make_prediction, box) -> None:
    """By disagreement, then by id; those in agreement and those not compared never."""
    found = [
        pair_request([make_prediction([box("car", 0, score=score)], number)], [make_prediction([])]).images[0]
        for number, score in enumerate((0.3, 0.9, 0.5, 0.9))
    ]
    found += [ImagePair("same", Matching()), ImagePair("unread", None, "a")]
    assert [image.prediction_id for image in most_disagreeing(found, 3)] == ["id-1", "id-3", "id-2"]
    assert [image.prediction_id for image in most_disagreeing(found, 9, 0.6)] == ["id-1", "id-3"]
    assert len(most_disagreeing(found, 9)) == 4
