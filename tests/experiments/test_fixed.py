"""Fixed-horizon tests against published examples, and scipy as an oracle."""

from math import isnan

import numpy as np
import pytest
from scipy import stats

from sidecar.experiments import fixed
from sidecar.experiments.sums import Sums


def sums_of(values: list[float], scale: int = 10) -> Sums:
    whole = [round(value * scale) for value in values]
    n = len(whole)
    return Sums(n, sum(whole), n, sum(value**2 for value in whole), sum(whole), n, scale)


SLEEP_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


def test_student_s_sleep_data_come_out_as_r_prints_them() -> None:
    """t.test(extra ~ group, data = sleep) of R's manual: t = -1.8608, df = 17.776, p-value = 0.07939."""
    t, df, p = fixed.welch_t(sums_of(SLEEP_2), sums_of(SLEEP_1))
    assert t == pytest.approx(-1.8608, abs=5e-5)
    assert df == pytest.approx(17.776, abs=5e-4)
    assert p == pytest.approx(0.07939, abs=5e-6)


def test_the_interval_of_the_sleep_data_comes_out_to_five_decimals() -> None:
    """The same page of R: 95 percent confidence interval -3.3654832 to 0.2054832, means 0.75 and 2.33."""
    one, two = sums_of(SLEEP_1), sums_of(SLEEP_2)
    _, df, _ = fixed.welch_t(two, one)
    half = stats.t.ppf(0.975, df) * (one.standard_error**2 + two.standard_error**2) ** 0.5
    assert (one.value, two.value) == pytest.approx((0.75, 2.33), abs=1e-12)
    assert one.value - two.value - half == pytest.approx(-3.3654832, abs=5e-8)
    assert one.value - two.value + half == pytest.approx(0.2054832, abs=5e-8)


def test_the_two_proportion_example_of_statsmodels_comes_out() -> None:
    """proportions_ztest([5, 12], [83, 99]) of its manual: p = 0.159."""
    z, p = fixed.two_proportion_z(Sums.of_counts(99, 12), Sums.of_counts(83, 5))
    assert p == pytest.approx(0.159, abs=5e-4)
    assert z < 0


def test_the_aspirin_study_comes_out() -> None:
    """Agresti, Categorical Data Analysis, table 2.1: 189 of 11,034 against 104 of 11,037, chi-square 25.01."""
    z, _ = fixed.two_proportion_z(Sums.of_counts(11_037, 104), Sums.of_counts(11_034, 189))
    assert z**2 == pytest.approx(25.01, abs=5e-3)


@pytest.mark.parametrize("seed", range(6))
def test_means_agree_with_scipy(seed: int) -> None:
    """Welch's t, its degrees of freedom and p, to 5 decimals and more."""
    rng = np.random.default_rng(seed)
    left = rng.gamma(2, 10, int(rng.integers(2, 400))).round(3).tolist()
    right = rng.gamma(2, 11, int(rng.integers(2, 400))).round(3).tolist()
    expected = stats.ttest_ind(right, left, equal_var=False)
    t, df, p = fixed.welch_t(sums_of(left, 1_000), sums_of(right, 1_000))
    assert (t, df, p) == pytest.approx((expected.statistic, expected.df, expected.pvalue), rel=1e-7)


@pytest.mark.parametrize("counts", [(1_000, 30, 900, 55), (50, 1, 4_000, 300), (10, 3, 10, 3)])
def test_shares_agree_with_scipy(counts: tuple[int, int, int, int]) -> None:
    """The square of z is the chi-square of the 2 x 2 table without Yates' correction."""
    n_a, x_a, n_b, x_b = counts
    expected = stats.chi2_contingency([[x_a, n_a - x_a], [x_b, n_b - x_b]], correction=False)
    z, p = fixed.two_proportion_z(Sums.of_counts(n_a, x_a), Sums.of_counts(n_b, x_b))
    assert z**2 == pytest.approx(expected.statistic, abs=1e-9)
    assert p == pytest.approx(expected.pvalue, rel=1e-9)


@pytest.mark.parametrize("df", [1, 1.5, 4, 30, 250.5, 1e4, 1e6])
@pytest.mark.parametrize("t", [0.0, 1e-6, 0.3, 2.0, 8.0, 60.0])
def test_student_s_t_agrees_with_scipy(t: float, df: float) -> None:
    """From one degree of freedom to a million, from nothing to the far tail."""
    assert fixed.student_p(t, df) == pytest.approx(2 * stats.t.sf(t, df), rel=1e-8, abs=1e-300)
    assert fixed.student_p(-t, df) == fixed.student_p(t, df)


def test_what_can_t_be_tested_is_nan() -> None:
    """One unit, or none; constants are tested as far as that goes."""
    assert all(isnan(value) for value in fixed.welch_t(Sums(), sums_of(SLEEP_1)))
    assert all(isnan(value) for value in fixed.two_proportion_z(Sums(), Sums.of_counts(9, 1)))
    assert fixed.two_proportion_z(Sums.of_counts(9, 0), Sums.of_counts(9, 0)) == (0.0, 1.0)
    assert fixed.welch_t(sums_of([1.0, 1.0]), sums_of([1.0, 1.0]))[2] == 1.0
    assert fixed.welch_t(sums_of([1.0, 1.0]), sums_of([2.0, 2.0]))[2] == 0.0
