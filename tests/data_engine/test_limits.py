"""What holds a rule back."""

import pytest

from sidecar.data_engine import RateLimits
from sidecar.data_engine.limits import RuleLimits

NONE = RateLimits()
DAY_S = 86_400.0
NOON = 20_000 * DAY_S + 43_200


def kept(limits: RuleLimits, rates: RateLimits, times: list[float], cool_down_s: float = 0.0) -> list[float]:
    """The times of the images that a rule takes of one unit."""
    found = []
    for at in times:
        if limits.reason("r", rates, cool_down_s, "cam", at) is None:
            limits.take("r", "cam", at)
            found.append(at)
    return found


@pytest.mark.parametrize(
    ("rates", "window_s"),
    [(RateLimits(per_minute=3), 60.0), (RateLimits(per_hour=3), 3_600.0), (RateLimits(per_day=3), DAY_S)],
)
def test_no_window_has_more_than_its_limit_and_the_next_begins_anew(rates, window_s) -> None:
    """Three of each window's ten, in order."""
    begin = 20_000 * DAY_S
    times = [begin + window_s * (window + i / 10) for window in (0, 1) for i in range(10)]
    assert kept(RuleLimits(), rates, times) == [times[i] for i in (0, 1, 2, 10, 11, 12)]


def test_narrowest_limit_that_is_hit_is_told() -> None:
    """So that a person knows which one to move."""
    limits = RuleLimits()
    limits.take("r", "cam", NOON)
    assert limits.reason("r", RateLimits(1, 1, 1), 9.0, "cam", NOON) == "cool_down"
    assert limits.reason("r", RateLimits(1, 1, 1), 0.0, "cam", NOON) == "minute"
    assert limits.reason("r", RateLimits(2, 1, 1), 0.0, "cam", NOON) == "hour"
    assert limits.reason("r", RateLimits(2, 2, 1), 0.0, "cam", NOON) == "day"
    assert limits.reason("r", RateLimits(2, 2, 2), 0.0, "cam", NOON) is None
    assert limits.reason("r", RateLimits(per_day=0), 0.0, "cam", NOON + DAY_S) == "day"


def test_cool_down_is_of_a_rule_and_a_unit() -> None:
    """A camera at 30 frames a second gives one image in ten seconds; others, and other rules, are free meanwhile."""
    limits = RuleLimits()
    assert kept(limits, NONE, [NOON + frame / 30 for frame in range(900)], 10.0) == [NOON, NOON + 10, NOON + 20]
    assert limits.reason("r", NONE, 10.0, "other", NOON + 20) is None
    assert limits.reason("s", NONE, 10.0, "cam", NOON + 20) is None


def test_rules_do_not_use_up_each_others_limits() -> None:
    """Each counts its own."""
    limits = RuleLimits()
    limits.take("r", "cam", NOON)
    assert limits.reason("s", RateLimits(1, 1, 1), 0.0, "cam", NOON) is None


def test_late_image_counts_in_the_window_that_has_begun() -> None:
    """Workers' frames come a little out of order; that opens no window anew."""
    limits = RuleLimits()
    assert kept(limits, RateLimits(per_minute=2), [NOON, NOON + 60, NOON + 59, NOON + 58, NOON + 61]) == [
        *(NOON, NOON + 60, NOON + 59),
    ]


def test_clock_that_was_set_back_does_not_stop_a_rule_for_ever() -> None:
    """A limit used up in a future that was none, and a pause begun in it, are over."""
    limits = RuleLimits()
    assert kept(limits, RateLimits(per_day=1), [NOON + 400 * DAY_S, NOON], 60.0) == [NOON + 400 * DAY_S, NOON]


def test_pauses_are_bounded() -> None:
    """Units that never come again make room, and are counted."""
    limits = RuleLimits(cool_downs_max=3)
    for i in range(5):
        limits.take("r", f"cam-{i}", NOON)
    assert limits.forgotten == 2
    assert [limits.reason("r", NONE, 60.0, f"cam-{i}", NOON) for i in range(5)] == [None, None, *["cool_down"] * 3]


def test_image_that_is_given_back_counts_in_no_window() -> None:
    """Its place is free again in each that is still open; the unit's pause stays, also what another hour took."""
    limits = RuleLimits()
    limits.take("r", "cam", NOON)
    limits.give_back("r", NOON)
    assert limits.reason("r", RateLimits(1, 1, 1), 0.0, "cam", NOON) is None
    assert limits.reason("r", NONE, 9.0, "cam", NOON) == "cool_down"
    limits.give_back("r", NOON)  # once more than was taken
    limits.give_back("s", NOON)
    limits.take("r", "cam", NOON)
    limits.take("r", "cam", NOON + 3_600)
    limits.give_back("r", NOON)
    at = NOON + 3_601
    assert limits.reason("r", RateLimits(per_hour=1), 0.0, "cam", at) == "hour"
    assert limits.reason("r", RateLimits(per_hour=2, per_day=2), 0.0, "cam", at) is None
