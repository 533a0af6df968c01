"""A treatment against control in all that is asked."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sidecar.experiments import DEFAULT_GUARDRAILS, Arm, Epoch, Guardrail, Tuning, feedback_moments
from sidecar.experiments.arms import of_one_source
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


def reviewed(name: str, right: int, n: int, weight: int = 1, **fields: Any) -> Arm:
    """``right`` of ``n`` reviewed images are correct, each drawn with 1 in ``weight``."""
    reviews = feedback_moments()
    micro = weight * 1_000_000
    reviews.add(np.array([[micro, micro]] * right + [[micro, 0]] * (n - right), np.int64).reshape(-1, 2))
    summary = fields.pop("summary", Summary())
    return Arm.of_summary(name, summary, feedback=reviews, **{"sampled": n, **fields})


def test_how_often_users_send_feedback_is_asked_of_users_not_of_reviews(make_summary: MakeSummary) -> None:
    """An arm of which more is reviewed is no worse for it; one whose users send more is."""
    arms = [
        reviewed(name, n // 2, n, summary=make_summary(n, 500, feedback=(6, 2))) for name, n in (("A", 200), ("B", 800))
    ]
    assert compared([Epoch(arms[0], (arms[1],), (0.5, 0.5))], ("feedback_score",))[0].feedback_p_value > 0.5
    arms = [reviewed(name, 50, 100, summary=make_summary(n, 500, feedback=(n, 2))) for name, n in (("A", 5), ("B", 70))]
    assert compared([Epoch(arms[0], (arms[1],), (0.5, 0.5))], ("feedback_score",))[0].feedback_p_value < 0.001


def test_lost_feedback_says_nothing_of_rates(make_summary: MakeSummary) -> None:
    """A store that was set aside may leave less than none: it is no evidence, and no error."""
    arms = [Arm.of_summary("A", make_summary(1, 500, feedback=(90, 2)))]
    arms.append(Arm.of_summary("B", make_summary(2, 500, feedback=(0, -3))))
    assert compared([Epoch(arms[0], (arms[1],), (0.5, 0.5))], ("feedback_score",))[0].feedback_p_value == 1.0


def test_what_users_sent_leaves_no_trace_once_there_are_reviews(make_summary: MakeSummary) -> None:
    """Neither in the difference, though an earlier epoch has nothing but that, nor in the lowest p-value."""
    users = [Arm.of_summary(name, make_summary(n, 900, feedback=(n, 300 - n))) for name, n in (("A", 90), ("B", 250))]
    before = [Epoch(users[0], (users[1],), (0.5, 0.5))]
    found, lowest = compared(before, ("feedback_score",))
    assert found.primary.p_value_always_valid < 0.001
    after = of_one_source([*before, Epoch(reviewed("A", 150, 200), (reviewed("B", 150, 200),), (0.5, 0.5), 1)])
    found = compare(after, ["B"], ("feedback_score",), (), Tuning(), lowest)[0][0]
    assert found.primary.difference == 0.0
    assert found.primary.p_value_always_valid == 1.0
    assert found.primary.decides
    assert found.feedback_p_value > 0.001


def test_no_version_is_stopped_by_what_users_sent(make_summary: MakeSummary) -> None:
    """A guardrail on the feedback score waits for reviews."""
    guardrails = (Guardrail("feedback_score", 0.9),)
    users = [Arm.of_summary(name, make_summary(n, 900, feedback=(n, 400 - n))) for name, n in (("A", 390), ("B", 90))]
    epochs = [Epoch(users[0], (users[1],), (0.5, 0.5))]
    (reading,) = compare(epochs, ["B"], ("latency",), guardrails, Tuning(), {})[0][0].guardrails
    assert reading.decision == "not_yet"
    epochs = [Epoch(reviewed("A", 390, 400), (reviewed("B", 90, 400),), (0.5, 0.5))]
    (reading,) = compare(epochs, ["B"], ("latency",), guardrails, Tuning(), {})[0][0].guardrails
    assert reading.decision == "harmful"


def test_under_150_reviewed_units_an_arm_there_is_no_difference() -> None:
    """However many requests there were; 150 are enough."""
    few = compared([Epoch(reviewed("A", 10, 149), (reviewed("B", 149, 149),), (0.5, 0.5))], ("feedback_score",))[0]
    assert few.primary.p_value_always_valid == 1.0
    assert few.primary.reason == "at least 150 units with a verdict an arm are needed, there are 149"
    enough = compared([Epoch(reviewed("A", 10, 150), (reviewed("B", 150, 150),), (0.5, 0.5))], ("feedback_score",))[0]
    assert enough.primary.p_value_always_valid < 0.001


def test_arms_drawn_at_unlike_rates_are_compared_as_if_alike() -> None:
    """One in ten of A and one in two hundred of B: shares, error and p are those of equal rates."""
    alike = Epoch(reviewed("A", 150, 200), (reviewed("B", 180, 200),), (0.5, 0.5))
    unlike = Epoch(reviewed("A", 150, 200, weight=10), (reviewed("B", 180, 200, weight=200),), (0.5, 0.5))
    one, other = (compared([epoch], ("feedback_score",))[0].primary for epoch in (alike, unlike))
    assert other.difference == pytest.approx(one.difference)
    assert other.judged.estimate.standard_error == pytest.approx(one.judged.estimate.standard_error)
    assert other.p_value_always_valid == pytest.approx(one.p_value_always_valid)


def test_the_clock_of_reviews_goes_by_images() -> None:
    """Of cameras that stay, more images are reviewed as time goes by, and every look is paid for."""
    arms = [replace(reviewed(name, 150, 200, judged=900), clustered=True) for name in "AB"]
    assert (
        compared([Epoch(arms[0], (arms[1],), (0.5, 0.5))], ("feedback_score",))[0].primary.judged.estimate.clock
        == 1_800
    )


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
