"""Which of several statements about a prediction stand, and what they come to.

A statement's place is empty where it is about the whole prediction, else it tells which detection or which missed box
it is about. Of one author the latest statement about a place stands; one about the whole replaces all that the author
said before, and one about a part replaces an earlier ``correct`` about the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sidecar.recording.loop_rows import FeedbackRow
from sidecar.types import Box, FeedbackType


def place_of(feedback_type: FeedbackType, detection_index: int | None, correct_box: Box | None) -> str:
    """What tells apart what one author may say of one prediction side by side.

    >>> place_of("wrong_label", 3, None), place_of("missed_object", None, (1.4, 2.0, 9.6, 8.0))
    ('d3', 'm1,2,10,8')
    >>> place_of("false_positive", None, None)
    ''
    """
    if feedback_type == "missed_object":
        return "m" + ",".join(str(round(edge)) for edge in correct_box or ())
    return "" if detection_index is None else f"d{detection_index}"


def said_at(row: FeedbackRow) -> float:
    """When it was said: not later than it was received, whatever a client's clock says."""
    return min(row.at, row.received_at)


def standing(statements: Iterable[tuple[int, FeedbackRow]]) -> list[tuple[int, FeedbackRow]]:
    """Those of (id, statement) that no later one replaces, what was said last at the end; of one time by arrival."""
    ordered = sorted(statements, key=lambda each: (said_at(each[1]), each[0]))
    wholes: dict[str, int] = {}
    parts: dict[str, int] = {}
    places: dict[tuple[str, str], int] = {}
    for number, (_, row) in enumerate(ordered):  # where each author's last statement of each kind is
        (parts if row.place else wholes)[row.author] = number
        places[row.author, row.place] = number
    found = []
    for number, (row_id, row) in enumerate(ordered):
        is_last = places[row.author, row.place] == number and wholes.get(row.author, -1) <= number
        gives_way = row.place == "" and row.feedback_type == "correct" and parts.get(row.author, -1) > number
        if is_last and not gives_way:
            found.append((row_id, row))
    return found


def verdict_of(statements: Sequence[tuple[int, FeedbackRow]]) -> FeedbackType | None:
    """What ``standing`` statements say of the prediction: ``correct`` where nobody says otherwise, else what is wrong
    by the latest of those who say so. None without any."""
    if not statements:
        return None
    wrong = [row.feedback_type for _, row in statements if row.feedback_type != "correct"]
    return wrong[-1] if wrong else "correct"
