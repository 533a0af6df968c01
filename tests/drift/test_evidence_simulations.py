"""The simulations behind ../shared/STATISTICS.md, bounded and seeded: what the methods hold, and what was ruled out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from sidecar.drift import Block, Level, compare, fit_seasonal
from sidecar.drift.contrast import Contrast
from sidecar.drift.distributions import Table
from sidecar.drift.divergence import jensen_shannon, jensen_shannon_distance
from sidecar.drift.permutation import Deal, permute

MakeBlock = Callable[..., Block]
DAY_S, HOUR_S = 86_400.0, 3_600.0
CLASSES = 12
IMAGES_AN_HOUR = 40
NAMES = [f"c{n}" for n in range(CLASSES)]
USUAL = np.arange(CLASSES, 0, -1.0) / np.arange(1, CLASSES + 1).sum()

ZIPF = 1 / np.arange(1, 81) / (1 / np.arange(1, 81)).sum()


@dataclass(frozen=True)
class Camera:
    """Days that merely differ: each has a mix of classes, a number of objects and a confidence of its own.

    ``mix`` [days, C], ``mean`` detections an image [days, 24], ``score`` mean confidence [days].
    """

    mix: NDArray[np.float64]
    mean: NDArray[np.float64]
    score: NDArray[np.float64]

    @classmethod
    def of(cls, days: int, rng: np.random.Generator) -> Camera:
        weights = USUAL * np.exp(rng.normal(0, 0.35, (days, CLASSES)))
        by_hour = 2.5 - 1.5 * np.cos(2 * np.pi * np.arange(24) / 24)
        return cls(
            weights / weights.sum(axis=1, keepdims=True),
            by_hour * np.exp(rng.normal(0, 0.25, (days, 1))),
            rng.normal(0.7, 0.04, days),
        )

    def days(self, make_block: MakeBlock, rng: np.random.Generator) -> list[Block]:
        return [
            self._block(make_block, day * DAY_S, day, np.repeat(self.mean[day], IMAGES_AN_HOUR), rng)
            for day in range(len(self.mix))
        ]

    def hours(self, make_block: MakeBlock, rng: np.random.Generator) -> list[Block]:
        return [
            self._block(
                make_block, day * DAY_S + hour * HOUR_S, day, np.full(IMAGES_AN_HOUR, self.mean[day, hour]), rng
            )
            for day in range(len(self.mix))
            for hour in range(24)
        ]

    def _block(
        self, make_block: MakeBlock, start: float, day: int, mean: NDArray[np.float64], rng: np.random.Generator
    ) -> Block:
        per_image = rng.poisson(mean)
        found = rng.multinomial(per_image.sum(), self.mix[day])
        scores = rng.normal(self.score[day], 0.1, per_image.sum()).clip(0.25, 0.99)
        return make_block(start, dict(zip(NAMES, found.tolist(), strict=True)), per_image=per_image, confidence=scores)


def test_days_that_merely_differ_are_hardly_ever_called_significant(make_block: MakeBlock) -> None:
    """Blocks of days, eight a side: at most 8 % of 200 comparisons, with the gate and without it."""
    called = ungated = 0
    for seed in range(200):
        rng = np.random.default_rng([1, seed])
        blocks = Camera.of(16, rng).days(make_block, rng)
        report = compare(blocks[:8], blocks[8:], Level.DAY, permutations=199, seed=seed)
        called += report.significant_drift
        ungated += min(report.scores[name].p_adjusted for name in ("class", "confidence", "count", "box")) <= 0.05
    assert called / 200 <= 0.08
    assert ungated / 200 <= 0.08


def test_hours_of_the_same_days_are_called_significant_far_too_often(make_block: MakeBlock) -> None:
    """Why days are permuted where there are six: the hours of a day share what makes it differ from others."""
    called = 0
    for seed in range(40):
        rng = np.random.default_rng([2, seed])
        blocks = Camera.of(4, rng).hours(make_block, rng)
        report = compare(blocks[:48], blocks[48:], Level.HOUR, permutations=199, seed=seed)
        assert report.blocks.matched_by == "hour of the day"
        called += report.significant_drift
    assert called / 40 >= 0.4


def test_a_real_shift_among_differing_days_is_found(make_block: MakeBlock) -> None:
    """A class that doubles at the cost of the first one, eight days a side: found and named in at least nine of ten."""
    found = named = 0
    for seed in range(40):
        rng = np.random.default_rng([3, seed])
        camera = Camera.of(16, rng)
        camera.mix[8:, 0] *= 0.3
        camera.mix[8:, 5] *= 3
        camera.mix[8:] /= camera.mix[8:].sum(axis=1, keepdims=True)
        blocks = camera.days(make_block, rng)
        report = compare(blocks[:8], blocks[8:], Level.DAY, permutations=199, seed=seed)
        found += report.scores["class"].significant
        named += {"c0", "c5"} <= {item.name for item in report.affected_classes}
    assert found / 40 >= 0.9
    assert named / 40 >= 0.9


def _days_of(
    make_block: MakeBlock, volumes: tuple[tuple[int, int], tuple[int, int]], seed: int, *, differ: bool, classes: int
) -> tuple[list[Block], list[Block]]:
    """Both sides, (days, images a day) each; ``differ`` as a ``Camera``'s days do, else alike but for chance."""
    rng = np.random.default_rng([9, seed])
    usual = 1 / np.arange(1, classes + 1)
    names = [f"c{n}" for n in range(classes)]
    blocks = []
    for images in [images for days, images in volumes for _ in range(days)]:
        mix = usual * np.exp(rng.normal(0, 0.35, classes)) if differ else usual
        per_image = rng.poisson(2.5 * np.exp(rng.normal(0, 0.25 * differ)), images)
        found = rng.multinomial(per_image.sum(), mix / mix.sum())
        scores = rng.normal(rng.normal(0.7, 0.04 * differ), 0.1, per_image.sum()).clip(0.25, 0.99)
        by_class = dict(zip(names, found.tolist(), strict=True))
        blocks.append(make_block(len(blocks) * DAY_S, by_class, per_image=per_image, confidence=scores))
    return blocks[: volumes[0][0]], blocks[volumes[0][0] :]


