"""Lengths of time, read and written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.durations import duration_text, parse_duration


@given(st.integers(0, 400 * 86_400))
def test_text_of_whole_seconds_reads_back(seconds: int) -> None:
    """What is shown to a person can be given back."""
    assert parse_duration(duration_text(seconds)) == seconds


@given(st.floats(0, 400 * 86_400))
def test_text_of_parts_of_a_second_reads_back(seconds: float) -> None:
    """However small they are, and whatever stands before the point: what is stored as text is the same after a
    restart."""
    assert parse_duration(duration_text(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "h", "1y", "-5m", "1h30", True, float("nan"), float("inf"), -1, None])
def test_what_is_no_duration_is_refused_with_an_example(text: object) -> None:
    """The error says what would be right."""
    with pytest.raises(ValueError, match=r"expected e\.g\. 30s"):
        parse_duration(text)  # type: ignore[arg-type] - what YAML may give
