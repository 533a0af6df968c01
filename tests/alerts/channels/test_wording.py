"""A notice in words."""

import pytest

from sidecar.alerts.channels.wording import LINE_CHARACTERS_MAX, LINES_MAX, lines_of, plain, time_text, timestamp
from tests.kit.alert_receivers import notice


def test_lines_say_what_was_seen_first() -> None:
    """Sentence, context, rule and times, in this order; empty ones are left out."""
    ended = notice(kind="resolved", context=("", "b"), ends_at=1_764_000_030.0)
    assert lines_of(ended) == [
        "error_rate of det@2 was 20 % over 15m.",
        "b",
        "Rule: error_rate above 5 % over 15m",
        "Since: 2025-11-24 16:00:00 UTC",
        "Until: 2025-11-24 16:00:30 UTC",
    ]


def test_lines_are_bounded() -> None:
    """However much context there is, a message stays one that a person reads and a service takes."""
    lines = lines_of(notice(context=tuple("x" * 5_000 for _ in range(500))))
    assert len(lines) <= LINES_MAX + 3
    assert max(map(len, lines)) == LINE_CHARACTERS_MAX


@pytest.mark.parametrize("text", ["a\nb", "a\r\n\tb", "a\x00b", "a\u2028b", "a\x85b", "a\x1b b", "a\ud800b", "a  b"])
def test_control_characters_become_one_space(text: str) -> None:
    """What could break a line, a header or an encoding is gone."""
    assert plain(text) == "a b"


@pytest.mark.parametrize("at", [-1e18, 1e18])
def test_impossible_time_is_no_crash(at: float) -> None:
    """A time that no date can hold is shown as the nearest."""
    assert time_text(at).endswith("UTC")
    assert timestamp(at).endswith("Z")
