"""What always holds of arms, p-values and results, whatever was counted."""

import json
from math import isnan

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sidecar.experiments import Arm, Epoch, Sums, rare, results, sequential
from sidecar.experiments.epochs import Pair, estimate
from sidecar.experiments.fixed import student_p
from sidecar.experiments.srm import srm_log_e
from sidecar.summaries import ExponentialHistogram, ImageTotals, RequestTotals, Summary

few = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
RHO = sequential.rho_of()

events = st.lists(st.integers(0, 10**6), min_size=3, max_size=3)
shares = st.lists(st.floats(0.001, 0.999), min_size=3, max_size=3)


def _arm(name: str, seed: int) -> Arm:
    """Anything that an arm may hold, now and then nothing."""
    rng = np.random.default_rng(seed)
    n = int(rng.choice([0, 1, 2, 40, 200]))
    totals = ImageTotals()
    counts = rng.poisson(1.0, (n, 1))
    read = rng.random((n, 1)) < 0.9
    found = np.where(read, counts, 0)
    totals.units.add(
        np.concatenate([read, found, (found > 0) * rng.integers(0, 10**6, (n, 1)), found > 0, ~read], axis=1).astype(
            np.int64
        )
    )
    totals.latency_units.add(rng.integers(0, 10**7, (n, 1)))
    for kind in ("correct", "wrong_box"):
        if rng.random() < 0.5:
            totals.add_feedback(kind, int(rng.integers(1, 300)))
    upstream = ExponentialHistogram({int(index): 1 for index in rng.integers(-20, 90, n)})
    return Arm.of_summary(
        name, Summary(RequestTotals(n, {200: n - n // 9, 503: n // 9}, upstream=upstream), totals), slow_edge_ms=40.0
    )


arms = st.builds(_arm, st.just("A"), st.integers(0, 1 << 32))
treatments = st.builds(_arm, st.just("B"), st.integers(0, 1 << 32))
epochs = st.lists(
    st.builds(lambda a, b, w: Epoch(a, (b,), (1 - w, w)), arms, treatments, st.sampled_from([0.0, 0.01, 0.5, 1.0])),
    max_size=4,
)
whole = st.integers(0, 10**6)


@few
@given(arms, arms, arms)
def test_merging_arms_is_associative_and_commutative_with_an_identity(a: Arm, b: Arm, c: Arm) -> None:
    """Exactly, and it leaves its arguments alone."""
    before = repr((a, b, c))
    assert a.merge(b).merge(c) == a.merge(b.merge(c))
    assert a.merge(b) == b.merge(a)
    assert a.merge(Arm("A")) == a == Arm("A").merge(a)
    assert repr((a, b, c)) == before


@few
@given(epochs, st.floats(0, 1e6))
def test_results_are_well_formed_whatever_was_counted(found: list[Epoch], elapsed_s: float) -> None:
    """p-values within 0 to 1, JSON without NaN, a sequence around its difference, a winner only with a better one."""
    report = results(["A", "B"], found, ("latency", "confidence", "error_rate", "feedback_score"), elapsed_s=elapsed_s)
    json.dumps(report.to_dict(), allow_nan=False)
    assert 0 <= report.p_value <= 1
    assert 0 <= report.srm.p_value <= 1
    assert (report.winner != "") is (report.verdict in ("a_better", "b_better"))
    assert report.reasons
    assert report.sentence
    for item in report.comparisons[0].metrics.values():
        assert 0 <= item.p_value_always_valid <= item.p_adjusted <= 1
        assert item.significant is (item.p_adjusted <= report.alpha)
        if item.judged.of == "difference" and not item.reason.startswith("at least"):
            assert item.judged.low <= item.difference <= item.judged.high
        else:
            assert item.judged.low <= item.judged.high


@few
@given(epochs)
def test_the_lowest_p_values_never_rise(found: list[Epoch]) -> None:
    """Epoch by epoch, each call given what the last one gave."""
    lowest: dict[str, float] = {}
    for count in range(len(found) + 1):
        now = results(["A", "B"], found[:count], lowest=lowest).lowest
        assert all(now[name] <= p for name, p in lowest.items())
        lowest = now


@few
@given(epochs)
def test_the_order_of_epochs_does_not_matter_to_the_difference(found: list[Epoch]) -> None:
    """But for rounding."""
    forth, back = (results(["A", "B"], order, ("latency",)) for order in (found, found[::-1]))
    there, again = (item.comparisons[0].metrics["latency"] for item in (forth, back))
    assert there.difference == pytest.approx(again.difference, rel=1e-6, abs=1e-9, nan_ok=True)
    assert there.p_value_always_valid == pytest.approx(again.p_value_always_valid, rel=1e-6, abs=1e-9)


@few
@given(events, events, shares, st.floats(0.1, 10))
def test_an_e_process_judges_a_swap_of_arms_alike(
    control: list[int], treatment: list[int], split: list[float], ratio: float
) -> None:
    """Arms, shares and the ratio turned round: the same p-value, the bounds turned round."""
    turned = [1 - share for share in split]
    there = float(rare.p_value(control, treatment, split, ratio))
    assert 0 <= there <= 1
    assert there == pytest.approx(float(rare.p_value(treatment, control, turned, 1 / ratio)), rel=1e-4, abs=1e-12)
    low, high = rare.confidence_sequence(control, treatment, split)
    low_turned, high_turned = rare.confidence_sequence(treatment, control, turned)
    assert low == pytest.approx(1 / high_turned if high_turned else np.inf, rel=1e-4, abs=1e-12)
    assert low <= high
    assert 1 / high == pytest.approx(low_turned, rel=1e-4, abs=1e-12)


@few
@given(events, events, shares)
def test_one_side_at_most_speaks(control: list[int], treatment: list[int], split: list[float]) -> None:
    """The ratio can't be both surely over and surely under 1."""
    over, under = (float(rare.p_value(control, treatment, split, 1.0, sides)) for sides in ("over", "under"))
    assert max(over, under) > 0.5


@few
@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 10**9), st.floats(0.0001, 0.5))
def test_a_sequence_excludes_zero_where_its_p_value_says_so(d: float, error: float, n: int, alpha: float) -> None:
    """On either side, and never on both of the one-sided ones."""
    p = float(sequential.p_value(d, error, n, RHO))
    assume(abs(p - alpha) > 1e-9 * alpha)
    width = float(sequential.half_width(error, n, RHO, alpha))
    assert 0 <= p <= 1
    assert (abs(d) >= width) is (p <= alpha)
    sides = [float(sequential.one_sided_p_value(value, error, n, RHO)) for value in (d, -d)]
    assert max(sides) == 1.0


@few
@given(st.floats(-100, 100), st.floats(1, 1e8))
def test_student_s_p_is_a_probability_that_falls_with_t(t: float, df: float) -> None:
    """Within 0 to 1; a larger t is never likelier."""
    assert 0 <= student_p(t, df) <= 1
    assert student_p(abs(t) + 0.1, df) <= student_p(t, df) + 1e-12


@few
@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_a_mismatch_is_the_same_in_whatever_order_the_arms_stand(counts: list[int], random) -> None:
    """Shares go with their counts."""
    split = [1 / (1 << (place + 1)) for place in range(len(counts) - 1)]
    split.append(1 - sum(split))
    order = list(range(len(counts)))
    random.shuffle(order)
    there = float(srm_log_e(counts, split))
    again = float(srm_log_e([counts[place] for place in order], [split[place] for place in order]))
    assert there == pytest.approx(again, rel=1e-9, abs=1e-4)


@few
@given(whole, whole, whole, whole)
def test_a_difference_of_shares_turns_with_its_arms(n_a: int, x_a: int, n_b: int, x_b: int) -> None:
    """Same error, opposite sign; NaN both ways or neither."""
    a, b = Sums.of_counts(n_a, min(n_a, x_a)), Sums.of_counts(n_b, min(n_b, x_b))
    there, back = estimate([Pair(a, b, 0.5)], pooled=True), estimate([Pair(b, a, 0.5)], pooled=True)
    if isnan(there.difference):
        assert isnan(back.difference)
    else:
        assert there.difference == pytest.approx(-back.difference, abs=1e-12)
        assert there.standard_error == pytest.approx(back.standard_error, rel=1e-9)
