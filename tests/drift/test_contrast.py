"""The contrast of two sides over its noise."""

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from sidecar.drift.contrast import Contrast, over
from sidecar.drift.divergence import jensen_shannon
from sidecar.drift.permutation import Deal, permute

Floats = np.ndarray[Any, np.dtype[np.float64]]


def sums(contrast: Contrast, current: Floats) -> tuple[Floats, Floats]:
    """Of one relabeling: ``current`` bool [B]."""
    return contrast.columns[~current].sum(axis=0)[None], contrast.columns[current].sum(axis=0)[None]


def test_moved_and_noise_are_those_of_the_formula() -> None:
    """Written down bin by bin, without strata: d is the difference of shares."""
    counts = np.random.default_rng(1).poisson(30, (9, 4)).astype(float)
    current = np.arange(9) >= 5
    contrast = Contrast(counts, np.zeros(9, np.intp), each=True)
    before, now = counts[:5].sum(axis=0), counts[5:].sum(axis=0)
    shares = counts.sum(axis=0) / counts.sum()
    moved = (before / before.sum() - now / now.sum()) ** 2
    noise = np.zeros(4)
    for side in (counts[:5], counts[5:]):
        sizes, total = side.sum(axis=1, keepdims=True), side.sum()
        own = ((side - sizes * side.sum(axis=0) / total) ** 2).sum(axis=0)
        noise += own / total**2 / (1 - (sizes**2).sum() / total**2)
    assert contrast.each_bin(*sums(contrast, current))[0] == pytest.approx(moved / noise)
    expected = np.array([(moved / shares).sum(), (noise / shares).sum()]) / (8 * np.log(2))
    assert contrast.moved_and_noise(*sums(contrast, current))[0] == pytest.approx(expected)
    alone = Contrast(counts, np.zeros(9, np.intp))
    assert alone.moved_and_noise(*sums(alone, current))[0] == pytest.approx(expected)
    assert alone.divergence(*sums(alone, current))[0] == jensen_shannon(before, now)


def test_a_small_move_is_the_divergence() -> None:
    """Its first term: they agree where shares are close."""
    counts = np.array([[50_000, 30_000, 20_000], [49_500, 30_200, 20_300]], np.float64)
    contrast = Contrast(counts, np.zeros(2, np.intp))
    both = sums(contrast, np.array([False, True]))
    assert contrast.moved_and_noise(*both)[0, 0] == pytest.approx(contrast.divergence(*both)[0], rel=1e-3)


@pytest.mark.parametrize("strata", [[0] * 8, [0, 0, 1, 1, 0, 0, 1, 1]])
def test_between_blocks_of_one_size_relabelings_are_ordered_by_the_move(strata: list[int]) -> None:
    """So the test is the plain one there, of each bin and of all."""
    counts = np.random.default_rng(2).multinomial(100, [0.5, 0.3, 0.2], 8).astype(float)
    contrast = Contrast(counts, np.array(strata), each=True)
    moved, noise, first = [], [], []
    for places in combinations(range(8), 4):
        both = sums(contrast, np.isin(np.arange(8), places))
        moved.append(contrast.moved_and_noise(*both)[0, 0])
        noise.append(contrast.moved_and_noise(*both)[0, 1])
        first.append((both[1][0, 3] ** 2, contrast.each_bin(*both)[0, 0]))
    ratios = np.array(moved) / np.array(noise)
    assert np.diff(ratios[np.argsort(moved)]).min() >= -1e-9
    by_move = np.array(sorted(first))
    assert np.diff(by_move[:, 1]).min() >= -1e-9


def test_the_ratio_of_sides_that_only_scatter_is_about_one() -> None:
    """However unequal their blocks are: the divergence of such sides is all size."""
    rng = np.random.default_rng(3)
    current = np.arange(40) >= 30
    ratios = []
    for _ in range(200):
        counts = np.stack([rng.multinomial(20 if now else 2_000, [0.4, 0.3, 0.2, 0.1]) for now in current]).astype(
            float
        )
        contrast = Contrast(counts, np.zeros(40, np.intp))
        ratios.append(over(*contrast.moved_and_noise(*sums(contrast, current)).T)[0])
    assert np.mean(ratios) == pytest.approx(1, abs=0.2)


