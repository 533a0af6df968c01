import time

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from sidecar.experiments.pairs.assignment import assign, match_allowed


def check(gain: np.ndarray) -> None:
    """One-to-one, as many pairs as fit, and SciPy's total."""
    rows, columns = assign(gain)
    assert len(rows) == len(columns) == min(gain.shape)
    assert len(set(columns.tolist())) == len(columns)
    assert (np.diff(rows) > 0).all()
    best = gain[linear_sum_assignment(gain, maximize=True)].sum()
    assert gain[rows, columns].sum() == pytest.approx(best, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize("kind", ["normal", "ties", "overlaps", "wide"])
def test_total_is_that_of_scipy(kind: str) -> None:
    """600 random rectangular matrices of each kind, many with ties, from none to a dozen on a side."""
    rng = np.random.default_rng([3, len(kind)])
    for _ in range(600):
        shape = tuple(rng.integers(0, 13, 2))
        if kind == "normal":
            gain = rng.normal(size=shape)
        elif kind == "ties":
            gain = rng.integers(0, 4, shape).astype(np.float64)
        elif kind == "overlaps":
            gain = np.where((near := rng.random(shape)) > 0.6, near, 0.0)
        else:
            gain = rng.normal(size=shape) * 10.0 ** rng.integers(-8, 8, shape)
        check(gain)


@pytest.mark.parametrize("shape", [(60, 60), (40, 90), (90, 40), (1, 50), (50, 1)])
def test_large_matrices_too(shape: tuple[int, int]) -> None:
    """Where greedy choices go wrong often."""
    rng = np.random.default_rng(5)
    check(rng.random(shape))
    check(rng.integers(0, 3, shape).astype(np.float64))
    check(np.outer(np.arange(shape[0]), np.arange(shape[1])).astype(np.float64))


def test_same_matrix_has_the_same_answer() -> None:
    """Ties are decided alike each time."""
    gain = np.random.default_rng(1).integers(0, 2, (20, 25)).astype(np.float64)
    first = assign(gain)
    for _ in range(5):
        again = assign(gain.copy())
        assert [part.tolist() for part in again] == [part.tolist() for part in first]


@pytest.mark.parametrize("bad", [[[np.nan]], [[np.inf, 1.0]], [1.0, 2.0]])
def test_what_is_no_matrix_of_finite_numbers_is_refused(bad) -> None:
    """With NaN in it no total would be the greatest."""
    with pytest.raises(ValueError, match="gain: "):
        assign(bad)


def test_matching_by_parts_has_the_total_of_the_whole() -> None:
    """Solving what is connected by itself loses nothing against one large assignment."""
    rng = np.random.default_rng(11)
    for _ in range(300):
        shape = tuple(rng.integers(1, 15, 2))
        gain = rng.uniform(0.5, 1, shape)
        allowed = rng.random(shape) < rng.uniform(0.02, 0.5)
        pairs = match_allowed(gain, allowed)
        assert all(allowed[pair] for pair in pairs)
        assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
        whole = np.where(allowed, gain, 0.0)
        best = whole[linear_sum_assignment(whole, maximize=True)].sum()
        assert sum(gain[pair] for pair in pairs) == pytest.approx(best)


def test_three_hundred_by_three_hundred_is_bounded() -> None:
    """The slowest kind known, where each row wants what the others have, takes under 5 s; 0.6 s when it was written."""
    gain = np.outer(np.arange(300.0), np.arange(300.0))
    start = time.process_time()
    check(gain)
    assert time.process_time() - start < 5