@pytest.mark.parametrize(
    ("volumes", "differ", "classes"),
    [
        (((31, 500), (14, 20)), False, 80),
        (((31, 500), (14, 20)), True, 12),
        (((31, 500), (6, 20)), False, 80),
        (((8, 500), (8, 20)), False, 12),
        (((31, 20), (14, 300)), False, 12),
        (((20, 20), (12, 300)), True, 12),
    ],
    ids=["a fall", "of days that differ", "to six days", "of few days", "a rise", "to days that differ"],
)
def test_a_change_of_volume_alone_is_hardly_ever_called_significant(
    make_block: MakeBlock, volumes: tuple[tuple[int, int], tuple[int, int]], differ: bool, classes: int
) -> None:
    """Days of very unequal size: at most 8 % of 100 comparisons, with the gate and without it, and of classes named."""
    called = ungated = named = 0
    for seed in range(100):
        sides = _days_of(make_block, volumes, seed, differ=differ, classes=classes)
        report = compare(*sides, Level.DAY, permutations=199, seed=seed)
        called += report.significant_drift
        ungated += min(report.scores[name].p_adjusted for name in ("class", "confidence", "count")) <= 0.05
        named += bool(report.affected_classes)
    assert called / 100 <= 0.08
    assert ungated / 100 <= 0.08
    assert named / 100 <= 0.08


