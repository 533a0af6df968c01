import math

import numpy as np
import pytest
from scipy import stats

from sidecar.experiments.pairs.paired_test import mean_test, paired_test, ratio_test
from sidecar.summaries import Moments


def moments_of(columns: np.ndarray, scale: int = 1_000_000) -> Moments:
    """Of shifts [N], or of shifts and images [N, 2]."""
    names, scales = (("shift",), (scale,)) if columns.ndim == 1 else (("shift", "images"), (scale, 1))
    made = Moments(names, scales)
    units = columns.reshape(len(columns), len(names)).copy()
    units[:, 0] *= scale
    made.add(np.rint(units).astype(np.int64))
    return made


@pytest.mark.parametrize("n", [2, 3, 20, 151, 5_000])
def test_fixed_horizon_test_is_scipys_paired_t_test(n: int) -> None:
    """p-value and confidence interval, to five digits."""
    shifts = np.random.default_rng(n).normal(0.02, 0.1, n).round(6)
    test = mean_test(moments_of(shifts), "shift")
    expected = stats.ttest_rel(shifts, np.zeros(n))
    low, high = expected.confidence_interval(0.95)
    assert test.fixed_p_value == pytest.approx(expected.pvalue, rel=1e-5)
    assert (test.fixed_low, test.fixed_high) == (pytest.approx(low, rel=1e-5), pytest.approx(high, rel=1e-5))
    assert test.difference == pytest.approx(shifts.mean(), rel=1e-9)


def test_published_example_of_the_paired_t_test() -> None:
    """Student's sleep data (Biometrika 6, 1908): t = 4.0621 with 9 degrees of freedom, p = 0.002833, 0.70 to 2.46."""
    extra = np.array([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])
    test = mean_test(moments_of(extra), "shift")
    assert test.difference / test.standard_error == pytest.approx(4.0621, abs=5e-5)
    assert test.fixed_p_value == pytest.approx(0.002833, abs=5e-7)
    assert (round(test.fixed_low, 4), round(test.fixed_high, 4)) == (0.7001, 2.4599)


def test_sequence_is_that_of_the_formulas() -> None:
    """STATISTICS.md's half-width and p-value, written out here once more."""
    n, difference, error, alpha = 700, 0.03, 0.01, 0.05
    rho = math.sqrt((-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / 5_000)
    spread = n * rho**2 + 1
    half = error * math.sqrt(n) * math.sqrt(2 * spread * math.log(math.sqrt(spread) / alpha)) / (n * rho)
    p = math.sqrt(spread) * math.exp(-(difference**2 / error**2) * n * rho**2 / (2 * spread))
    test = paired_test(n, difference, error)
    assert (test.low, test.high) == (pytest.approx(difference - half), pytest.approx(difference + half))
    assert test.p_value == pytest.approx(p)


@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_interval_excludes_zero_where_the_p_value_is_under_alpha(alpha: float) -> None:
    """Both say the same, for both kinds of test."""
    for difference in np.linspace(0, 0.1, 41).tolist():
        test = paired_test(500, difference, 0.01, alpha)
        assert (test.low > 0) == (test.p_value < alpha)
        assert (test.fixed_low > 0) == (test.fixed_p_value < alpha)


def test_ratio_of_one_image_a_request_is_the_mean() -> None:
    """With one image a request the delta method is the plain paired test."""
    shifts = np.random.default_rng(4).normal(0.01, 0.1, 300).round(6)
    plain = mean_test(moments_of(shifts), "shift")
    ratio = ratio_test(moments_of(np.stack([shifts, np.ones(300)], 1)), "shift", "images")
    assert ratio.difference == pytest.approx(plain.difference)
    assert ratio.standard_error == pytest.approx(plain.standard_error)
    assert ratio.p_value == pytest.approx(plain.p_value)


def test_images_of_a_request_do_not_count_as_independent() -> None:
    """Ten images that all shift alike say no more than one: the error is that of the requests."""
    shifts = np.random.default_rng(4).normal(0.01, 0.1, 300).round(6)
    one = ratio_test(moments_of(np.stack([shifts, np.ones(300)], 1)), "shift", "images")
    ten = ratio_test(moments_of(np.stack([10 * shifts, np.full(300, 10)], 1)), "shift", "images")
    assert ten.standard_error == pytest.approx(one.standard_error)
    assert ten.n == 300


def test_without_data_nothing_is_known() -> None:
    """p is 1 and bounds are null; with one unit its difference is known."""
    for n in (0, 1):
        document = mean_test(moments_of(np.full(n, 0.5)), "shift").to_dict()
        assert document["difference"] == (0.5 if n else None)
        assert document["always_valid"] == document["fixed_horizon"] == {"low": None, "high": None, "p_value": 1.0}
        assert document["significant"] is False


def test_differences_that_never_vary_are_no_error() -> None:
    """Two deterministic versions may differ by the same each time, or never."""
    same, apart = (mean_test(moments_of(np.full(200, shift)), "shift") for shift in (0.0, 0.25))
    assert (same.p_value, same.fixed_p_value, same.significant) == (1.0, 1.0, False)
    assert (apart.p_value, apart.fixed_p_value, apart.significant) == (0.0, 0.0, True)
    assert (apart.low, apart.high) == (0.25, 0.25)


def test_few_requests_are_never_significant() -> None:
    """149 are too few whatever they say."""
    assert not paired_test(149, 1.0, 0.001).significant
    assert paired_test(150, 1.0, 0.001).significant


@pytest.mark.parametrize("alpha", [0, 1, -0.1, math.nan])
def test_alpha_out_of_range_is_refused(alpha: float) -> None:
    """Named, before anything is computed."""
    with pytest.raises(ValueError, match="alpha"):
        paired_test(200, 0.1, 0.1, alpha)


def test_looking_often_hardly_ever_calls_a_difference_where_there_is_none() -> None:
    """1,000 shadow tests of versions that are alike, of skewed shifts, looked at every 100 of 5,000 requests.

    At most 5 % are ever called significant (2 % when it was written); the paired t-test calls over 20 %.
    """
    rng = np.random.default_rng(9)
    looks = np.arange(200, 5_001, 100)
    ever = fixed = 0
    for _ in range(1_000):
        shifts = rng.exponential(1.0, 5_000) - 1.0
        sums, squares = np.cumsum(shifts)[looks - 1], np.cumsum(shifts**2)[looks - 1]
        means = sums / looks
        errors = np.sqrt((squares - sums * means) / (looks - 1) / looks)
        tests = [
            paired_test(int(n), mean, error) for n, mean, error in zip(looks, means, errors, strict=True)
            if abs(mean) > 1.8 * error
        ]  # fmt: skip
        ever += any(test.significant for test in tests)
        fixed += any(test.fixed_p_value <= 0.05 for test in tests)
    print(f"always-valid {ever / 10:.1f} %, fixed-horizon {fixed / 10:.1f} %")
    assert ever <= 50
    assert fixed > 200
