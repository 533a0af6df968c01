"""The simulated reviewer."""

import pytest

from sidecar.demo.reviewer import Truth, judge, read_truth, truth_line

SCENE = Truth(((10.0, 20.0, 30.0, 50.0), (40.0, 20.0, 60.0, 50.0)), ("7", "1"))
ITEM = {"client_request_id": "a", "width": 480, "height": 360, "detections": []}


def test_truth_reads_back_as_written() -> None:
    """Each scene's boxes and labels, by the request's id."""
    lines = [truth_line("a", SCENE), truth_line("b", Truth((), ()))]
    assert read_truth(lines) == {"a": SCENE, "b": Truth((), ())}


@pytest.mark.parametrize(
    "line",
    [
        "not JSON",
        "{}",
        '{"request_id": "a", "boxes": [[1, 2, 3]], "labels": ["7"]}',
        '{"request_id": "a", "boxes": [], "labels": ["7"]}',
    ],
)
def test_line_that_is_no_truth_is_named(line) -> None:
    """A wrong file is noticed, not labelled from."""
    with pytest.raises(ValueError, match="truth:"):
        read_truth([truth_line("a", SCENE), line])


def test_item_gets_the_scenes_labels_whatever_was_detected() -> None:
    """The reviewer looks at the image, not at what a model saw in it."""
    seen = {**ITEM, "detections": [{"index": 0, "label": "3", "score": 0.99, "box": [0, 0, 9, 9]}]}
    expected = [{"label": "7", "box": [10.0, 20.0, 30.0, 50.0]}, {"label": "1", "box": [40.0, 20.0, 60.0, 50.0]}]
    assert judge({"a": SCENE}, ITEM) == judge({"a": SCENE}, seen) == expected


def test_box_over_the_edge_is_cut_off_there_and_one_beyond_left_out() -> None:
    """Labels lie within the image, as the review room asks."""
    assert judge({"a": SCENE}, {**ITEM, "width": 35}) == [{"label": "7", "box": [10.0, 20.0, 30.0, 50.0]}]
    assert judge({"a": SCENE}, {**ITEM, "width": 25})[0]["box"] == [10.0, 20.0, 25.0, 50.0]


def test_empty_scene_is_labelled_empty_and_unknown_one_not_at_all() -> None:
    """Nothing there is an answer; not knowing is none."""
    assert judge({"a": Truth((), ())}, ITEM) == []
    assert judge({"b": SCENE}, ITEM) is None
    assert judge({"a": SCENE}, {**ITEM, "client_request_id": None}) is None
