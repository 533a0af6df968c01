"""What an hour usually looks like, and how unusual a value is."""

from math import isnan, nan

import numpy as np
import pytest

from sidecar.drift import Seasonal, fit_seasonal
from sidecar.drift.seasonal import MAD_TO_SD, SCORE_MAX, SPREAD_MIN, _deviations

HOUR_S = 3_600.0


def wave(days: int, noise: float = 0.0, seed: int = 0) -> list[tuple[float, float]]:
    """A value for each hour that is 10 at midnight, 20 at noon."""
    rng = np.random.default_rng(seed)
    return [
        (hour * HOUR_S, 15 - 5 * np.cos(2 * np.pi * (hour % 24) / 24) + noise * rng.normal())
        for hour in range(24 * days)
    ]


@pytest.mark.parametrize(
    ("hours", "season"), [(71, None), (72, "hour of the day"), (671, "hour of the day"), (672, "hour of the week")]
)
def test_the_season_follows_from_how_long_there_are_data(hours: int, season: str | None) -> None:
    """Three days for hours of the day, four weeks for hours of the week."""
    found = fit_seasonal(wave(28)[:hours])
    assert (found.season if found else None) == season


def test_gaps_do_not_shorten_what_the_data_span() -> None:
    """Three working days of eight hours are three days; hours never seen are not known."""
    found = fit_seasonal([row for row in wave(4) if 8 <= row[0] / HOUR_S % 24 < 16])
    assert found is not None
    assert (found.season, found.hours) == ("hour of the day", 32)
    assert found.expected(12 * HOUR_S) == pytest.approx(20)
    assert isnan(found.expected(3 * HOUR_S))
    assert isnan(found.score(3 * HOUR_S, 1.0))


def test_a_value_is_measured_against_its_own_hour() -> None:
    """What is usual at noon is far too much at midnight; less than usual is negative."""
    found = fit_seasonal(wave(10, noise=0.5))
    assert found is not None
    assert abs(found.score(20 * 86_400.0 + 12 * HOUR_S, 20.0)) < 1
    assert found.score(20 * 86_400.0, 20.0) > 10
    assert found.score(20 * 86_400.0 + 12 * HOUR_S + 1_800, 15.0) < -5


def test_an_hour_of_the_week_tells_sundays_apart() -> None:
    """After four weeks."""
    hours = [(hour * HOUR_S, 1.0 if hour // 24 % 7 == 3 else 9.0) for hour in range(24 * 28)]
    found = fit_seasonal(hours)
    assert found is not None
    assert (found.expected(31 * 86_400.0), found.expected(32 * 86_400.0)) == (1.0, 9.0)


def test_outliers_do_not_widen_the_spread() -> None:
    """Medians are not carried off by a tenth of the hours gone wrong."""
    hours = wave(10, noise=0.5)
    clean = fit_seasonal(hours)
    spoiled = fit_seasonal([(start, value + (500 if n % 10 == 3 else 0)) for n, (start, value) in enumerate(hours)])
    assert clean is not None
    assert spoiled is not None
    assert spoiled.spread < 1.6 * clean.spread


@pytest.mark.parametrize("n", range(2, 9))
def test_deviations_are_from_the_median_of_the_others(n: int) -> None:
    """As numpy has it with one value after the other left out."""
    values = np.sort(np.random.default_rng(n).normal(size=n))
    expected = [abs(values[i] - np.median(np.delete(values, i))) for i in range(n)]
    assert _deviations(values) == pytest.approx(np.array(expected))


@pytest.mark.parametrize("days", [3, 7, 21])
def test_the_spread_is_that_of_a_new_value_however_few_days_there_are(days: int) -> None:
    """1.4826 MAD of residuals of a median that each value is part of would be 0.4 of it after three days."""
    spreads = [fit_seasonal(wave(days, noise=1.0, seed=seed)) for seed in range(20)]
    mean = float(np.mean([found.spread for found in spreads if found]))
    assert 0.95 < mean < 1.35


def test_what_never_varied_has_the_least_spread() -> None:
    """A hundredth of the usual value, or SPREAD_MIN where that is zero; scores stay finite."""
    steady = fit_seasonal([(hour * HOUR_S, 40.0) for hour in range(96)])
    silent = fit_seasonal([(hour * HOUR_S, 0.0) for hour in range(96)])
    assert steady is not None
    assert silent is not None
    assert (steady.spread, silent.spread) == (0.4, SPREAD_MIN)
    assert (silent.score(0.0, 0.0), silent.score(0.0, 1e9), silent.score(0.0, -1e9)) == (0.0, SCORE_MAX, -SCORE_MAX)


def test_hours_without_a_value_are_left_out() -> None:
    """NaN is no data; nothing but NaN is no baseline."""
    hours = wave(4)
    found = fit_seasonal([*hours[:30], (30 * HOUR_S, nan), *hours[31:]])
    assert found is not None
    assert found.hours == 95
    assert isnan(found.score(0.0, nan))
    assert fit_seasonal([(hour * HOUR_S, nan) for hour in range(96)]) is None
    assert fit_seasonal([]) is None


def test_one_value_an_hour_of_the_day_leaves_no_spread_but_the_least() -> None:
    """Three days with each hour seen once: nothing is known of how they vary."""
    found = fit_seasonal([(hour * 25 * HOUR_S, 5.0 + hour) for hour in range(4)])
    assert found == Seasonal("hour of the day", {0: 5.0, 1: 6.0, 2: 7.0, 3: 8.0}, 0.065, 4)
    assert MAD_TO_SD == 1.4826
