"""Back-off, Retry-After, and what answers mean."""

import pytest

from sidecar.streaming.retry import Outcome, backoff_s, outcome_of, retry_after_s


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "delivered"),
        (204, "delivered"),
        (301, "refused"),
        (400, "refused"),
        (404, "refused"),
        (408, "later"),
        (413, "refused"),
        (429, "later"),
        (500, "later"),
        (503, "later"),
    ],
)
def test_status_means_one_outcome(status: int, outcome: str) -> None:
    """Only what time can heal is tried for ever."""
    assert outcome_of(status) is Outcome(outcome)


def test_backoff_grows_to_its_bound_and_jitter_takes_off_half_at_most() -> None:
    """Whatever the draw, the pause is between half of the doubled time and all of it, and under the bound."""
    for failures in range(1, 100):
        whole = min(60.0, 2.0 ** (failures - 1))
        assert backoff_s(failures, 1.0, 60.0, 0.0) == whole / 2
        assert backoff_s(failures, 1.0, 60.0, 1.0) == whole


@pytest.mark.parametrize(
    ("field", "expected_s"),
    [
        ("", 0),
        ("12", 12),
        ("999999999999999999", 60),
        ("-3", 0),
        ("soon", 0),
        ("Thu, 01 Jan 1970 00:00:05 GMT", 0),
        ("Thu, 01 Jan 1970 00:01:10 GMT", 60),
        ("Thu, 01 Jan 1970 00:00:40 -0000", 30),
        ("٣", 0),
    ],
)
def test_retry_after_reads_seconds_and_dates_within_the_bound(field: str, expected_s: float) -> None:
    """Seconds and HTTP dates count, nonsense and the past do not, and nobody makes the sender wait for ever."""
    assert retry_after_s(field, 10.0, 60.0) == expected_s
