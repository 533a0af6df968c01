"""The sequential test of sample ratio mismatch."""

import numpy as np
import pytest
from scipy.special import gammaln
from scipy.stats import dirichlet_multinomial, multinomial

from sidecar.experiments import Arm, Epoch
from sidecar.experiments.srm import CONCENTRATION, P_MIN, srm_log_e, srm_of


def epoch_of(counts: tuple[int, ...], split: tuple[float, ...]) -> Epoch:
    arms = [Arm(name, assigned=count) for name, count in zip("ABCD", counts, strict=False)]
    return Epoch(arms[0], tuple(arms[1:]), split)


def test_half_and_half_that_runs_48_to_52_is_caught() -> None:
    """9,600 and 10,400 of 20,000."""
    found = srm_of([epoch_of((9_600, 10_400), (0.5, 0.5))], ["A", "B"])
    assert found.p_value < P_MIN
    assert not found.ok
    assert found.to_dict() == {
        "p_value": found.p_value,
        "ok": False,
        "expected": {"A": 10_000.0, "B": 10_000.0},
        "observed": {"A": 9_600, "B": 10_400},
    }


@pytest.mark.parametrize(("counts", "split"), [((480, 520), (0.5, 0.5)), ((70, 25, 30), (0.6, 0.2, 0.2))])
def test_it_is_the_ratio_of_the_dirichlet_multinomial_to_the_multinomial(
    counts: tuple[int, ...], split: tuple[float, ...]
) -> None:
    """As scipy has both, to 5 decimals and more."""
    n = sum(counts)
    expected = dirichlet_multinomial.logpmf(counts, CONCENTRATION * np.array(split), n) - multinomial.logpmf(
        counts, n, split
    )
    assert float(srm_log_e(counts, split)) == pytest.approx(expected, abs=1e-8)
    assert gammaln(5) == pytest.approx(np.log(24))  # the oracle itself


def test_epochs_are_tested_by_their_own_split() -> None:
    """1 % and then half: no mismatch, though all of it together fits neither; and a mismatch of one is found."""
    sound = [epoch_of((9_900, 100), (0.99, 0.01)), epoch_of((5_000, 5_000), (0.5, 0.5))]
    found = srm_of(sound, ["A", "B"])
    assert found.p_value == 1.0
    assert found.expected == {"A": pytest.approx(14_900), "B": pytest.approx(5_100)}
    assert not srm_of([sound[0], epoch_of((4_500, 5_500), (0.5, 0.5))], ["A", "B"]).ok
    assert not srm_of([epoch_of((9_600, 400), (0.99, 0.01)), sound[1]], ["A", "B"]).ok


def test_the_lowest_p_value_so_far_stays() -> None:
    """A mismatch does not heal by more traffic."""
    assert not srm_of([epoch_of((5_000, 5_000), (0.5, 0.5))], ["A", "B"], lowest=1e-5).ok


def test_units_of_an_arm_without_a_share_are_a_mismatch() -> None:
    """The split can't have sent them there; an arm without a share and without units is no matter."""
    assert srm_of([epoch_of((900, 100, 1), (0.9, 0.1, 0.0))], ["A", "B", "C"]).p_value == 0.0
    assert srm_of([epoch_of((900, 100, 0), (0.9, 0.1, 0.0))], ["A", "B", "C"]).p_value == 1.0


def test_no_traffic_is_no_mismatch() -> None:
    """p is 1, nothing expected, nothing observed."""
    assert srm_of([], ["A", "B"]).to_dict() == {
        "p_value": 1.0,
        "ok": True,
        "expected": {"A": 0.0, "B": 0.0},
        "observed": {"A": 0, "B": 0},
    }
