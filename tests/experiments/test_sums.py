"""Sums of a metric over units."""

from math import isnan, sqrt

import numpy as np
import pytest

from sidecar.experiments.sums import Sums, pooled_standard_error
from sidecar.summaries import Moments

NAMES = ("images", "found", "confidence")


def moments_of(units: np.ndarray) -> Moments:
    moments = Moments(NAMES, (1, 1, 1_000_000))
    moments.add(units)
    return moments


def drawn(seed: int, n: int = 400) -> np.ndarray:
    rng = np.random.default_rng(seed)
    images = rng.integers(1, 4, n)
    found = rng.binomial(images, 0.7)
    return np.stack([images, found, np.rint(found * rng.normal(0.7, 0.1, n) * 1e6).astype(np.int64)], axis=1)


def test_a_ratio_and_its_error_are_those_of_the_moments() -> None:
    """By the delta method, in the metric's unit."""
    moments = moments_of(drawn(1))
    sums = Sums.of(moments, (("confidence", 1),), (("found", 1),))
    assert sums.value == pytest.approx(moments.ratio("confidence", "found"), rel=1e-12)
    assert sums.standard_error == pytest.approx(moments.ratio_standard_error("confidence", "found"), rel=1e-9)


def test_a_combination_of_components_is_summed_unit_by_unit() -> None:
    """Images without a detection are images less those with one."""
    units = drawn(2)
    sums = Sums.of(moments_of(units), (("images", 1), ("found", -1)), (("images", 1),))
    without = units[:, 0] - units[:, 1]
    assert (sums.x, sums.xx, sums.xm) == (without.sum(), (without**2).sum(), (without * units[:, 0]).sum())


def test_a_mean_has_the_error_that_everybody_knows() -> None:
    """s over the root of n, of values in their unit."""
    units = drawn(3)
    sums = Sums.of(moments_of(units), (("confidence", 1),))
    values = units[:, 2] / 1e6
    assert sums.value == pytest.approx(values.mean(), rel=1e-12)
    assert sums.standard_error == pytest.approx(values.std(ddof=1) / sqrt(len(values)), rel=1e-12)


def test_close_large_numbers_do_not_cancel() -> None:
    """Values of a billion and a millionth: the variance is of the millionths."""
    values = np.array([[1, 1, 10**15 + n % 2] for n in range(1_000)])
    sums = Sums.of(moments_of(values), (("confidence", 1),))
    assert sums.standard_error == pytest.approx(0.5e-6 / sqrt(999), rel=1e-9)


def test_nothing_has_no_value() -> None:
    """NaN, and NaN under two units for the error."""
    assert isnan(Sums().value)
    assert isnan(Sums().standard_error)
    assert isnan(Sums.of_counts(1, 1).standard_error)
    assert isnan(pooled_standard_error(Sums(), Sums.of_counts(10, 1)))


def test_the_pooled_error_of_shares_is_that_of_the_two_proportion_test() -> None:
    """sqrt(p (1 - p) (1/nA + 1/nB)), but for n - 1."""
    error = pooled_standard_error(Sums.of_counts(800, 30), Sums.of_counts(200, 10))
    share = 40 / 1_000
    assert error == pytest.approx(sqrt(share * (1 - share) * (1 / 800 + 1 / 200) * 1_000 / 999), rel=1e-12)


def test_the_pooled_error_takes_the_ratio_of_the_null() -> None:
    """A treatment of 1.5 times everything looks like the control."""
    units = drawn(4)
    control = Sums.of(moments_of(units[:200]), (("confidence", 1),), (("found", 1),))
    more = units[200:].copy()
    more[:, 2] *= 3
    treatment = Sums.of(moments_of(more), (("confidence", 1),), (("found", 1),))
    plain = Sums.of(moments_of(units[200:]), (("confidence", 1),), (("found", 1),))
    assert pooled_standard_error(control, treatment, 3.0) == pytest.approx(pooled_standard_error(control, plain))


@pytest.mark.parametrize(
    ("outcomes", "single"),
    [([(1, 0), (1, 1), (0, 0)], True), ([(2, 1), (1, 0)], False), ([(1, 0), (2, 0)], False), ([], True)],
)
def test_units_of_one_outcome_or_none_are_known_from_the_sums(outcomes: list[tuple[int, int]], single: bool) -> None:
    """Only then is an event as independent as a unit."""
    units = np.array([(m, x, 0) for m, x in outcomes], np.int64).reshape(-1, 3)
    assert Sums.of(moments_of(units), (("found", 1),), (("images", 1),)).single is single


def test_units_with_events_are_never_overstated() -> None:
    """Bursts count as few: the square of the sum over the sum of squares."""
    units = np.array([(9, 9, 0), (9, 1, 0), (9, 0, 0)], np.int64)
    sums = Sums.of(moments_of(units), (("found", 1),), (("images", 1),))
    assert sums.units_with_events == pytest.approx(100 / 82)
    assert Sums.of_counts(50, 7).units_with_events == 7
    assert Sums.of_counts(50, 0).units_with_events == 0


def test_unlike_scales_are_refused() -> None:
    """Milliseconds and seconds don't add up; nothing at all fits any."""
    left, right = Sums(2, 2, 2, 2, 2, 2), Sums(2, 2, 2, 2, 2, 2, scale_x=1_000)
    with pytest.raises(ValueError, match="scales 1/1 and 1000/1 differ"):
        left.merge(right)
    assert Sums().merge(right) == right == right.merge(Sums())
