import math

import numpy as np
import pytest

from sidecar.summaries import Moments, SummaryError

NAMES, SCALES = ("x", "y"), (1, 1)


def test_covariance_is_that_of_numpy() -> None:
    """From integer sums the unbiased covariance comes out as NumPy has it, also far from zero."""
    units = np.random.default_rng(1).integers(10**9, 10**9 + 50, (500, 2))
    moments = Moments(NAMES, SCALES)
    moments.add(units)
    expected = np.cov((units - 10**9).T)
    assert moments.covariance("x", "y") == pytest.approx(expected[0, 1], rel=1e-12)
    assert moments.covariance("y", "y") == pytest.approx(expected[1, 1], rel=1e-12)


def test_ratio_standard_error_is_that_of_repeated_samples() -> None:
    """The delta method's standard error agrees with how much the ratio varies from sample to sample."""
    rng = np.random.default_rng(2)
    ratios, errors = [], []
    for _ in range(400):
        y = rng.integers(1, 6, 300)
        x = y * 3 + rng.integers(-2, 3, 300)
        moments = Moments(NAMES, SCALES)
        moments.add(np.stack([x, y], axis=1))
        ratios.append(moments.ratio("x", "y"))
        errors.append(moments.ratio_standard_error("x", "y"))
    assert np.mean(errors) == pytest.approx(np.std(ratios), rel=0.12)


def test_no_units_give_nan() -> None:
    """Without data means and errors are NaN; with one unit a mean but no error."""
    moments = Moments(NAMES, SCALES)
    assert math.isnan(moments.mean("x"))
    assert math.isnan(moments.ratio("x", "y"))
    moments.add(np.array([[4, 2]]))
    assert moments.ratio("x", "y") == 2
    assert math.isnan(moments.ratio_standard_error("x", "y"))


def test_products_beyond_64_bits_are_exact() -> None:
    """Large components fall back to Python's integers."""
    moments = Moments(NAMES, SCALES)
    moments.add(np.array([[1 << 40, 1], [1 << 40, 1]]))
    assert moments.products == [2 << 80, 2 << 40, 2]


def test_unlike_components_are_refused() -> None:
    """Moments of different measurements never merge."""
    with pytest.raises(SummaryError, match="differ"):
        Moments(NAMES, SCALES).merge(Moments(("x", "z"), SCALES))
    with pytest.raises(SummaryError, match="components"):
        Moments.from_state(NAMES, SCALES, [1, [1], [1]])
