"""Differences over epochs."""

from collections.abc import Callable
from math import isnan, sqrt

import numpy as np
import pytest

from sidecar.experiments import Epoch
from sidecar.experiments.epochs import Estimate, Pair, estimate, pairs_of
from sidecar.experiments.sums import Sums
from tests.experiments.simulating import Running, difference, pooled_error

MakeEpoch = Callable[..., Epoch]


def sums_of(values: np.ndarray) -> Sums:
    whole = np.rint(values * 1_000).astype(np.int64).astype(object)
    n = len(whole)
    return Sums(n, whole.sum(), n, (whole**2).sum(), whole.sum(), n, 1_000)


def test_one_epoch_is_a_plain_difference(make_epoch: MakeEpoch) -> None:
    """With Welch's error where it is the larger one."""
    pairs = pairs_of([make_epoch(2_000, 0.5, b={"latency_ms": 30.0})], "B", "latency")
    control, treatment = pairs[0].control, pairs[0].treatment
    found = estimate(pairs)
    welch = sqrt(control.standard_error**2 + treatment.standard_error**2)
    assert found.difference == pytest.approx(treatment.value - control.value, rel=1e-12)
    assert found.standard_error >= welch
    assert found.standard_error == pytest.approx(welch, rel=0.2)
    assert (found.n, found.n_control, found.n_treatment) == (2_000, 1_000, 1_000)
    assert found.relative == pytest.approx(found.difference / control.value, rel=1e-12)


def test_epochs_are_weighted_by_what_they_tell() -> None:
    """nA nB / (nA + nB), and variances with its square."""
    rng = np.random.default_rng(1)
    pairs, weights, differences, variances = [], [], [], []
    for n_a, n_b, level in ((990, 10, 1.0), (500, 500, 5.0), (300, 100, 2.0)):
        a, b = rng.normal(level, 1, n_a), rng.normal(level, 1, n_b)
        pairs.append(Pair(sums_of(a), sums_of(b), n_b / (n_a + n_b)))
        weights.append(n_a * n_b / (n_a + n_b))
        differences.append(pairs[-1].treatment.value - pairs[-1].control.value)
        variances.append(estimate(pairs[-1:]).standard_error ** 2)
    found = estimate(pairs)
    w = np.array(weights) / sum(weights)
    assert found.difference == pytest.approx(float(w @ differences), rel=1e-9)
    assert found.standard_error == pytest.approx(sqrt(float(w**2 @ variances)), rel=1e-9)
    assert found.n == 2_400


def test_pooling_day_and_night_would_invent_a_difference() -> None:
    """1 % by day, half by night, values thrice as large by night: no difference within either."""
    rng = np.random.default_rng(2)
    day = [rng.normal(1, 0.3, n) for n in (9_900, 100)]
    night = [rng.normal(3, 0.3, n) for n in (2_000, 2_000)]
    combined = estimate([Pair(*map(sums_of, day), 0.01), Pair(*map(sums_of, night), 0.5)])
    assert abs(combined.difference / combined.standard_error) < 3
    pooled = estimate([Pair(*(sums_of(np.concatenate(arms)) for arms in zip(day, night, strict=True)), 0.15)])
    assert pooled.difference / pooled.standard_error > 30


def test_an_epoch_with_too_few_units_says_nothing() -> None:
    """Under two an arm it is left out; nothing at all is NaN."""
    good = Pair(sums_of(np.arange(10.0)), sums_of(np.arange(8.0)), 0.5)
    lone = Pair(sums_of(np.arange(10.0)), sums_of(np.array([900.0])), 0.1)
    assert estimate([lone, good]) == estimate([good])
    assert estimate([lone]).n == 0
    assert isnan(estimate([]).difference)
    assert isnan(Estimate().relative)


def test_the_errors_of_lasting_units_add_up() -> None:
    """The same cameras in two epochs are not twice as many cameras."""
    a, b = sums_of(np.arange(100.0)), sums_of(np.arange(100.0) + 1)
    once = estimate([Pair(a, b, 0.5, clustered=True)])
    twice = estimate([Pair(a, b, 0.5, clustered=True)] * 2)
    requests = estimate([Pair(a, b, 0.5)] * 2)
    assert twice.standard_error == pytest.approx(once.standard_error)
    assert requests.standard_error == pytest.approx(once.standard_error / sqrt(2))


def test_the_time_of_lasting_units_is_what_came_from_them() -> None:
    """Requests, not cameras; of requests it is requests anyway, of reviewed images images."""
    cameras = Sums(20, 30, 400, 60, 700, 9_000)
    assert Pair(cameras, cameras, 0.5, clustered=True).clock == 800
    assert Pair(cameras, cameras, 0.5).clock == 40
    reviews = Sums(20, 30, 400, 60, 700, 9_000, 1_000_000, 1_000_000)
    assert Pair(reviews, reviews, 0.5, clustered=True).clock == 40
    assert estimate([Pair(cameras, cameras, 0.5, clustered=True)] * 2).clock == 1_600


def test_a_margin_shifts_what_is_compared() -> None:
    """The treatment less 1.1 times the control; a treatment that is just that differs by nothing."""
    a = np.random.default_rng(3).gamma(2, 1, 500)
    found = estimate([Pair(sums_of(a), sums_of(1.1 * a), 0.5)], margin=1.1)
    assert found.difference == pytest.approx(0, abs=1e-3)


def test_it_is_what_the_simulations_compute() -> None:
    """The evidence is about this code: same difference, same error, by arrays."""
    rng = np.random.default_rng(4)
    x, in_b = rng.gamma(1, 1, (1, 600)).round(3), rng.random((1, 600)) < 0.2
    a, b = Running.of(~in_b, x, None, 600), Running.of(in_b, x, None, 600)
    for margin in (1.0, 1.1):
        found = estimate([Pair(sums_of(x[~in_b]), sums_of(x[in_b]), 0.2)], margin=margin)
        plain, error = difference(a, b, margin)
        shrunk = Running(b.n, b.x / margin, b.m, b.xx / margin**2, b.xm / margin, b.mm)
        together = np.fmax(error, margin * pooled_error(a, shrunk))
        assert found.difference == pytest.approx(plain.item(), rel=1e-9)
        assert found.standard_error == pytest.approx(together.item(), rel=1e-9)
