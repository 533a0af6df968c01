"""That p-values hold however often one looks, by simulation: seeded, 2,000 experiments each unless it says otherwise.

Each test records its figures (``pytest -rA`` prints them): the share of experiments in which the always-valid test ever
rejects at 5 %, and the fixed-horizon test's under the same peeking beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from sidecar.experiments import rare, sequential
from sidecar.experiments.judging import Tuning
from sidecar.experiments.plan import power_at
from sidecar.experiments.srm import P_MIN, srm_log_e
from tests.experiments.simulating import RUNS, Running, at_peeks, difference, ever, pooled_error

RHO = sequential.rho_of()
SPLITS = (0.01, 0.1, 0.5)
Floats = NDArray[np.float64]
Record = Callable[[str, object], None]

HEAVY_TAIL, LONG_TAIL = 1.5, 1.0
"""Spreads of a log-normal metric: its skewness is 33 and 6.2."""


def note(record_property: Record, **figures: float) -> None:
    """Keep figures with the test's result, and print them."""
    for name, value in figures.items():
        record_property(name, round(value, 5))
    print({name: round(value, 4) for name, value in figures.items()})


def in_parts(runs: int, size: int, seed: list[int]) -> Iterator[tuple[int, np.random.Generator]]:
    """Runs of so many units at a time that they fit in memory."""
    part = max(1, min(runs, 2_500_000 // size))
    for start in range(0, runs, part):
        yield min(part, runs - start), np.random.default_rng([*seed, start])


def fixed_p(estimates: Floats, errors: Floats) -> Floats:
    with np.errstate(all="ignore"):
        return 2 * norm.sf(np.abs(estimates / errors))


def enough(control: Running, treatment: Running) -> NDArray[np.bool_]:
    return (control.n >= sequential.UNITS_MIN) & (treatment.n >= sequential.UNITS_MIN)


@pytest.mark.parametrize(
    ("share", "units", "spread"),
    [
        (0.5, 5_000, LONG_TAIL),
        (0.5, 5_000, HEAVY_TAIL),
        (0.1, 5_000, LONG_TAIL),
        (0.1, 20_000, HEAVY_TAIL),
        (0.01, 40_000, LONG_TAIL),
    ],
)
def test_no_difference_of_a_skewed_metric_is_hardly_ever_called_one(
    share: float, units: int, spread: float, record_property: Record
) -> None:
    """At most 5 % ever reject, with 50 peeks (each 100 of 5,000 units) and log-normal latencies; the fixed-horizon
    test four times that. With the variance of Welch alone the small arm of a heavy tail goes over."""
    always, fixed, welch = [], [], []
    peek = units // 50
    for runs, rng in in_parts(RUNS, units, [1, int(share * 100), units, int(spread * 10)]):
        x = np.exp(spread * rng.standard_normal((runs, units)))
        in_b = rng.random((runs, units)) < share
        a, b = Running.of(~in_b, x, None, peek), Running.of(in_b, x, None, peek)
        looked = enough(a, b)
        found, error = difference(a, b)
        together = np.fmax(error, pooled_error(a, b))
        always.append(ever(sequential.p_value(found, together, a.n + b.n, RHO), looked) * runs)
        welch.append(ever(sequential.p_value(found, error, a.n + b.n, RHO), looked) * runs)
        fixed.append(ever(fixed_p(found, error), looked) * runs)
    figures = {"always": sum(always) / RUNS, "welch_only": sum(welch) / RUNS, "fixed": sum(fixed) / RUNS}
    note(record_property, **figures)
    assert figures["always"] <= 0.05
    assert figures["fixed"] >= 0.12
    if (share, spread) == (0.1, HEAVY_TAIL):
        assert figures["welch_only"] > 0.06


@pytest.mark.parametrize("units", [5_000, 50_000])
@pytest.mark.parametrize("share", SPLITS)
@pytest.mark.parametrize("rate", [0.001, 0.005, 0.01, 0.05])
def test_no_difference_of_a_rate_is_hardly_ever_called_one(
    rate: float, share: float, units: int, record_property: Record
) -> None:
    """At most 5 % of e-processes ever reject at 50 peeks, at 0.1-5 % events and splits of 1, 10 and 50 %."""
    rng = np.random.default_rng([2, int(rate * 1_000), int(share * 100), units])
    peek = units // 50
    n_b = rng.binomial(peek, share, (RUNS, 50))
    x_b = np.cumsum(rng.binomial(n_b, rate), axis=1)
    x_a = np.cumsum(rng.binomial(peek - n_b, rate), axis=1)
    n_b = np.cumsum(n_b, axis=1)
    n_a = peek * np.arange(1, 51) - n_b
    p = np.concatenate(
        [
            rare.p_value(a[..., None], b[..., None], [share])
            for a, b in zip(np.split(x_a, 8), np.split(x_b, 8), strict=True)
        ]
    )
    with np.errstate(all="ignore"):
        rates = x_a / n_a, x_b / n_b
        error = np.sqrt(sum(r * (1 - r) / n for r, n in zip(rates, (n_a, n_b), strict=True)))
        fixed = ever(fixed_p(rates[1] - rates[0], error))
        sequence = ever(sequential.p_value(rates[1] - rates[0], error, n_a + n_b, RHO))
    note(record_property, always=ever(p), fixed=fixed, welch_sequence=sequence)
    assert ever(p) <= 0.05
    if (rate, share) == (0.005, 0.01):
        assert sequence > 0.5  # why rare events have a test of their own


def _clusters(
    rng: np.random.Generator, runs: int, units: int, effect: float = 0.0
) -> tuple[NDArray[np.bool_], Floats, Floats]:
    """(in B, requests of each unit, the sum of their values): units last, each with a level and a pace of its own."""
    requests = 1.0 + rng.geometric(0.2, (runs, units))
    level = np.exp(0.6 * rng.standard_normal((runs, units)))
    noise = rng.standard_normal((runs, units)) * np.sqrt(requests)
    in_b = rng.random((runs, units)) < 0.5
    return in_b, requests, requests * level * (1 + effect * in_b) + 0.5 * noise


def test_no_difference_between_lasting_units_is_hardly_ever_called_one(record_property: Record) -> None:
    """A ratio over 5,000 cameras that come in by 100; taking their requests for independent rejects most."""
    always, fixed, naive = [], [], []
    for runs, rng in in_parts(RUNS, 5_000, [3]):
        in_b, requests, x = _clusters(rng, runs, 5_000)
        a, b = Running.of(~in_b, x, requests, 100), Running.of(in_b, x, requests, 100)
        found, error = difference(a, b)
        together = np.fmax(error, pooled_error(a, b))
        always.append(ever(sequential.p_value(found, together, a.m + b.m, RHO), enough(a, b)) * runs)
        fixed.append(ever(fixed_p(found, error), enough(a, b)) * runs)
        # every request as a unit, with the variance of one request
        of_request = 0.6**2 * np.e**0.36 + 0.25
        error = np.sqrt(of_request * (1 / a.m + 1 / b.m))
        naive.append(ever(sequential.p_value(found, error, a.m + b.m, RHO), enough(a, b)) * runs)
    figures = {name: sum(of) / RUNS for name, of in (("always", always), ("fixed", fixed), ("naive", naive))}
    note(record_property, **figures)
    assert figures["always"] <= 0.05
    assert figures["naive"] > 0.2


def test_looking_every_minute_at_cameras_that_stay_is_paid_for(record_property: Record) -> None:
    """2,000 cameras, 1,000 looks while each sends 5 to 50,000 requests: by requests at most 5 % ever reject, counting
    time in cameras would not do. The difference of means is drawn as what it is, a random walk over its time."""
    rng = np.random.default_rng(14)
    requests = np.unique(np.geomspace(5, 50_000, 1_000).round())
    steps = rng.standard_normal((RUNS, len(requests))) * np.sqrt(np.diff(requests, prepend=0))
    found = np.cumsum(steps, axis=1) / requests * 2 / np.sqrt(2_000)
    error = 2 / np.sqrt(2_000 * requests)
    figures = {
        "by_requests": ever(sequential.p_value(found, error, 2_000 * requests, RHO)),
        "by_cameras": ever(sequential.p_value(found, error, 2_000, RHO)),
        "fixed": ever(fixed_p(found, error)),
    }
    note(record_property, **figures)
    assert figures["by_requests"] <= 0.05 < figures["by_cameras"]


def test_no_difference_of_cameras_that_stay_is_hardly_ever_called_one(record_property: Record) -> None:
    """400 cameras that differ, half of them in B, 60 looks while each sends 1 to 1,000 requests."""
    looks = np.unique(np.geomspace(1, 1_000, 60).round())
    always = fixed = 0.0
    for runs, rng in in_parts(RUNS, 400 * 10, [15]):
        level = rng.standard_normal((runs, 400)) * 0.2
        in_b = rng.random((runs, 400)) < 0.5
        noise = np.zeros((runs, 400))
        p_values, p_fixed = [], []
        for before, sent in zip(np.concatenate([[0], looks]), looks, strict=False):
            noise += rng.standard_normal((runs, 400)) * np.sqrt(sent - before)
            mean = level + noise / sent
            m = np.ones_like(mean)
            a, b = Running.of(~in_b, mean, m, 400), Running.of(in_b, mean, m, 400)
            found, error = difference(a, b)
            p_values.append(sequential.p_value(found, np.fmax(error, pooled_error(a, b)), 400 * sent, RHO))
            p_fixed.append(fixed_p(found, error))
        always += ever(np.concatenate(p_values, axis=1)) * runs
        fixed += ever(np.concatenate(p_fixed, axis=1)) * runs
    note(record_property, always=always / RUNS, fixed=fixed / RUNS)
    assert always / RUNS <= 0.05


@pytest.mark.parametrize(
    ("rate", "share"), [(0.002, 0.1), (0.002, 0.5), (0.01, 0.01), (0.01, 0.1), (0.01, 0.5), (0.05, 0.1), (0.05, 0.5)]
)
def test_no_difference_of_a_rate_between_lasting_units_is_hardly_ever_called_one(
    rate: float, share: float, record_property: Record
) -> None:
    """Events that come in bursts by unit, at least 20 units with events: the pooled variance holds."""
    units = 5_000 if share > 0.01 else 20_000
    peek = units // 50
    always = 0.0
    for runs, rng in in_parts(RUNS, units, [4, int(rate * 1_000), int(share * 100)]):
        requests = 1 + rng.geometric(0.2, (runs, units))
        own = rng.gamma(0.5, rate / 0.5, (runs, units)).clip(0, 1)
        x = rng.binomial(requests, own).astype(np.float64)
        in_b = rng.random((runs, units)) < share
        a, b = (Running.of(chosen, x, requests.astype(np.float64), peek) for chosen in (~in_b, in_b))
        with np.errstate(all="ignore"):
            with_events = a.x**2 / a.xx + np.where(b.xx > 0, b.x**2 / b.xx, 0)
        p = sequential.p_value(b.value - a.value, pooled_error(a, b), a.m + b.m, RHO)
        always += ever(p, enough(a, b) & (with_events >= 20)) * runs
    note(record_property, always=always / RUNS)
    assert always / RUNS <= 0.05


RAMP = ((0.01, 1.0), (0.5, 3.0), (0.05, 1.0), (0.25, 3.0), (0.5, 1.0), (0.5, 3.0))
"""(share of B, level of the metric) by epoch: small by day, large by night."""


def test_no_difference_across_a_ramp_with_day_and_night_is_hardly_ever_called_one(record_property: Record) -> None:
    """Differences within epochs, combined: at most 5 %. Pooled over epochs, everything is a difference."""
    units, peek = 4_000, 200
    always, pooled, z = 0.0, 0.0, []
    for runs, rng in in_parts(RUNS, units, [5]):
        weights = weighted = variance = n = np.zeros((runs, 1))
        sums = [np.zeros((runs, 1)) for _ in range(6)]
        p_values, looked, p_pooled = [], [], []
        for share, level in RAMP:
            x = level * np.exp(0.7 * rng.standard_normal((runs, units)))
            in_b = rng.random((runs, units)) < share
            a, b = Running.of(~in_b, x, None, peek), Running.of(in_b, x, None, peek)
            found, error = difference(a, b)
            error = np.fmax(error, pooled_error(a, b))
            usable = np.isfinite(found) & np.isfinite(error) & (b.n >= 2)
            weight = np.where(usable, a.n * b.n / (a.n + b.n), 0.0)
            now_weights, now_n = weights + weight, n + np.where(usable, a.n + b.n, 0)
            now_weighted = weighted + np.where(usable, weight * found, 0.0)
            now_variance = variance + np.where(usable, weight * np.nan_to_num(error), 0.0) ** 2
            with np.errstate(all="ignore"):
                p = sequential.p_value(now_weighted / now_weights, np.sqrt(now_variance) / now_weights, now_n, RHO)
            now = [had + more for had, more in zip(sums, (a.n, a.x, a.xx, b.n, b.x, b.xx), strict=True)]
            p_values.append(p)
            looked.append((now[0] >= 150) & (now[3] >= 150))
            mean_a, mean_b = now[1] / now[0], now[4] / np.maximum(now[3], 1)
            with np.errstate(all="ignore"):
                pooled_variance = (now[2] / now[0] - mean_a**2) / now[0] + (now[5] / now[3] - mean_b**2) / now[3]
            p_pooled.append(sequential.p_value(mean_b - mean_a, np.sqrt(pooled_variance), now[0] + now[3], RHO))
            weights, weighted, variance, n = (last[:, -1:] for last in (now_weights, now_weighted, now_variance, now_n))
            sums = [last[:, -1:] for last in now]
        always += ever(np.concatenate(p_values, axis=1), np.concatenate(looked, axis=1)) * runs
        pooled += ever(np.concatenate(p_pooled, axis=1), np.concatenate(looked, axis=1)) * runs
        z.append(((mean_b - mean_a) / np.sqrt(pooled_variance))[:, -1])
    note(record_property, always=always / RUNS, pooled=pooled / RUNS, pooled_z=float(np.concatenate(z).mean()))
    assert always / RUNS <= 0.05
    assert pooled / RUNS > 0.99


def _ramp_events(rng: np.random.Generator, ratio: float = 1.0) -> tuple[Floats, Floats, list[float]]:
    """Events of A and B [runs, peeks, epochs] with the rate of day and night, and the shares."""
    peeks, peek = 10, 500
    events_a = np.zeros((RUNS, peeks * len(RAMP), len(RAMP)))
    events_b = np.zeros_like(events_a)
    for epoch, (share, level) in enumerate(RAMP):
        n_b = rng.binomial(peek, share, (RUNS, peeks))
        rate = 0.004 * level
        for events, drawn in ((events_a, rng.binomial(peek - n_b, rate)), (events_b, rng.binomial(n_b, rate * ratio))):
            start = epoch * peeks
            events[:, start : start + peeks, epoch] = np.cumsum(drawn, axis=1)
            events[:, start + peeks :, epoch] = events[:, start + peeks - 1, epoch, None]
    return events_a, events_b, [share for share, _ in RAMP]


def test_no_difference_of_a_rate_across_a_ramp_is_hardly_ever_called_one(record_property: Record) -> None:
    """The e-process with each epoch's split; a real ratio of 2 is found in most, and the sequence covers it."""
    events_a, events_b, shares = _ramp_events(np.random.default_rng(6))
    always = ever(_in_parts_p(events_a, events_b, shares))
    events_a, events_b, shares = _ramp_events(np.random.default_rng(7), ratio=2.0)
    found = ever(_in_parts_p(events_a, events_b, shares))
    missed = ever(_in_parts_p(events_a, events_b, shares, ratio=2.0))
    note(record_property, always=always, found=found, missed=missed)
    assert always <= 0.05
    assert missed <= 0.05
    assert found > 0.8


def _in_parts_p(events_a: Floats, events_b: Floats, shares: list[float], ratio: float = 1.0) -> Floats:
    parts = zip(np.split(events_a, 10), np.split(events_b, 10), strict=True)
    return np.concatenate([rare.p_value(a, b, shares, ratio) for a, b in parts])


@pytest.mark.parametrize("effect", [0.0, 0.1, 0.2, 0.3])
def test_power_is_what_the_plan_says(effect: float, record_property: Record) -> None:
    """A latency that is so much longer, spread like log-normal 0.7, at 5,000 units half and half: found by any of 50
    looks at least as often as the plan says of the last alone, and little more often."""
    found = 0.0
    variance = np.exp(0.49) * (np.exp(0.49) - 1)
    for runs, rng in in_parts(RUNS, 5_000, [8, int(effect * 100)]):
        in_b = rng.random((runs, 5_000)) < 0.5
        x = np.exp(0.7 * rng.standard_normal((runs, 5_000))) + effect * in_b
        a, b = Running.of(~in_b, x, None, 100), Running.of(in_b, x, None, 100)
        difference_, error = difference(a, b)
        together = np.fmax(error, pooled_error(a, b))
        found += ever(sequential.p_value(difference_, together, a.n + b.n, RHO), enough(a, b)) * runs
    planned = power_at(5_000, effect, 4 * variance, Tuning())
    note(record_property, found=found / RUNS, planned=planned)
    assert planned - 0.03 <= found / RUNS <= planned + 0.12


@pytest.mark.parametrize(("ratio", "least"), [(1.5, 0.2), (2.0, 0.8), (4.0, 0.999), (0.25, 0.8)])
def test_a_rate_that_differs_is_found(ratio: float, least: float, record_property: Record) -> None:
    """1 % of requests against ``ratio`` times that, 20,000 requests half and half, 50 looks."""
    rng = np.random.default_rng([9, int(ratio * 100)])
    n_b = rng.binomial(200, 0.5, (RUNS, 50))
    x_b = np.cumsum(rng.binomial(n_b, 0.01 * ratio), axis=1)[..., None]
    x_a = np.cumsum(rng.binomial(200 - n_b, 0.01), axis=1)[..., None]
    found = ever(_in_parts_p(x_a, x_b, [0.5]))
    note(record_property, found=found)
    assert found >= least


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_a_guardrail_at_its_margin_is_hardly_ever_decided(share: float, record_property: Record) -> None:
    """A latency exactly 10 % longer is neither called harm nor called safe by more than its alpha of 1.25 % each."""
    harmful = safe = 0.0
    units = 10_000
    for runs, rng in in_parts(RUNS, units, [10, int(share * 100)]):
        in_b = rng.random((runs, units)) < share
        x = np.exp(rng.standard_normal((runs, units))) * np.where(in_b, 1.1, 1.0)
        a, b = Running.of(~in_b, x, None, units // 50), Running.of(in_b, x, None, units // 50)
        found, error = difference(a, b, 1.1)
        shrunk = Running(b.n, b.x / 1.1, b.m, b.xx / 1.21, b.xm / 1.1, b.mm)
        error = np.fmax(error, 1.1 * pooled_error(a, shrunk))
        harmful += ever(sequential.one_sided_p_value(found, error, a.n + b.n, RHO), enough(a, b), 0.0125) * runs
        safe += ever(sequential.one_sided_p_value(-found, error, a.n + b.n, RHO), enough(a, b), 0.0125) * runs
    note(record_property, harmful=harmful / RUNS, safe=safe / RUNS)
    assert harmful / RUNS <= 0.0125
    assert safe / RUNS <= 0.0125


@pytest.mark.parametrize("share", SPLITS)
def test_an_error_guardrail_at_its_margin_is_hardly_ever_decided(share: float, record_property: Record) -> None:
    """Errors exactly 1.5 times as frequent: at most 1.25 % each way."""
    rng = np.random.default_rng([11, int(share * 100)])
    n_b = rng.binomial(1_000, share, (RUNS, 50))
    x_b = np.cumsum(rng.binomial(n_b, 0.015), axis=1)[..., None]
    x_a = np.cumsum(rng.binomial(1_000 - n_b, 0.01), axis=1)[..., None]
    harmful = ever(rare.p_value(x_a, x_b, [share], 1.5, "over"), alpha=0.0125)
    safe = ever(rare.p_value(x_a, x_b, [share], 1.5, "under"), alpha=0.0125)
    ceiling = ever(rare.ceiling_p_value(x_b[..., 0], np.cumsum(n_b, axis=1), 0.015), alpha=0.0125)
    note(record_property, harmful=harmful, safe=safe, ceiling=ceiling)
    assert max(harmful, safe, ceiling) <= 0.0125


@pytest.mark.parametrize("split", [(0.5, 0.5), (0.99, 0.01), (0.5, 0.25, 0.25)])
def test_a_sound_split_is_hardly_ever_called_a_mismatch(split: tuple[float, ...], record_property: Record) -> None:
    """At most 0.1 % of 10,000 experiments at 50 looks up to 20,000 units; the plain test fires far too often."""
    rng = np.random.default_rng([12, len(split), int(split[0] * 100)])
    counts = np.cumsum(rng.multinomial(400, split, (10_000, 50)), axis=1)
    p = np.exp(-np.maximum(0, srm_log_e(counts, split)))
    expected = counts.sum(axis=2, keepdims=True) * np.array(split)
    plain = chi2.sf((((counts - expected) ** 2) / expected).sum(axis=2), len(split) - 1)
    figures = {"false": ever(p, alpha=P_MIN), "plain": ever(plain, alpha=P_MIN)}
    note(record_property, **figures)
    assert figures["false"] <= 0.001
    assert figures["plain"] > 0.006


def test_a_split_that_runs_48_to_52_is_mostly_caught(record_property: Record) -> None:
    """By 20,000 units, in at least 90 % of 2,000 experiments; by 30,000 in nearly all."""
    counts = np.cumsum(np.random.default_rng(13).multinomial(400, (0.48, 0.52), (RUNS, 75)), axis=1)
    p = np.exp(-np.maximum(0, srm_log_e(counts, (0.5, 0.5))))
    figures = {"at_20000": ever(p[:, :50], alpha=P_MIN), "at_30000": ever(p, alpha=P_MIN)}
    note(record_property, **figures)
    assert figures["at_20000"] >= 0.9
    assert figures["at_30000"] >= 0.99


def test_peeks_add_up() -> None:
    """The simulations' own sums: after each 2 units."""
    assert at_peeks(np.array([[1.0, 2.0, 3.0, 4.0]]), 2).tolist() == [[3.0, 10.0]]
