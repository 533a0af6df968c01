"""Back-off and Retry-After."""

import pytest

from sidecar.retrying import backoff_s, retry_after_s


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
        ("Thu, 01 Jan 99999999999 00:00:00 GMT", 0),
        ("Thu, 01 Jan 2026 00:00:00 +9999999999", 0),
    ],
)
def test_retry_after_reads_seconds_and_dates_within_the_bound(field: str, expected_s: float) -> None:
    """Seconds and HTTP dates count, nonsense and the past do not, and nobody makes the sender wait for ever."""
    assert retry_after_s(field, 10.0, 60.0) == expected_s
