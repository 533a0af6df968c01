"""The results of an experiment, in their documented shape."""

import json
from collections.abc import Callable
from math import isnan

import numpy as np
import pytest

from sidecar.experiments import Arm, Epoch, Tuning, results
from sidecar.summaries import Summary, merge_all

MakeEpoch = Callable[..., Epoch]
MakeSummary = Callable[..., Summary]
VARIANT_KEYS = {
    "name", "n", "requests", "images", "avg_confidence", "avg_latency_ms", "p50_latency_ms", "p99_latency_ms",
    "feedback_score", "error_rate", "detections_per_image", "no_detection_rate", "undecodable_rate", "slow_rate",
    "n_feedback", "n_sampled", "feedback_completeness", "user_feedback_score", "n_user_feedback", "user_feedback_rate",
    "moved",
}  # fmt: skip
METRIC_KEYS = {
    "metric", "kind", "direction", "unit", "primary", "model_a", "model_b", "difference", "relative_difference",
    "confidence_sequence", "confidence_sequence_of", "method", "p_value_always_valid", "p_value_fixed_horizon",
    "p_adjusted", "significant", "favours", "n", "reason",
}  # fmt: skip
KEYS = {
    "model_a", "model_b", "variants", "primary_metric", "p_value", "alpha", "metrics", "guardrails", "comparisons",
    "srm", "verdict", "winner", "reasons", "notes", "failover", "sentence", "how_much_longer", "epochs", "elapsed_s",
}  # fmt: skip


@pytest.mark.parametrize("counted", [False, True])
def test_before_any_traffic_results_are_well_formed(counted: bool) -> None:
    """p is 1, averages are NaN and null in JSON; the same whether there is no epoch or an empty one."""
    epochs = [Epoch(Arm.of_summary("A", Summary()), (Arm.of_summary("B", Summary()),), (0.9, 0.1))] * counted
    found = results(["A", "B"], epochs)
    assert found.p_value == 1.0
    assert isnan(found.variants["A"].avg_confidence)
    assert isnan(found.variants["B"].p99_latency_ms)
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert set(document) == KEYS
    assert set(document["model_a"]) == VARIANT_KEYS
    assert set(document["metrics"]["confidence"]) == METRIC_KEYS
    assert list(document["metrics"]) == ["confidence", "latency", "feedback_score"]
    assert document["model_b"]["avg_confidence"] is None
    assert document["metrics"]["latency"]["confidence_sequence"] == [None, None]
    assert (document["verdict"], document["winner"], document["epochs"]) == ("no_difference_yet", None, 0)
    assert document["srm"]["ok"] is True


def test_with_traffic_the_shape_is_the_same_and_filled(make_epoch: MakeEpoch) -> None:
    """``model_a`` is control, ``model_b`` the first treatment; p_value is the primary metric's always-valid one."""
    found = results(["A", "B"], [make_epoch(4_000, error_rate=0.02, b={"latency_ms": 22.0})], ("latency", "confidence"))
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert set(document) == KEYS
    assert document["model_a"] == document["variants"]["A"]
    assert document["model_b"]["avg_confidence"] == pytest.approx(0.7, abs=0.01)
    assert document["model_b"]["p50_latency_ms"] == pytest.approx(22.0, rel=0.1)
    assert document["p_value"] == document["metrics"]["latency"]["p_value_always_valid"] < 0.05
    latency = document["metrics"]["latency"]
    assert latency["model_b"] - latency["model_a"] == pytest.approx(latency["difference"])
    assert latency["confidence_sequence"][0] < latency["difference"] < latency["confidence_sequence"][1]
    assert [item["metric"] for item in document["guardrails"]] == [
        "error_rate", "latency", "undecodable_rate", "no_detection_rate",
    ]  # fmt: skip


