"""Asymptotic confidence sequences and their p-values."""

from math import exp, log, sqrt

import numpy as np
import pytest

from sidecar.experiments import sequential

RHO = sequential.rho_of()


@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_rho_makes_the_sequence_about_tightest_where_it_should(alpha: float) -> None:
    """No other rho is more than 1 % narrower at the number of units it is tuned to."""
    widths = [
        float(sequential.half_width(0.01, 5_000, sequential.rho_of(units, alpha), alpha))
        for units in np.geomspace(500, 50_000, 200)
    ]
    tuned = float(sequential.half_width(0.01, 5_000, sequential.rho_of(5_000, alpha), alpha))
    assert tuned <= 1.01 * min(widths)


def test_the_width_is_the_paper_s() -> None:
    """sigma sqrt(2 (t rho^2 + 1) / (t^2 rho^2) log(sqrt(t rho^2 + 1) / alpha)), to 5 decimals and by hand.

    With t = 1,000, rho = 0.1, sigma = 2 and alpha = 0.05: t rho^2 = 10; 2 * 11 / (1,000^2 * 0.01) = 0.0022;
    log(3.3166248 / 0.05) = 4.1946802; the root of 0.0022 * 4.1946802 is 0.0960650, twice that 0.1921300.
    """
    width = float(sequential.half_width(2 / sqrt(1_000), 1_000, 0.1))
    assert width == pytest.approx(0.19213, abs=5e-6)


@pytest.mark.parametrize("n", [300, 5_000, 1_000_000])
@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_the_p_value_is_the_alpha_at_which_the_sequence_just_excludes_zero(n: int, alpha: float) -> None:
    """And so does the one-sided one."""
    width = float(sequential.half_width(0.3, n, RHO, alpha))
    assert float(sequential.p_value(width, 0.3, n, RHO)) == pytest.approx(alpha, rel=1e-9)
    assert float(sequential.p_value(-width, 0.3, n, RHO)) == pytest.approx(alpha, rel=1e-9)
    bound = float(sequential.one_sided_half_width(0.3, n, RHO, alpha))
    assert float(sequential.one_sided_p_value(bound, 0.3, n, RHO)) == pytest.approx(alpha, rel=1e-9)
    assert bound < width


def test_the_p_value_is_the_formula_of_the_house() -> None:
    """As ../shared/STATISTICS.md has it."""
    n, d, error = 2_000, 0.5, 0.12
    time = n * RHO**2
    by_hand = sqrt(time + 1) * exp(-(d**2 / error**2) * time / (2 * (time + 1)))
    assert float(sequential.p_value(d, error, n, RHO)) == pytest.approx(by_hand, rel=1e-12)
    assert sqrt((-2 * log(0.05) + log(-2 * log(0.05) + 1)) / 5_000) == RHO


def test_the_other_side_is_no_evidence() -> None:
    """One-sided: a value under 0 gives 1, and so does 0."""
    assert sequential.one_sided_p_value([-1.0, 0.0], 0.1, 1_000, RHO).tolist() == [1.0, 1.0]


def test_without_any_variance_a_difference_is_certain_and_none_is_none() -> None:
    """Constants that are equal, and constants that differ."""
    assert sequential.p_value([0.0, 1.0], 0.0, 1_000, RHO).tolist() == [1.0, 0.0]


def test_a_certain_difference_does_not_overflow() -> None:
    """A hundred standard errors."""
    with np.errstate(all="raise", under="ignore"):
        assert float(sequential.p_value(100.0, 1.0, 5_000, RHO)) == pytest.approx(0, abs=1e-300)
        assert float(sequential.one_sided_p_value(100.0, 1.0, 5_000, RHO)) == 0.0
