"""What answers mean."""

import pytest

from sidecar.streaming.retry import Outcome, outcome_of


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