def test_the_monitor_takes_no_fall_in_volume_for_drift(make_block: MakeBlock) -> None:
    """A window of seven quiet days against the fortnight of a baseline, alpha 0.001: never of 10."""
    for seed in range(10):
        sides = _days_of(make_block, ((14, 500), (7, 20)), seed, differ=False, classes=80)
        assert not compare(*sides, Level.DAY, alpha=0.001, permutations=4_999, seed=seed).significant_drift


def test_the_plain_divergence_takes_a_fall_in_volume_for_drift(make_block: MakeBlock) -> None:
    """Why it is put over its noise: permuted as it is, it calls at least nine of ten such comparisons significant."""
    called = 0
    for seed in range(40):
        before, now = _days_of(make_block, ((31, 500), (6, 20)), seed, differ=False, classes=80)
        counts = Table.of([*before, *now], ("class",)).counts
        null = permute(
            counts,
            Deal.free(31, 6),
            lambda *sides: jensen_shannon(*sides)[:, None],
            199,
            np.random.default_rng(seed),
        )
        called += null.p_value(0) <= 0.05
    assert called / 40 >= 0.9


def test_a_real_shift_is_found_in_little_volume_too(make_block: MakeBlock) -> None:
    """Six days of fifty images against 31 of a thousand, a class four times as frequent: at least nine of ten."""
    found = 0
    for seed in range(20):
        before, _ = _days_of(make_block, ((31, 1_000), (0, 0)), seed, differ=False, classes=12)
        now, _ = _days_of(make_block, ((6, 50), (0, 0)), 100 + seed, differ=False, classes=12)
        for block in now:
            moved = block.summary.class_counts
            taken = min(moved["c0"], 3 * moved["c5"])
            moved["c0"], moved["c5"] = moved["c0"] - taken, moved["c5"] + taken
        found += compare(before, now, Level.DAY, permutations=199, seed=seed).scores["class"].significant
    assert found / 20 >= 0.9


@pytest.mark.parametrize(("detections", "null_mean"), [(100, 0.51), (500, 0.26)])
def test_the_distance_of_few_detections_is_large_without_any_drift(detections: int, null_mean: float) -> None:
    """80 classes, the nth with a share in 1/n: the raw distance is all bias, so the gate is on what is over it."""
    rng = np.random.default_rng(detections)
    sides = rng.multinomial(detections, ZIPF, (2, 300))
    assert float(jensen_shannon_distance(sides[0], sides[1]).mean()) == pytest.approx(null_mean, abs=0.02)


