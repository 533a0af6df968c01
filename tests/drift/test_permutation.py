"""Relabelings, and p-values against the exact ones of all of them."""

from dataclasses import replace
from itertools import combinations
from math import comb

import numpy as np
import pytest

from sidecar.drift.divergence import jensen_shannon
from sidecar.drift.permutation import Deal, Null, permute, reachable


def divergence(reference: np.ndarray, current: np.ndarray) -> np.ndarray:
    return jensen_shannon(reference, current)[:, None]


def exact_p(counts: np.ndarray, current: np.ndarray) -> tuple[float, float]:
    """(p-value, mean) over every way to choose as many blocks."""
    size, chosen = len(counts), int(current.sum())
    values = []
    for places in combinations(range(size), chosen):
        label = np.isin(np.arange(size), places)
        values.append(float(jensen_shannon(counts[~label].sum(axis=0), counts[label].sum(axis=0))))
    observed = float(jensen_shannon(counts[~current].sum(axis=0), counts[current].sum(axis=0)))
    return float(np.mean([value >= observed - 1e-12 for value in values])), float(np.mean(values))


@pytest.mark.parametrize("shift", [0.0, 3.0, 8.0])
def test_p_and_mean_are_those_of_all_relabelings(shift: float) -> None:
    """Drawn relabelings come to what the exact test over all 924 gives, within their own standard error."""
    rng = np.random.default_rng(int(shift))
    counts = rng.poisson(20, (12, 5)).astype(float)
    counts[6:, 0] += shift
    deal = Deal.free(6, 6)
    null = permute(counts, deal, divergence, 20_000, np.random.default_rng(1))
    p, mean = exact_p(counts, deal.current)
    assert null.p_value(0) == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / 20_000) + 1e-4)
    assert null.mean(0) == pytest.approx(mean, rel=0.05)


def test_labels_change_places_within_their_stratum_only() -> None:
    """Each stratum keeps its number of current blocks, and each of its blocks is current about as often."""
    stratum = np.array([0, 1, 0, 1, 0, 2, 1, 0])
    deal = Deal(np.array([True, False, False, True, False, True, False, True]), stratum)
    labels = np.concatenate(list(deal.relabelings(4_000, 64, np.random.default_rng(0))))
    assert labels.shape == (4_000, 8)
    for number, current in ((0, 2), (1, 1), (2, 1)):
        assert set(labels[:, stratum == number].sum(axis=1)) == {current}
    assert labels.mean(axis=0) == pytest.approx([0.5, 1 / 3, 0.5, 1 / 3, 0.5, 1, 1 / 3, 0.5], abs=0.04)


@pytest.mark.parametrize(
    ("deal", "distinct", "smallest"),
    [
        (Deal.free(6, 6), 924, 2 / 924),
        (Deal.free(8, 6), comb(14, 6), 1 / comb(14, 6)),
        (replace(Deal.free(4, 4), stratum=np.array([0, 1, 2, 3, 0, 1, 2, 3])), 16, 2 / 16),
        (replace(Deal.free(4, 4), stratum=np.array([0, 1, 2, 3, 4, 5, 6, 7])), 1, 1.0),
        (Deal.free(500, 500), comb(1_000, 500), 2e-15),
    ],
)
def test_the_smallest_p_follows_from_the_ways_to_deal(deal: Deal, distinct: int, smallest: float) -> None:
    """Where the sides can be swapped, the swapped deal is as extreme."""
    assert deal.distinct == distinct
    assert deal.smallest_p == pytest.approx(smallest)


@pytest.mark.parametrize(
    ("sides", "alpha", "scores", "within_reach"),
    [
        ((7, 7), 0.001, 5, False),  # 3,432 ways, of which a half mirrors the other: 2 / 3,432 > 0.001 / 5
        ((7, 7), 0.001, 1, True),
        ((7, 8), 0.001, 5, True),  # 6,435 ways
        ((6, 6), 0.05, 5, True),
        ((6, 6), 0.001, 5, False),
        (([6] * 2, [6] * 2), 0.001, 5, True),  # 924 ways in each of two strata
        (([1] * 24, [1] * 24), 0.001, 5, True),
        (([1] * 6, [1] * 6), 0.05, 5, False),  # 64 ways
        (([], []), 0.05, 5, False),
        ((0, 9), 0.05, 5, False),
    ],
)
def test_alpha_is_reachable_where_there_are_ways_enough_to_deal(
    sides: tuple[int | list[int], int | list[int]], alpha: float, scores: int, within_reach: bool
) -> None:
    """The smallest p-value, times the scores, is at most alpha."""
    assert reachable(*sides, alpha, scores) is within_reach


def test_strata_of_one_side_only_are_refused() -> None:
    """Numbers by stratum belong together by their places."""
    with pytest.raises(ValueError, match="zip"):
        reachable([1, 2], [1], 0.05)


def test_no_p_value_is_under_what_the_deal_allows() -> None:
    """By luck no drawn relabeling may be as extreme; that does not make more of them exist."""
    counts = np.zeros((8, 2))
    counts[:4, 0] = counts[4:, 1] = 100
    deal = replace(Deal.free(4, 4), stratum=np.array([0, 0, 1, 1, 0, 0, 1, 1]))
    assert permute(counts, deal, divergence, 19, np.random.default_rng(0)).p_value(0) >= 2 / 36


def test_ties_count_as_as_extreme() -> None:
    """Where no relabeling changes anything, p is 1."""
    assert permute(np.full((12, 3), 0.1), Deal.free(6, 6), divergence, 99, np.random.default_rng(0)).p_value(0) == 1.0


def test_a_relabeling_without_data_on_a_side_counts_against_significance() -> None:
    """It has no divergence; it is taken as more extreme, and left out of the mean."""
    counts = np.zeros((12, 2))
    counts[0, 0] = counts[6, 1] = 50  # all data is in one block of each side
    null = permute(counts, Deal.free(6, 6), divergence, 999, np.random.default_rng(0))
    assert null.observed[0] == 1.0
    assert null.p_value(0) == 1.0
    assert null.mean(0) == 1.0
    assert np.isnan(Null(null.observed, np.full((3, 1), np.nan), 0.1).mean(0))


def test_the_same_seed_gives_the_same_test() -> None:
    """And however the relabelings are cut into chunks, all are drawn."""
    counts = np.random.default_rng(3).poisson(5, (20, 4)).astype(float)
    one, two = (permute(counts, Deal.free(8, 12), divergence, 130, np.random.default_rng(5)) for _ in range(2))
    assert one.permuted.tolist() == two.permuted.tolist()
    assert one.permuted.shape == (130, 1)


def test_p_values_of_no_difference_are_uniform() -> None:
    """At every level about that share of comparisons of equals is called significant."""
    rng = np.random.default_rng(8)
    p_values = [
        permute(rng.poisson(9, (16, 6)).astype(float), Deal.free(8, 8), divergence, 99, rng).p_value(0)
        for _ in range(400)
    ]
    for level in (0.05, 0.2, 0.5, 0.8):
        assert np.mean(np.array(p_values) <= level) == pytest.approx(
            level, abs=3.5 * np.sqrt(level * (1 - level) / 400)
        )
