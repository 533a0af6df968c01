"""The one verdict of a prediction."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.feedback import (
    Statement,
    current,
    faults_of,
    labels_as_predicted,
    verdict_of_labels,
    verdict_of_statements,
)
from sidecar.types import FeedbackType, Label
from tests.feedback.conftest import Row, detected

BOX = (0.0, 0.0, 10.0, 10.0)
FAR = (50.0, 50.0, 60.0, 60.0)
AWAY = (90.0, 0.0, 99.0, 9.0)
RIGHT: Row = ("car", 0.9, BOX)


@pytest.mark.parametrize(
    ("rows", "labels", "verdict"),
    [
        ([RIGHT], [("car", BOX)], "correct"),
        ([], [], "correct"),
        ([RIGHT], [], "false_positive"),
        ([], [("car", BOX)], "missed_object"),
        ([RIGHT], [("bus", BOX)], "wrong_label"),
        ([RIGHT], [("car", (0.0, 0.0, 10.0, 4.0))], "wrong_box"),
        ([RIGHT], [("car", BOX), ("car", FAR)], "missed_object"),
        ([RIGHT, ("car", 0.8, FAR)], [("bus", BOX), ("car", (50.0, 50.0, 60.0, 53.0))], "wrong_label"),
        ([RIGHT, ("car", 0.8, FAR)], [("car", (0.0, 0.0, 10.0, 4.0))], "wrong_box"),
        ([RIGHT, ("car", 0.8, FAR)], [("car", BOX), ("car", AWAY)], "false_positive"),
        ([RIGHT, ("car", 0.2, FAR)], [("car", BOX)], "correct"),
    ],
)
def test_the_gravest_fault_names_the_verdict(
    rows: list[Row], labels: list[tuple[str, tuple[float, float, float, float]]], verdict: str
) -> None:
    """wrong_label, wrong_box, false_positive, then missed_object; correct only without any."""
    found = verdict_of_labels(detected(*rows), 0.25, [Label(name, box) for name, box in labels])
    assert found.verdict == verdict
    assert (found.verdict == "correct") == (not found.missed and all(one.outcome == "true" for one in found.outcomes))


def test_without_the_answer_of_the_model_there_is_no_verdict() -> None:
    """Nor can it be confirmed."""
    assert verdict_of_labels(None, 0.25, [Label("car", BOX)]).verdict == ""
    with pytest.raises(ValueError, match="labels: what the model answered is not known"):
        labels_as_predicted(None, 0.25)


def test_a_confirmed_prediction_gives_its_detections_as_labels() -> None:
    """Those at or above the operating point, in pixels, cut at the edges; and by them it is correct."""
    found = detected(
        ("car", 0.9, (-0.1, 0, 0.5, 0.5)), ("bus", 0.25, (0.5, 0.5, 1, 1)), ("car", 0.1, BOX), normalised=True
    )
    labels = labels_as_predicted(found, 0.25, width=100, height=80)
    assert labels == (Label("car", (0.0, 0.0, 50.0, 40.0)), Label("bus", (50.0, 40.0, 100.0, 80.0)))
    assert verdict_of_labels(found, 0.25, labels, width=100, height=80).verdict == "correct"


def said(*statements: tuple[str, FeedbackType, int | None]) -> tuple[list[tuple[str, str]], str]:
    """What stands of (author, type, index) as (type, place), and the verdict."""
    rows = [Statement(kind, index, author=author) for author, kind, index in statements]
    return [(one.feedback_type, one.place) for one in current(rows)], verdict_of_statements(rows)


def test_a_statement_about_the_whole_replaces_all_of_its_author() -> None:
    """And of nobody else."""
    assert said(
        ("a", "wrong_label", 1), ("b", "wrong_box", 2), ("a", "missed_object", None), ("a", "correct", None)
    ) == (
        [("wrong_box", "d2"), ("correct", "")],
        "wrong_box",
    )


def test_a_statement_about_a_detection_replaces_the_one_about_it_and_a_whole_correct() -> None:
    """Others of the same author stand beside it."""
    assert said(("a", "correct", None), ("a", "wrong_label", 1), ("a", "wrong_box", 2), ("a", "false_positive", 1)) == (
        [("wrong_box", "d2"), ("false_positive", "d1")],
        "false_positive",
    )
    assert said(("a", "wrong_label", None), ("a", "wrong_box", 2))[0] == [("wrong_label", ""), ("wrong_box", "d2")]


def test_missed_objects_stand_side_by_side() -> None:
    """By their boxes in whole pixels; each takes the whole correct of its author away."""
    boxes = [(0.0, 0.0, 9.0, 9.0), (20.0, 0.0, 29.0, 9.0), (0.4, 0.4, 9.4, 8.6)]
    rows = [Statement("correct"), *(Statement("missed_object", correct_box=box) for box in boxes)]
    assert [one.correct_box for one in current(rows)] == [boxes[1], boxes[2]]
    assert verdict_of_statements(rows) == "missed_object"


def test_who_thinks_better_of_it_is_counted_as_correct() -> None:
    """Correct detection by detection, or of the whole after a fault."""
    assert said(("a", "false_positive", 1), ("a", "correct", 1))[1] == "correct"
    assert said(("a", "false_positive", 1), ("a", "correct", None)) == ([("correct", "")], "correct")
    assert said(("a", "correct", None), ("b", "false_positive", 1))[1] == "false_positive"
    assert verdict_of_statements([]) == ""


def test_the_latest_wrong_type_is_the_verdict() -> None:
    """Whoever said it; saying again what stands makes it no later."""
    assert said(("a", "wrong_label", 1), ("b", "wrong_box", 1))[1] == "wrong_box"
    assert said(("a", "wrong_label", 1), ("b", "wrong_box", 1), ("a", "wrong_label", 1))[1] == "wrong_box"
    assert said(("a", "wrong_label", 1), ("b", "wrong_box", 1), ("a", "false_positive", 1))[1] == "false_positive"
    said_again = said(("a", "wrong_box", None), ("a", "false_positive", 1), ("a", "wrong_box", None))
    assert said_again[0] == [("wrong_box", "")]


STATEMENTS = st.lists(
    st.builds(
        Statement,
        st.sampled_from(["correct", "wrong_label", "wrong_box", "false_positive"]),
        st.sampled_from([None, 0, 1]),
        author=st.sampled_from(["", "ann"]),
    ),
    max_size=8,
)


@given(STATEMENTS)
def test_what_stands_is_all_that_matters(statements: list[Statement]) -> None:
    """Judged again it stands as it is; no author has two statements on one place, nor a whole correct beside others."""
    standing = current(statements)
    assert current(standing) == standing
    assert verdict_of_statements(standing) == verdict_of_statements(statements)
    assert len({(one.author, one.place) for one in standing}) == len(standing)
    for author in ("", "ann"):
        own = [one for one in standing if one.author == author]
        if any(one.place == "" and one.feedback_type == "correct" for one in own):
            assert len(own) == 1
    assert bool(statements) == bool(standing)


@pytest.mark.parametrize(
    ("kind", "index", "name", "box", "fields"),
    [
        ("correct", None, "", None, []),
        ("wrong_label", 2, "car", BOX, []),
        ("wrong_box", 0, "", BOX, []),
        ("missed_object", None, "car", BOX, []),
        ("missed_object", 1, "", None, ["detection_index"]),
        ("wrong_label", -1, "", None, ["detection_index"]),
        ("false_positive", 0, "car", BOX, ["correct_class", "correct_box"]),
        ("nonsense", None, "", None, ["feedback_type"]),
        ("wrong_box", 0, "", (5.0, 0.0, 5.0, 9.0), ["correct_box"]),
        ("wrong_box", 0, "", (0.0, 0.0, float("nan"), 9.0), ["correct_box"]),
    ],
)
def test_faults_of_a_statement_are_told_by_field(
    kind: str, index: int | None, name: str, box: tuple[float, float, float, float] | None, fields: list[str]
) -> None:
    """All at once."""
    assert list(faults_of(kind, index, name, box)) == fields
