"""The divergence against scipy and by hand."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from sidecar.drift.divergence import jensen_shannon, jensen_shannon_distance


def test_the_distance_is_scipys() -> None:
    """Row by row, base 2, zeros included."""
    rng = np.random.default_rng(1)
    left, right = rng.poisson(1.5, (50, 20)), rng.poisson(0.7, (50, 20))
    expected = [jensenshannon(a, b, 2) for a, b in zip(left, right, strict=True)]
    assert jensen_shannon_distance(left, right) == pytest.approx(np.array(expected), abs=1e-12)


def test_a_small_example_by_hand_comes_out() -> None:
    """Half of one side's mass is where the other has none: 0.3113 bits."""
    # p = (1, 0), q = (1/2, 1/2), m = (3/4, 1/4): H(m) - H(q) / 2 = 0.8113 - 0.5
    assert jensen_shannon([2, 0], [1, 1]) == pytest.approx(0.311278, abs=1e-6)


def test_rows_in_proportion_are_exactly_alike() -> None:
    """Not merely to within rounding: a tie must be a tie."""
    assert jensen_shannon([1, 2, 4], [3, 6, 12]) == 0.0


@pytest.mark.parametrize(("left", "right"), [([0, 0], [1, 2]), ([1, 2], [0, 0]), ([0, 0], [0, 0]), ([], [])])
def test_a_side_without_data_has_no_divergence(left: list[int], right: list[int]) -> None:
    """NaN, not zero: nothing seen is not the same as nothing changed."""
    assert np.isnan(jensen_shannon(left, right))


def test_huge_counts_stay_within_bounds() -> None:
    """Sums of a fleet over months do not overflow, and rounding never leaves 0..1."""
    assert jensen_shannon([10**18, 1], [1, 10**18]) == pytest.approx(1.0)
    assert 0 <= jensen_shannon([10**18, 1], [10**18, 2]) < 1e-9
