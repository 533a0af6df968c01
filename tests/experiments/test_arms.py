"""Arms and epochs."""

from collections.abc import Callable
from math import isnan

import numpy as np
import pytest

from sidecar.experiments import METRICS, Arm, Epoch, feedback_moments, per_unit_moments, slow_edge
from sidecar.experiments.arms import total_of
from sidecar.summaries import ExponentialHistogram, RequestTotals, Summary, merge_all
from sidecar.types import latency_index

MakeSummary = Callable[..., Summary]


def test_an_arm_reads_each_metric_from_a_summary(make_summary: MakeSummary) -> None:
    """The values are those that the Summary itself has."""
    summary = make_summary(1, 900, error_rate=0.1, undecodable_rate=0.05, feedback=(8, 2))
    arm = Arm.of_summary("A", summary, slow_edge_ms=slow_edge(25.0))
    value = {name: arm.of(name).value for name in METRICS}
    read = summary.images + sum(summary.undecodable.values())
    assert value["confidence"] == pytest.approx(summary.avg_confidence, rel=1e-12)
    assert value["latency"] == pytest.approx(summary.latency_units.mean("upstream_ms"), rel=1e-12)
    assert value["error_rate"] == summary.failed / 900
    assert value["detections_per_image"] == pytest.approx(summary.detections / summary.images, rel=1e-12)
    assert value["no_detection_rate"] == pytest.approx(summary.images_without_detections / summary.images)
    assert value["undecodable_rate"] == pytest.approx(sum(summary.undecodable.values()) / read)
    assert value["slow_rate"] == pytest.approx(summary.upstream.share_above(slow_edge(25.0)), rel=1e-12)
    assert value["feedback_score"] == 0.8
    assert (arm.assigned, arm.units, arm.requests, arm.images) == (900, 900, 900, summary.images)
    assert not arm.reviewed


def test_an_empty_arm_has_no_values() -> None:
    """NaN for each, and no units."""
    arm = Arm.of_summary("A", Summary())
    assert all(isnan(arm.of(name).value) for name in METRICS)
    assert arm.units == 0


def test_arms_of_eight_workers_are_that_of_one(make_summary: MakeSummary) -> None:
    """Exactly, whatever the order: of merged summaries as of merged arms."""
    parts = [
        make_summary([2, worker], 200, error_rate=0.02, images_each=2, feedback=(worker, 1)) for worker in range(8)
    ]
    whole = Arm.of_summary("A", merge_all(parts), slow_edge_ms=slow_edge(25.0))
    for order in (range(8), reversed(range(8)), np.random.default_rng(0).permutation(8).tolist()):
        merged = Arm("A")
        for place in order:
            merged = merged.merge(Arm.of_summary("A", parts[place], slow_edge_ms=slow_edge(25.0)))
        assert merged == whole


def test_sums_per_unit_give_the_same_values_as_the_requests_they_are_of(make_summary: MakeSummary) -> None:
    """Forty cameras: the values of metrics are unchanged, units are cameras."""
    rng = np.random.default_rng(3)
    moments = per_unit_moments()
    rows = np.zeros((40, len(moments.names)), np.int64)
    place = {name: index for index, name in enumerate(moments.names)}
    rows[:, place["requests"]] = rng.integers(5, 50, 40)
    rows[:, place["failed"]] = rng.integers(0, 3, 40)
    rows[:, place["successful"]] = rows[:, place["requests"]] - rows[:, place["failed"]]
    rows[:, place["upstream_ms"]] = rows[:, place["successful"]] * 20_000
    rows[:, place["images"]] = rows[:, place["successful"]] - 1
    rows[:, place["undecodable"]] = 1
    rows[:, place["images_with_detections"]] = rows[:, place["images"]] - 1
    rows[:, place["detections"]] = 2 * rows[:, place["images"]]
    rows[:, place["confidence"]] = rows[:, place["images_with_detections"]] * 700_000
    rows[:, place["timed"]] = rows[:, place["requests"]]
    moments.add(rows)
    arm = Arm.of_units("A", moments, Summary(), moved=2)
    total = dict(zip(moments.names, rows.sum(axis=0).tolist(), strict=True))
    assert (arm.units, arm.assigned, arm.moved, arm.clustered) == (40, 42, 2, True)
    assert arm.of("confidence").value == pytest.approx(0.7)
    assert arm.of("latency").value == pytest.approx(20.0)
    assert arm.of("error_rate").value == total["failed"] / total["requests"]
    assert arm.of("no_detection_rate").value == pytest.approx(40 / total["images"])
    assert arm.of("undecodable_rate").value == pytest.approx(40 / (total["images"] + 40))
    assert arm.of("slow_rate").value == 0
    assert arm.of("detections_per_image").value == 2


