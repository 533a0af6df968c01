"""A treatment against control in all that is asked."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from sidecar.experiments import DEFAULT_GUARDRAILS, Arm, Epoch, Tuning, feedback_moments
from sidecar.experiments.comparison import Comparison, compare
from sidecar.summaries import Summary

MakeEpoch = Callable[..., Epoch]
MakeSummary = Callable[..., Summary]


def compared(
    epochs: list[Epoch], metrics: tuple[str, ...] = ("latency", "error_rate", "confidence"), **lowest: float
) -> tuple[Comparison, dict[str, float]]:
    found, now = compare(epochs, ["B"], metrics, (), Tuning(), {"B/" + name: p for name, p in lowest.items()})
    return found[0], now


def test_secondary_metrics_are_adjusted_and_the_primary_is_not(make_epoch: MakeEpoch) -> None:
    """Holm over the two secondary ones."""
    found, _ = compared([make_epoch(2_000, b={"latency_ms": 21.5, "confidence": 0.72})])
    primary, errors, confidence = found.metrics
    assert (primary.primary, errors.primary) == (True, False)
    assert primary.p_adjusted == primary.p_value_always_valid
    assert confidence.p_adjusted == pytest.approx(2 * confidence.p_value_always_valid)
    assert errors.p_adjusted == 1.0


def test_the_lowest_p_value_so_far_is_the_p_value(make_epoch: MakeEpoch) -> None:
    """And it goes on into the next call."""
    epoch = make_epoch(2_000)
    found, now = compared([epoch], latency=0.003)
    assert found.primary.p_value_always_valid == now["B/latency"] == 0.003
    assert found.primary.significant
    assert compared([epoch])[1]["B/latency"] > 0.05


@pytest.mark.parametrize(
    ("b", "favours"), [({"latency_ms": 15.0}, "b"), ({"latency_ms": 30.0}, "a"), ({}, "")], ids=["less", "more", "same"]
)
def test_a_metric_favours_the_side_that_is_better(make_epoch: MakeEpoch, b: dict[str, float], favours: str) -> None:
    """Less latency is better; a difference that is not significant favours none."""
    assert compared([make_epoch(2_000, b=b)])[0].primary.favours == favours


def test_confidence_favours_none(make_epoch: MakeEpoch) -> None:
    """Higher is not better by itself."""
    found, _ = compared([make_epoch(2_000, b={"confidence": 0.8})], ("confidence",))
    assert found.primary.significant
    assert found.primary.favours == ""
    assert found.primary.to_dict()["favours"] is None


@pytest.mark.parametrize(
    ("b", "differ"),
    [({}, ()), ({"detections": 3.4}, ("detections_per_image", "no_detection_rate")), ({"detections": 3.15}, ())],
)
def test_counts_that_differ_are_named(make_epoch: MakeEpoch, b: dict[str, float], differ: tuple[str, ...]) -> None:
    """Whether or not they were asked for."""
    assert compared([make_epoch(20_000 if b.get("detections") != 3.15 else 600, b=b)])[0].counts_differ == differ


def test_feedback_at_unlike_rates_is_seen(make_summary: MakeSummary) -> None:
    """Only where the feedback score is asked for."""
    arms = [Arm.of_summary(name, make_summary(n, 500, feedback=(n, 2))) for name, n in (("A", 5), ("B", 70))]
    epochs = [Epoch(arms[0], (arms[1],), (0.5, 0.5))]
    assert compared(epochs, ("feedback_score",))[0].feedback_p_value < 0.001
    assert compared(epochs, ("latency",))[0].feedback_p_value == 1.0


def test_a_verdict_may_rest_on_a_random_sample_only(make_summary: MakeSummary) -> None:
    """Feedback that users sent is shown, and decides nothing."""
    users = [Arm.of_summary(name, make_summary(n, 900, feedback=(n, 300 - n))) for name, n in (("A", 90), ("B", 250))]
    found = compared([Epoch(users[0], (users[1],), (0.5, 0.5))], ("feedback_score",))[0].primary
    assert (found.significant, found.decides, found.favours) == (True, False, "")
    assert "by themselves" in found.reason
    sampled = []
    for arm, right in zip(users, (90, 250), strict=True):
        reviews = feedback_moments()
        reviews.add(np.array([[100_000_000, 100_000_000]] * right + [[100_000_000, 0]] * (300 - right)))
        summary = make_summary(right, 900)
        sampled.append(Arm.of_summary(arm.name, summary, feedback=reviews, sampled=300))
    found = compared([Epoch(sampled[0], (sampled[1],), (0.5, 0.5))], ("feedback_score",))[0].primary
    assert (found.significant, found.decides, found.favours) == (True, True, "b")
    assert found.difference == pytest.approx(160 / 300)


def test_several_treatments_share_the_alpha_of_the_primary_metric(make_summary: MakeSummary) -> None:
    """Holm over treatments; guardrails split theirs."""
    arms = [
        Arm.of_summary(name, make_summary([7, place], 1_000, latency_ms=ms))
        for place, (name, ms) in enumerate((("A", 20.0), ("B", 21.5), ("C", 20.0)))
    ]
    epoch = Epoch(arms[0], tuple(arms[1:]), (0.4, 0.3, 0.3))
    both, _ = compare([epoch], ["B", "C"], ("latency",), DEFAULT_GUARDRAILS, Tuning(), {})
    alone, _ = compare([replace(epoch)], ["B"], ("latency",), (), Tuning(), {})
    assert both[0].primary.p_adjusted == pytest.approx(2 * alone[0].primary.p_adjusted)
    assert {reading.alpha for found in both for reading in found.guardrails} == {0.05 / 8}
