"""The families about the improvement loop."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import Metric

from sidecar.api.metrics_loop import DATASETS_SHOWN_MAX, RULES_SHOWN_MAX, LoopFamilies

Values = dict[str, dict[tuple[str, ...], float]]


def values(families: Iterable[Metric]) -> Values:
    return {
        family.name: {tuple(sample.labels.values()): sample.value for sample in family.samples} for family in families
    }


def test_kinds_and_statuses_without_any_are_nought_and_not_absent() -> None:
    """So that a rate or an alert has something to stand on."""
    maker = LoopFamilies()
    told = values(maker.of_feedback({"received": {"correct": 3}, "pending": 2, "expired": 1}))
    assert told["sidecar_feedback"][("correct",)] == 3
    assert told["sidecar_feedback"][("missed_object",)] == 0
    assert (told["sidecar_feedback_pending"], told["sidecar_feedback_expired"]) == ({(): 2}, {(): 1})
    jobs = values(maker.of_training({"jobs": {"running": 1}}))["sidecar_training_jobs"]
    assert jobs == {("queued",): 0, ("running",): 1, ("waiting",): 0}
    items = values(maker.of_review({"items": {("det", "labeled"): 4}}))["sidecar_items"]
    assert (items["det", "labeled"], items["det", "rejected"], len(items)) == (4, 0, 4)


def test_datasets_over_the_bound_count_under_other() -> None:
    """Those with most items have series of their own, and keep them; no item is lost."""
    maker = LoopFamilies()
    counts = {(f"d{number:03}", "labeled"): number + 1 for number in range(DATASETS_SHOWN_MAX + 5)}
    shown = values(maker.of_review({"items": counts}))["sidecar_items"]
    assert {name for name, _ in shown} == {f"d{number:03}" for number in range(5, DATASETS_SHOWN_MAX + 5)} | {"other"}
    assert (shown["other", "labeled"], sum(shown.values())) == (15, sum(counts.values()))
    grown = values(maker.of_review({"items": {**counts, ("d000", "labeled"): 10**6}}))["sidecar_items"]
    assert set(grown) == set(shown)
    assert grown["other", "labeled"] == 10**6 + 14


def test_rules_over_the_bound_count_under_other_and_no_counter_falls() -> None:
    """A class's own rule bears the class's name, which anything may be."""
    maker = LoopFamilies()
    hits = {(f"class:{number}", "hour"): number + 1 for number in range(RULES_SHOWN_MAX + 2)}
    first = values(maker.of_data_engines({"limits_hit": hits}))["sidecar_sample_limit_hits"]
    assert (len(first), sum(first.values())) == (RULES_SHOWN_MAX + 1, sum(hits.values()))
    more = {**hits, ("class:0", "hour"): 500, ("class:\n9", "day"): 7}
    second = values(maker.of_data_engines({"limits_hit": more}))["sidecar_sample_limit_hits"]
    assert all(second[key] >= count for key, count in first.items())
    assert (second["other", "day"], sum(second.values())) == (7, sum(more.values()))