@pytest.mark.parametrize("detections", [100, 500])
def test_the_bias_is_what_the_correction_takes_off(make_block: MakeBlock, detections: int) -> None:
    """Few detections in ten days a side: the corrected distance is mostly under the gate, the raw one never."""
    raw, corrected = [], []
    for seed in range(40):
        rng = np.random.default_rng([4, seed])
        counts = rng.multinomial(detections // 10, ZIPF, 20)
        names = [f"c{n}" for n in range(80)]
        blocks = [
            make_block(day * DAY_S, dict(zip(names, row.tolist(), strict=True))) for day, row in enumerate(counts)
        ]
        score = compare(blocks[:10], blocks[10:], Level.DAY, permutations=99, seed=seed).scores["class"]
        raw.append(score.distance)
        corrected.append(score.corrected)
    assert float(np.mean(raw)) > 0.22
    assert float(np.mean(corrected)) < 0.35 * float(np.mean(raw))
    assert float(np.median(corrected)) < 0.1


def test_affected_classes_err_as_a_family_at_most_as_alpha_says() -> None:
    """Max-T: at most 8 % of 200 cameras without a shift have any class named; standardised residuals, most of them.

    The residuals are those of a chi-square table of detections, as if each were independent, at the same 5 % (each
    class at 1.96 standard errors, the usual reading).
    """
    by_max_t = by_residuals = 0
    deal = Deal.free(8, 8)
    for seed in range(200):
        rng = np.random.default_rng([5, seed])
        mix = Camera.of(16, rng).mix
        counts = np.stack([rng.multinomial(n, shares) for n, shares in zip(rng.poisson(400, 16), mix, strict=True)])
        counts = counts.astype(np.float64)
        contrast = Contrast(counts, deal.stratum, each=True)
        null = permute(
            contrast.columns, deal, lambda *sides, one=contrast: one.each_bin(*sides).max(axis=1)[:, None], 199, rng
        )
        by_max_t += null.p_value(0) <= 0.05
        by_residuals += bool((np.abs(_residuals(counts[:8].sum(axis=0), counts[8:].sum(axis=0))) > 1.96).any())
    assert by_max_t / 200 <= 0.08
    assert by_residuals / 200 >= 0.6


def _residuals(before: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjusted standardised residuals of a 2 x C table (Agresti, Categorical Data Analysis, section 3.3.1)."""
    total = before.sum() + after.sum()
    shares, side = (before + after) / total, after.sum() / total
    expected = total * shares * side
    return np.asarray((after - expected) / np.sqrt(expected * (1 - shares) * (1 - side)))


def _of_weeks(weeks: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(values of ``weeks`` weeks of hours, of the week after them): days and nights, weekends, normal noise."""
    rng = np.random.default_rng([6, seed])
    hour = np.arange(168 * (weeks + 1))
    level = 100 - 40 * np.cos(2 * np.pi * hour / 24) + np.where(hour // 24 % 7 >= 5, -20, 0)
    values = level + rng.normal(0, 5, hour.size)
    return values[: 168 * weeks], values[168 * weeks :]


def test_a_spread_for_each_hour_of_the_week_calls_normal_hours_anomalies() -> None:
    """Two weeks of MAD by hour of the week: over a fifth of normal hours are beyond 3 sigma."""
    false = []
    for seed in range(20):
        past, now = _of_weeks(2, seed)
        by_hour = past.reshape(2, 168)
        medians = np.median(by_hour, axis=0)
        spread = 1.4826 * np.median(np.abs(by_hour - medians), axis=0)
        false.append(np.mean(np.abs(now - medians) > 3 * np.maximum(spread, 1e-9)))
    assert float(np.mean(false)) > 0.2


@pytest.mark.parametrize(("weeks", "most"), [(4, 0.01), (8, 0.01)])
def test_a_pooled_spread_calls_few_normal_hours_anomalies(weeks: int, most: float) -> None:
    """The same cameras with the seasonal baseline: at 3 spreads under 1 %, and a real fall is far beyond."""
    false = []
    for seed in range(20):
        past, now = _of_weeks(weeks, seed)
        found = fit_seasonal([(hour * HOUR_S, value) for hour, value in enumerate(past.tolist())])
        assert found is not None
        assert found.season == "hour of the week"
        scores = [found.score((past.size + hour) * HOUR_S, value) for hour, value in enumerate(now.tolist())]
        false.append(np.mean(np.abs(scores) > 3))
        assert found.score(past.size * HOUR_S, now[0] - 50) < -4
    assert float(np.mean(false)) < most


@pytest.mark.parametrize("days", [3, 5, 14])
def test_a_pooled_spread_serves_from_the_third_day(days: int) -> None:
    """By hour of the day, days alike: under 2 % of the next day's hours are beyond 3 spreads, three values each."""
    false = []
    for seed in range(60):
        rng = np.random.default_rng([7, seed])
        hour = np.arange(24 * (days + 1))
        values = 100 - 40 * np.cos(2 * np.pi * hour / 24) + rng.normal(0, 5, hour.size)
        found = fit_seasonal([(at * HOUR_S, value) for at, value in enumerate(values[: 24 * days].tolist())])
        assert found is not None
        scores = [
            found.score((24 * days + at) * HOUR_S, value) for at, value in enumerate(values[24 * days :].tolist())
        ]
        false.append(np.mean(np.abs(scores) > 3))
    assert float(np.mean(false)) < 0.02