def test_merged_results_of_eight_workers_are_those_of_one(make_summary: MakeSummary) -> None:
    """Exactly: summaries of eight workers merged in any order, arms of eight workers merged, or one worker's."""
    by_worker = {
        name: [make_summary([place, worker], 300, error_rate=0.02, latency_ms=20.0 + place) for worker in range(8)]
        for place, name in enumerate("AB")
    }
    one = [Arm.of_summary(name, merge_all(parts), slow_edge_ms=30.0) for name, parts in by_worker.items()]
    expected = results(["A", "B"], [Epoch(one[0], (one[1],), (0.5, 0.5))]).to_dict()
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(8).tolist()
        arms = []
        for name, parts in by_worker.items():
            arm = Arm(name)
            for worker in order:
                arm = arm.merge(Arm.of_summary(name, parts[worker], slow_edge_ms=30.0))
            arms.append(arm)
        assert results(["A", "B"], [Epoch(arms[0], (arms[1],), (0.5, 0.5))]).to_dict() == expected
        shuffled = [
            Arm.of_summary(name, merge_all(parts[worker] for worker in order), slow_edge_ms=30.0)
            for name, parts in by_worker.items()
        ]
        assert results(["A", "B"], [Epoch(shuffled[0], (shuffled[1],), (0.5, 0.5))]).to_dict() == expected


def test_whole_experiments_without_a_difference_hardly_ever_get_a_verdict(
    make_summary: MakeSummary, record_property: Callable[[str, object], None]
) -> None:
    """60 experiments of three metrics, two counts and four guardrails, peeked at ten times: at most 3 of them."""
    called = 0
    for seed in range(60):
        parts = [Arm("A"), Arm("B")]
        lowest: dict[str, float] = {}
        verdicts = set()
        for peek in range(10):
            parts = [
                arm.merge(Arm.of_summary(arm.name, make_summary([seed, peek, place], 200, error_rate=0.01)))
                for place, arm in enumerate(parts)
            ]
            epoch = Epoch(parts[0], (parts[1],), (0.5, 0.5))
            found = results(["A", "B"], [epoch], ("latency", "confidence", "error_rate"), lowest=lowest)
            lowest = found.lowest
            verdicts.add(found.verdict)
        called += verdicts != {"no_difference_yet"}
    record_property("called", called)
    assert called <= 3


def test_the_lowest_p_values_go_on(make_epoch: MakeEpoch) -> None:
    """What was significant stays so, with the next call given what the last one gave."""
    first = results(["A", "B"], [make_epoch(2_000, b={"latency_ms": 25.0})], ("latency",))
    later = results(["A", "B"], [make_epoch(2_000)], ("latency",), lowest=first.lowest)
    assert later.p_value == first.p_value < 0.001
    assert set(later.lowest) >= {"srm", "B/latency", "B/detections_per_image", "B/no_detection_rate"}


def test_alpha_is_settable(make_epoch: MakeEpoch) -> None:
    """What is significant at 0.05 is not at 0.0001."""
    epoch = make_epoch(2_000, b={"latency_ms": 21.3})
    loose = results(["A", "B"], [epoch], ("latency",))
    strict = results(["A", "B"], [epoch], ("latency",), tuning=Tuning(alpha=0.0001))
    assert loose.comparisons[0].metrics["latency"].significant
    assert not strict.comparisons[0].metrics["latency"].significant
    assert strict.alpha == 0.0001


@pytest.mark.parametrize(
    ("variants", "metrics", "message"),
    [
        (["A"], ("latency",), "variants: 1 of them, expected 2 to 10"),
        (["A", "A"], ("latency",), "variants: A, A are not all different"),
        (["A", "B"], (), "metrics: there is none"),
        (["A", "B"], ("latency", "latency"), "metrics: latency, latency are not all different"),
        (["A", "B"], ("accuracy",), "metrics: 'accuracy' is not one of"),
        (["A", "C"], ("latency",), "epochs: A, B are not A, C"),
        (["B", "A"], ("latency",), "epochs: A, B are not B, A"),
    ],
)
def test_what_does_not_fit_is_refused(
    make_epoch: MakeEpoch, variants: list[str], metrics: tuple[str, ...], message: str
) -> None:
    """With the field in front."""
    with pytest.raises(ValueError, match=message):
        results(variants, [make_epoch(10)], metrics)
