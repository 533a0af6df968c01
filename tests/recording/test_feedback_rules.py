from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.recording import FeedbackRow, place_of
from sidecar.recording.feedback_rules import standing, verdict_of

ROW = FeedbackRow("f", "p", "", "correct", None, "", None, "", "ann", "", 0.0, 100.0)
BOX = (1.0, 2.0, 30.0, 40.0)


def say(text: str, number: int = 0) -> FeedbackRow:
    """A statement of ``author type [detection or box]``, said at ``number``."""
    author, kind, *rest = text.split()
    index = int(rest[0]) if rest and kind != "missed_object" else None
    box = (float(rest[0]), 2.0, 30.0, 40.0) if rest and kind == "missed_object" else None
    row = replace(ROW, feedback_id=text, author=author, feedback_type=kind, detection_index=index, correct_box=box)
    return replace(row, place=place_of(row.feedback_type, index, box), at=float(number))


def left(*texts: str) -> list[str]:
    return [row.feedback_id for _, row in standing(list(enumerate(say(text, at) for at, text in enumerate(texts))))]


@pytest.mark.parametrize(
    ("said", "stands", "verdict"),
    [
        (["a correct"], ["a correct"], "correct"),
        (["a correct", "a wrong_box"], ["a wrong_box"], "wrong_box"),
        (["a wrong_box", "a correct"], ["a correct"], "correct"),
        (["a wrong_label 1", "a correct"], ["a correct"], "correct"),
        (["a correct", "a false_positive 1"], ["a false_positive 1"], "false_positive"),
        (["a wrong_box", "a false_positive 1"], ["a wrong_box", "a false_positive 1"], "false_positive"),
        (["a wrong_box 1", "a false_positive 1"], ["a false_positive 1"], "false_positive"),
        (["a wrong_box 1", "a false_positive 2"], ["a wrong_box 1", "a false_positive 2"], "false_positive"),
        (["a wrong_box 1", "a correct 1"], ["a correct 1"], "correct"),
        (["a correct", "a correct 1"], ["a correct 1"], "correct"),
        (["a wrong_box 1", "a correct 2"], ["a wrong_box 1", "a correct 2"], "wrong_box"),
        (["a missed_object 1", "a missed_object 5"], ["a missed_object 1", "a missed_object 5"], "missed_object"),
        (["a missed_object 1.2", "a missed_object 0.9"], ["a missed_object 0.9"], "missed_object"),
        (["a correct", "a missed_object 1"], ["a missed_object 1"], "missed_object"),
        (["a missed_object 1", "a correct"], ["a correct"], "correct"),
        (["a missed_object 1", "a wrong_box"], ["a wrong_box"], "wrong_box"),
        (["a wrong_box", "b correct"], ["a wrong_box", "b correct"], "wrong_box"),
        (["a correct", "b wrong_label 1"], ["a correct", "b wrong_label 1"], "wrong_label"),
        (["a wrong_label", "b false_positive", "a correct"], ["b false_positive", "a correct"], "false_positive"),
        (["a correct", "a wrong_box 1", "a wrong_box 1"], ["a wrong_box 1"], "wrong_box"),
    ],
)
def test_of_one_author_the_latest_stands(said: list[str], stands: list[str], verdict: str) -> None:
    """The whole replaces all before it, a part what was said of it and a whole `correct`; others are left alone."""
    assert left(*said) == stands
    statements = list(enumerate(say(text, at) for at, text in enumerate(said)))
    assert verdict_of(standing(statements)) == verdict


def test_nothing_said_is_no_verdict() -> None:
    """A prediction of which nothing stands has none."""
    assert verdict_of(standing([])) is None


def test_clock_that_is_ahead_does_not_make_a_statement_last_for_ever() -> None:
    """Nothing is said later than it is received: what comes in afterwards replaces it."""
    ahead = replace(say("a wrong_box"), at=1e12, received_at=50.0)
    later = replace(say("a correct"), at=60.0, received_at=60.0)
    assert standing([(1, ahead), (2, later)]) == [(2, later)]


KINDS = ["correct", "wrong_label 1", "false_positive 2", "missed_object 3", "wrong_box", "correct 1"]
SAID = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(KINDS), st.integers(0, 3)), max_size=12)


@given(SAID)
def test_what_stands_is_what_no_later_one_replaces(said: list[tuple[str, str, int]]) -> None:
    """As the rule is written down, pair by pair; what was said last always stands."""
    rows = [(number, say(f"{author} {kind}", at)) for number, (author, kind, at) in enumerate(said)]

    def replaces(later: FeedbackRow, earlier: FeedbackRow) -> bool:
        is_whole_correct = earlier.place == "" and earlier.feedback_type == "correct"
        return later.author == earlier.author and (later.place in ("", earlier.place) or is_whole_correct)

    ordered = sorted(rows, key=lambda each: (each[1].at, each[0]))
    expected = [
        each
        for place, each in enumerate(ordered)
        if not any(replaces(later, each[1]) for _, later in ordered[place + 1 :])
    ]
    assert standing(rows) == expected
    assert expected[-1:] == ordered[-1:]


@given(SAID, st.randoms(use_true_random=False))
def test_order_of_arrival_makes_no_difference(said: list[tuple[str, str, int]], random) -> None:
    """What was said at different times comes to the same, whenever it arrives."""
    rows = [say(f"{author} {kind}", at) for at, (author, kind, _) in enumerate(said)]
    shuffled = random.sample(rows, len(rows))
    assert [row for _, row in standing(enumerate(shuffled))] == [row for _, row in standing(enumerate(rows))]
