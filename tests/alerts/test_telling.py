"""The notice of an alert as it stands."""

import pytest

from sidecar.alerts.alert_state import AlertState, State
from sidecar.alerts.condition import Condition
from sidecar.alerts.notice import CONTEXT_LINES_MAX, SENTENCE_CHARACTERS_MAX, Notice
from sidecar.alerts.telling import notice_of

CONDITION = Condition("avg_confidence", "lt", 0.7, 3_600.0)
STATE = AlertState(
    State.FIRING,
    90.0,
    value=0.62,
    samples=88,
    detail={"no_detection_rate": 0.12},
    sentence="It was low.",
    fired_at=90.0,
)


def told(kind: str, state: AlertState = STATE) -> Notice:
    return notice_of(
        kind, state, CONDITION, at=100.0, alert_id="a1", name="Low", model="det", version="2", link="https://x.test/a1"
    )


def test_firing_notice_has_what_a_person_needs() -> None:
    """What it is about, what was seen, since when, and where to look."""
    assert told("firing") == Notice(
        "firing", "a1", "Low", "det", "2", "", "avg_confidence", 0.62, "avg_confidence below 0.7 over 1h",
        "It was low.", ("Measured on 88 images with detections.", "Images without detections: 12 %."),
        90.0, 100.0, None, "https://x.test/a1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "ends_at", "opening"),
    [
        ("firing", None, "It was low."),
        ("resolved", 100.0, "It was low."),
        ("flapping", None, "It fires again and again; nothing more is sent until it settles. It was low."),
        ("settled", 100.0, "It no longer flaps. It was low."),
        ("test", None, "This is a test of the alert's notifications. It was low."),
    ],
)
def test_kind_says_whether_it_has_ended(kind: str, ends_at: float | None, opening: str) -> None:
    """Resolved and settled notices end what began when it last fired."""
    notice = told(kind)
    assert (notice.starts_at, notice.ends_at, notice.sentence) == (90.0, ends_at, opening)


def test_alert_that_never_fired_starts_now() -> None:
    """As a test of its notifications does."""
    notice = told("test", AlertState())
    assert (notice.starts_at, notice.value, notice.context) == (100.0, None, ())
    assert notice.sentence == "This is a test of the alert's notifications."


def test_context_follows_and_has_an_end() -> None:
    """Lines that are given come after the alert's own; there are ten at most, each cut."""
    lines = (f"{number} " + "x" * 5_000 for number in range(50))
    notice = notice_of("firing", STATE, CONDITION, at=1.0, alert_id="a1", name="Low", model="det", context=lines)
    assert notice.context[:2] == told("firing").context
    assert [line[0] for line in notice.context[2:]] == list("01234567")
    assert len(notice.context) == CONTEXT_LINES_MAX
    assert max(map(len, notice.context)) == SENTENCE_CHARACTERS_MAX
