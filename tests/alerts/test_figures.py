"""Compact figures against the Summaries they stand for."""

from collections.abc import Callable
from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.alerts.figures import CLASS_PARTS_MAX, LATENCY_BUCKETS, LATENCY_LOW, Figures
from sidecar.summaries import ExponentialHistogram, RequestTotals, Summary, merge_all
from sidecar.types import RequestCounts, latency_index

MakeSummary = Callable[..., Summary]
QUANTILES = (0.0, 0.01, 0.5, 0.9, 0.95, 0.99, 1.0)


def of_latency(histogram: ExponentialHistogram) -> Figures:
    return Figures.of(Summary(RequestTotals(histogram.count, {200: histogram.count}, latency=histogram)))


@pytest.mark.parametrize("seed", range(5))
def test_total_has_the_read_outs_of_the_merged_summary(make_summary: MakeSummary, seed: int) -> None:
    """Figures added up say what a Summary of all the same buckets says, to the last bit."""
    summaries = [make_summary(seed * 100 + number, images=number % 7) for number in range(60)]
    merged, total = merge_all(summaries), Figures.total(Figures.of(summary) for summary in summaries)
    assert (total.requests, total.failed, total.client_left) == (merged.requests, merged.failed, merged.statuses[0])
    assert (total.images, total.detections) == (merged.images, merged.detections)
    assert total.undecodable == sum(merged.undecodable.values())
    assert total.classes == merged.class_counts
    assert {name: total.class_detections(name) for name in merged.class_counts} == merged.class_counts
    assert total.feedback == merged.feedback
    assert total.avg_confidence == merged.avg_confidence
    assert total.no_detection_rate == merged.images_without_detections / merged.images
    assert total.detections_per_image == merged.detections / merged.images
    assert total.error_rate == merged.failed / merged.requests
    assert total.latency_count == merged.latency.count
    assert [total.latency_quantile(q) for q in QUANTILES] == [merged.latency.quantile(q) for q in QUANTILES]
    assert total == Figures.of(merged)


@given(st.lists(st.dictionaries(st.integers(LATENCY_LOW, 239), st.integers(1, 1 << 30), max_size=5), max_size=5))
def test_quantiles_equal_those_of_the_merged_histogram(parts: list[dict[int, int]]) -> None:
    """Whatever the latencies, from a microsecond to twelve days."""
    histograms = [ExponentialHistogram(counts) for counts in parts]
    merged = ExponentialHistogram()
    for histogram in histograms:
        merged = merged.merge(histogram)
    total = Figures.total(of_latency(histogram) for histogram in histograms)
    for q in QUANTILES:
        assert total.latency_quantile(q) == pytest.approx(merged.quantile(q), rel=0, abs=0, nan_ok=True)


def test_coarser_histogram_counts_within_its_own_bucket() -> None:
    """A histogram at a coarser scale keeps all its requests, and their quantile stays in the bucket it had."""
    coarse = ExponentialHistogram({5: 10}, scale=1)
    figures = of_latency(coarse)
    assert figures.latency_count == 10
    assert 2.0 ** (5 / 2) < figures.latency_quantile(0.5) <= 2.0 ** (6 / 2)


def test_finer_histogram_counts_in_the_bucket_that_holds_its_own() -> None:
    """Scales finer than ours halve exactly."""
    fine = ExponentialHistogram({161: 4}, scale=4)
    assert of_latency(fine).latency_quantile(0.5) == ExponentialHistogram({80: 4}).quantile(0.5)


def test_latency_beyond_all_buckets_counts_in_the_last() -> None:
    """A request of a month is counted, not lost, and is no index out of range."""
    figures = of_latency(ExponentialHistogram({400: 1}))
    assert figures.latency_count == 1
    assert figures.latency_quantile(1.0) > 2.0**29
    assert latency_index(0.0) == LATENCY_LOW
    assert latency_index(2.0**30) == LATENCY_LOW + LATENCY_BUCKETS - 1


def test_slow_requests_are_those_above_the_bucket_of_the_edge(make_counts: Callable[..., RequestCounts]) -> None:
    """Requests that all take about as long as the baseline's p95 are not slow; those clearly above it are."""
    summary = Summary()
    summary.add_counts(make_counts([10.0] * 60 + [20.0] * 40))
    figures = Figures.of(summary)
    assert figures.slow_rate(10.0) == pytest.approx(0.4)
    assert figures.slow_rate(summary.latency.quantile(0.95)) == 0.0
    assert figures.slow_rate(0.0) == 1.0
    assert figures.slow_rate(1e12) == 0.0


@pytest.mark.parametrize("seed", range(10))
def test_slow_rate_of_a_baseline_against_itself_is_at_most_five_percent(
    make_counts: Callable[..., RequestCounts], seed: int
) -> None:
    """By the definition of p95, however the latencies are spread."""
    rng = np.random.default_rng(seed)
    summary = Summary()
    summary.add_counts(make_counts(rng.lognormal(3, rng.uniform(0.001, 1), 500).tolist()))
    assert Figures.of(summary).slow_rate(summary.latency.quantile(0.95)) <= 0.05


def test_shares_of_nothing_are_nan() -> None:
    """Without requests and images there is nothing to measure, and nothing is divided by zero."""
    empty = Figures.total([])
    shares = [
        empty.avg_confidence, empty.detections_per_image, empty.no_detection_rate, empty.undecodable_rate,
        empty.error_rate, empty.class_share("car"), empty.feedback_score, empty.latency_quantile(0.5),
        empty.slow_rate(1.0),
    ]  # fmt: skip
    assert all(isnan(share) for share in shares)
    assert (empty.feedback, empty.classes, empty.requests) == ({}, {}, 0)


def test_total_leaves_its_parts_alone(make_summary: MakeSummary) -> None:
    """The figures of a bucket are added up again and again; no total changes them."""
    parts = [Figures.of(make_summary(number)) for number in range(3)]
    before = [(part.vector.copy(), part.classes) for part in parts]
    total = Figures.total(parts)
    total.classes["car"] = -1
    for part, (vector, classes) in zip(parts, before, strict=True):
        assert np.array_equal(part.vector, vector)
        assert part.classes == classes
    with pytest.raises(ValueError, match="read-only"):
        parts[0].vector += 1
    assert total.classes["car"] >= 0


def test_total_of_totals_holds_on_to_bounded_parts(make_summary: MakeSummary) -> None:
    """Class counts wait to be added up, but not without end."""
    part = Figures.of(make_summary(1))
    total = Figures.total([part] * (CLASS_PARTS_MAX + 1))
    assert len(total._class_parts) == 1
    assert total.classes == {name: n * (CLASS_PARTS_MAX + 1) for name, n in part.classes.items()}


def test_equal_figures_are_equal_and_unequal_are_not(make_summary: MakeSummary) -> None:
    """By their numbers, and hashes agree with that."""
    one, same, other = (Figures.of(make_summary(seed)) for seed in (1, 1, 2))
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert repr(one).startswith("Figures(requests=")