def test_strata_are_compared_like_with_like() -> None:
    """Nights and days of different mixes, more nights in one side: nothing moved."""
    night, day = [90.0, 10.0], [20.0, 80.0]
    counts = np.array([night, day, day, day, night, night, night, day])
    stratum = np.array([0, 1, 1, 1, 0, 0, 0, 1])
    current = np.arange(8) >= 4
    matched, free = Contrast(counts, stratum, each=True), Contrast(counts, np.zeros(8, np.intp), each=True)
    assert matched.each_bin(*sums(matched, current)).tolist() == [[0.0, 0.0]]
    assert free.each_bin(*sums(free, current)).max() > 0.1


def test_a_move_without_noise_is_the_largest() -> None:
    """Blocks that agree within their side: what rounding leaves of their noise does not hide it."""
    counts = np.array([[90.0, 10.0]] * 6 + [[30.0, 70.0]] * 6) / 3
    contrast = Contrast(counts, np.zeros(12, np.intp))
    null = permute(
        contrast.columns,
        Deal.free(6, 6),
        lambda *sides: over(*contrast.moved_and_noise(*sides).T)[:, None],
        999,
        np.random.default_rng(0),
    )
    assert null.observed[0] > 1e6
    assert null.p_value(0) <= 0.01


def test_a_side_that_lies_in_one_block_has_no_end_of_noise() -> None:
    """A single day tells nothing of what days are like, whatever it holds."""
    counts = np.random.default_rng(5).multinomial(200, [0.6, 0.4], 12).astype(float)
    counts[6:] = 0
    counts[6] = [0.0, 50.0]
    contrast = Contrast(counts, np.zeros(12, np.intp), each=True)
    both = sums(contrast, np.arange(12) >= 6)
    assert np.isinf(contrast.moved_and_noise(*both)[0, 1])
    assert contrast.each_bin(*both).tolist() == [[0.0, 0.0]]


def test_a_bin_that_cannot_move_is_never_the_largest() -> None:
    """Rounding must not turn nothing over nothing into a finding."""
    contrast = Contrast(np.tile(np.array([[0.3, 0.6, 0.0]]), (12, 1)) * 1e6, np.zeros(12, np.intp), each=True)
    assert contrast.each_bin(*sums(contrast, np.arange(12) < 6)).tolist() == [[0.0, 0.0, 0.0]]


def test_a_side_without_values_has_no_contrast() -> None:
    """NaN, which a permutation test takes as more extreme than anything."""
    contrast = Contrast(np.array([[3.0, 1.0], [0.0, 0.0]]), np.zeros(2, np.intp), each=True)
    both = sums(contrast, np.array([False, True]))
    assert np.isnan(contrast.each_bin(*both)).all()
    assert np.isnan(contrast.moved_and_noise(*both)).all()
    assert np.isnan(contrast.divergence(*both)).all()


def test_the_noise_of_a_side_is_what_its_divergence_is_on_average() -> None:
    """Sides alike but for chance, one with far less: unbiased with three blocks or with thirty."""
    rng = np.random.default_rng(4)
    for blocks in (3, 30):
        deal = Deal.free(30, blocks)
        noise, divergence = [], []
        for _ in range(300):
            sizes = np.where(deal.current, 600 // blocks, 2_000)
            counts = np.stack([rng.multinomial(n, [0.4, 0.3, 0.2, 0.1]) for n in sizes]).astype(float)
            noise.append(Contrast(counts, deal.stratum).noise(deal))
            divergence.append(float(jensen_shannon(counts[:30].sum(axis=0), counts[30:].sum(axis=0))))
        assert np.mean(noise) == pytest.approx(np.mean(divergence), rel=0.15)


def test_a_drift_is_no_noise() -> None:
    """Blocks that agree within their side have none, however far the sides are apart; one block alone tells nothing."""
    counts = np.array([[90.0, 10.0]] * 6 + [[10.0, 90.0]] * 6)
    deal = Deal.free(6, 6)
    assert Contrast(counts, deal.stratum).noise(deal) == pytest.approx(0, abs=1e-12)
    counts[[1, 2, 3, 4, 5, 7, 8, 9, 10, 11]] = 0
    assert Contrast(counts, deal.stratum).noise(deal) == 0
    hours = replace(deal, stratum=np.tile(np.arange(6), 2))
    assert Contrast(counts, hours.stratum).noise(hours) == 0