def test_reviews_are_weighted_by_how_likely_they_were_kept() -> None:
    """Hajek: ten right images kept with 1 in 10 count as a hundred, ten wrong ones kept for sure as ten."""
    reviews = feedback_moments()
    reviews.add(np.array([[10_000_000, 10_000_000]] * 10 + [[1_000_000, 0]] * 10))
    arm = Arm.of_summary("A", Summary(), feedback=reviews, sampled=40)
    assert arm.of("feedback_score").value == pytest.approx(100 / 110)
    assert (arm.of("feedback_score").n, arm.reviewed, arm.sampled) == (20, True, 40)


def test_feedback_of_users_is_never_added_to_a_random_sample(make_summary: MakeSummary) -> None:
    """Over epochs the sample counts, what users sent is left aside."""
    reviews = feedback_moments()
    reviews.add(np.array([[1_000_000, 1_000_000]] * 5))
    users = Arm.of_summary("A", make_summary(1, 50, feedback=(0, 9)))
    sample = Arm.of_summary("A", make_summary(2, 50), feedback=reviews, sampled=5)
    with pytest.raises(ValueError, match="random sample and of users"):
        users.merge(sample)
    assert (sample.judged, users.judged) == (5, 0)
    for arms in ([Arm("A"), users, sample], [sample, users]):
        assert total_of(arms).of("feedback_score").value == 1.0
        assert total_of(arms).user_feedback.n == 9


def test_other_arms_are_not_merged() -> None:
    """A is not B."""
    with pytest.raises(ValueError, match="'A' and 'B' are not one arm"):
        Arm("A").merge(Arm("B"))


@pytest.mark.parametrize("p95_ms", [0.3, 20.0, 25.0, 1_234.5])
def test_the_slow_edge_is_an_edge_at_or_above(p95_ms: float) -> None:
    """At most a bucket's width over it, 9 %."""
    assert p95_ms <= slow_edge(p95_ms) <= p95_ms * 1.1
    assert slow_edge(slow_edge(p95_ms)) == pytest.approx(slow_edge(p95_ms), rel=1e-12)


def test_what_is_slow_is_counted_in_whole_buckets() -> None:
    """Over the edge at or above what is asked, in a histogram that was made coarser too."""
    fine = ExponentialHistogram({latency_index(20.0): 5, latency_index(40.0): 3, latency_index(80.0): 2})
    wide = fine.merge(ExponentialHistogram({-2_000: 1}))
    assert wide.scale < fine.scale
    for edge_ms, slow in ((20.0, 5), (36.0, 5), (39.0, 2), (40.0, 2), (90.0, 0)):
        arm = Arm.of_summary("A", Summary(RequestTotals(upstream=fine)), slow_edge_ms=edge_ms)
        assert (arm.of("slow_rate").x, arm.of("slow_rate").n) == (slow, 10)
        arm = Arm.of_summary("A", Summary(RequestTotals(upstream=wide)), slow_edge_ms=edge_ms)
        over = sum(n for index, n in wide.counts.items() if 2.0 ** (index * 2.0**-wide.scale) >= edge_ms)
        assert (arm.of("slow_rate").x, arm.of("slow_rate").n) == (over, 11)


@pytest.mark.parametrize(
    ("split", "message"),
    [((0.5, 0.4), "add up to 1"), ((1.5, -0.5), "add up to 1"), ((1.0,), "1 shares for 2 arms")],
)
def test_an_epoch_whose_split_does_not_fit_is_refused(split: tuple[float, ...], message: str) -> None:
    """With the field in front."""
    with pytest.raises(ValueError, match=f"split: .*{message}"):
        Epoch(Arm("A"), (Arm("B"),), split)


def test_an_epoch_pairs_a_treatment_with_control_by_their_shares() -> None:
    """Of both, whatever others get; none where one got no traffic."""
    epoch = Epoch(Arm("A"), (Arm("B"), Arm("C"), Arm("D")), (0.6, 0.2, 0.2, 0.0))
    assert epoch.pair("C") == (Arm("A"), Arm("C"), pytest.approx(0.25))
    assert epoch.pair("D") is None
    assert epoch.pair("E") is None
