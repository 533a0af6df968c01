"""Weighted shares and their intervals: known examples, and simulations that are seeded and bounded."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest, t

from sidecar.feedback import proportion, score, wilson
from sidecar.feedback.proportion import _student_quantile

RUNS = 2_000
Floats = NDArray[np.float64]


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (3, 10), (10, 10), (47, 50), (500, 1_000)])
def test_equal_weights_give_wilsons_interval(hits: int, n: int) -> None:
    """As scipy has it, whatever the one weight is."""
    expected = binomtest(hits, n).proportion_ci(method="wilson")
    for weight in (1.0, 250.0):
        found = proportion([weight] * n, [1] * hits + [0] * (n - hits), [1] * n)
        assert (found.lower, found.upper) == pytest.approx((expected.low, expected.high), abs=1e-9)
        assert (found.value, found.n, found.effective_n) == (hits / n, n, n)


def test_a_weighted_share_is_a_ratio_with_its_linearised_variance() -> None:
    """By hand, two images drawn with 1 in 10 and two with 1 in 2, one right each: (10 + 2) / 24 = 0.5."""
    found = proportion([10, 10, 2, 2], [1, 0, 1, 0], [1, 1, 1, 1])
    images = 24**2 / (100 + 100 + 4 + 4)
    variance = (2 * 100 + 2 * 4) * 0.25 / 24**2 * images / (images - 1)
    assert found.value == 0.5
    assert found.effective_n == pytest.approx(0.25 / variance)


def test_without_cases_nothing_is_known() -> None:
    """NaN; images without detections say nothing of precision."""
    assert isnan(proportion([], [], []).value)
    assert isnan(proportion([5.0], [0], [0]).lower)
    assert wilson(0.5, 0) == (0.0, 1.0)


def test_one_image_however_full_tells_next_to_nothing() -> None:
    """A hundred right detections of one image are one case."""
    found = proportion([10.0], [100], [100])
    assert found.value == 1.0
    assert found.lower < 0.1
    assert (found.n, found.clusters) == (100, 1)


@pytest.mark.parametrize("df", [1.0, 2.5, 10.0, 300.0, 1e5])
def test_students_quantile_is_scipys(df: float) -> None:
    """Of degrees of freedom that need not be whole."""
    assert _student_quantile(df) == pytest.approx(t.ppf(0.975, df), rel=1e-6)


def covered(weights: Floats, hits: Floats, cases: Floats, truth: float) -> tuple[float, float]:
    """(the share of runs whose interval holds the truth, the mean of the values)."""
    found = [proportion(*rows) for rows in zip(weights, hits, cases, strict=True)]
    return float(np.mean([one.lower <= truth <= one.upper for one in found])), float(
        np.mean([one.value for one in found])
    )


@pytest.mark.parametrize("right", [0.8, 0.95])
def test_of_images_drawn_with_unlike_chances_the_interval_holds_in_95_of_100_cases(right: float) -> None:
    """200 reviewed, half of them of a rare camera that is drawn ten times as often and on which the model is worse.

    A little more often than that: unequal weights never count for more than Kish's number of cases."""
    rng = np.random.default_rng([1, int(right * 100)])
    rare = rng.random((RUNS, 200)) < 0.5
    weights = np.where(rare, 10.0, 100.0)
    hits = (rng.random(rare.shape) < np.where(rare, right - 0.3, right)).astype(np.float64)
    truth = right - 0.3 / 11
    found, mean = covered(weights, hits, np.ones_like(hits), truth)
    assert 0.93 <= found <= 0.975
    assert mean == pytest.approx(truth, abs=0.003)
    assert abs(hits.mean() - truth) > 0.1  # without weights it would be another number


@pytest.mark.parametrize(("rate", "n"), [(0.01, 3_000), (0.005, 1_000)])
def test_where_few_images_weigh_much_the_interval_holds(rate: float, n: int) -> None:
    """Half of the traffic is drawn at 1 in 2, the other, in which more is wrong, at 1 in 100: often none of the few
    that weigh much is wrong, and what is seen to vary is next to nothing."""
    rng = np.random.default_rng([5, n])
    held = []
    for often, rarely in zip(rng.binomial(n // 2, 0.5, RUNS), rng.binomial(n // 2, rate, RUNS), strict=True):
        weights = np.repeat([2.0, 1 / rate], [often, rarely])
        hits = np.concatenate([rng.random(often) < 0.99, rng.random(rarely) < 0.98])
        found = proportion(weights, hits.astype(np.float64), np.ones_like(weights))
        held.append(found.lower <= 0.985 <= found.upper)
    assert np.mean(held) >= 0.93


def test_of_detections_that_come_several_to_an_image_the_interval_holds() -> None:
    """120 images of about three detections that share an image's luck: with the image as the unit 93 to 97 %, taking
    detections for independent less."""
    rng = np.random.default_rng(2)
    weights = np.where(rng.random((RUNS, 120)) < 0.5, 10.0, 100.0)
    cases = 1.0 + rng.poisson(2.0, weights.shape)
    luck = rng.beta(1.4, 0.6, weights.shape)
    hits = rng.binomial(cases.astype(int), luck).astype(np.float64)
    found, _ = covered(weights, hits, cases, 0.7)
    assert 0.93 <= found <= 0.97
    value = hits.sum(axis=1) / cases.sum(axis=1)
    naive = [wilson(p, n) for p, n in zip(value, cases.sum(axis=1), strict=True)]
    assert np.mean([low <= 0.7 <= high for low, high in naive]) < 0.9


def test_what_users_send_is_biased_where_the_audit_is_not() -> None:
    """Nine of ten are right; who got a wrong one complains in 20 % of cases, who got a right one praises in 2 %."""
    rng = np.random.default_rng(3)
    right = rng.random(100_000) < 0.9
    sent = rng.random(right.shape) < np.where(right, 0.02, 0.2)
    assert right[sent].mean() < 0.55
    drawn = rng.random(right.shape) < 0.01
    audit = score([100.0] * int(drawn.sum()), right[drawn].tolist(), int(drawn.sum()))
    assert audit.lower <= 0.9 <= audit.upper
    assert audit.value == pytest.approx(0.9, abs=0.03)
    assert audit.completeness == 1.0
