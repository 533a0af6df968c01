"""What a comparison comes to, from the results of whole experiments."""

from collections.abc import Callable

import numpy as np
import pytest

from sidecar.experiments import Arm, Epoch, Results, feedback_moments, results
from sidecar.summaries import Summary

MakeEpoch = Callable[..., Epoch]
MakeSummary = Callable[..., Summary]
WEEK_S = 7 * 86_400.0
METRICS = ("latency", "confidence", "error_rate")


def judged(*epochs: Epoch, metrics: tuple[str, ...] = METRICS, **options: object) -> Results:
    return results(["A", "B"], epochs, metrics, elapsed_s=WEEK_S, **options)


@pytest.mark.parametrize(
    ("a", "b", "verdict", "winner", "reason"),
    [
        ({}, {}, "no_difference_yet", "", "no metric surely differs so far"),
        ({}, {"latency_ms": 15.0}, "b_better", "B", "latency is 25 % lower (p < 0.0001)"),
        ({}, {"latency_ms": 21.0}, "a_better", "A", "latency is 5"),
        ({"error_rate": 0.02}, {"error_rate": 0.1}, "a_better", "A", "error_rate is surely over 1.5 times"),
        ({"error_rate": 0.1}, {"error_rate": 0.02}, "b_better", "B", "error_rate is "),
        ({}, {"latency_ms": 15.0, "error_rate": 0.1}, "mixed", "", "error_rate is surely over 1.5 times"),
        ({}, {"confidence": 0.8}, "mixed", "", "which alone is neither better nor worse"),
        ({}, {"latency_ms": 15.0, "confidence": 0.8}, "b_better", "B", "neither better nor worse"),
        ({}, {"detections": 1.0}, "mixed", "", "no_detection_rate is surely over 1.5 times"),
        ({}, {"detections": 3.5}, "mixed", "", "differ, so that confidences are of other detections"),
    ],
)
def test_the_verdict_follows_from_what_differs(
    make_epoch: MakeEpoch, a: dict[str, float], b: dict[str, float], verdict: str, winner: str, reason: str
) -> None:
    """8,000 requests half and half, and the reason is told."""
    found = judged(make_epoch(8_000, a=a, b=b))
    assert (found.verdict, found.winner) == (verdict, winner)
    assert any(reason in text for text in found.reasons), found.reasons


def test_a_mismatch_of_the_split_voids_everything(make_epoch: MakeEpoch) -> None:
    """However good B looks."""
    epoch = make_epoch(20_000, 0.52, b={"latency_ms": 10.0})
    found = judged(Epoch(epoch.control, epoch.treatments, (0.5, 0.5)))
    assert (found.verdict, found.winner) == ("invalid", "")
    assert found.reasons[0].startswith("units arrived as 9,600 : 10,400 where 10,000 : 10,000 were expected (p = ")


def test_feedback_at_unlike_rates_voids_a_feedback_score(make_summary: MakeSummary) -> None:
    """Who is asked matters more than what is asked about."""
    arms = [Arm.of_summary(name, make_summary(n, 500, feedback=(n, 2))) for name, n in (("A", 5), ("B", 70))]
    found = judged(Epoch(arms[0], (arms[1],), (0.5, 0.5)), metrics=("confidence", "feedback_score"))
    assert found.verdict == "invalid"
    assert found.reasons[0].startswith("users sent feedback at different rates ")


def reviewed(make_summary: MakeSummary, name: str, right: int, **of: float) -> Arm:
    """``right`` of 400 reviewed images are correct, out of 500 that were drawn."""
    reviews = feedback_moments()
    reviews.add(np.array([[10**7, 10**7]] * right + [[10**7, 0]] * (400 - right), np.int64))
    return Arm.of_summary(name, make_summary(right, 4_000, **of), feedback=reviews, sampled=500)


@pytest.mark.parametrize(
    ("metrics", "verdict", "reason"),
    [
        (("feedback_score",), "b_better", "which the reviews have taken into account"),
        (("latency", "feedback_score"), "mixed", "so that confidences are of other detections"),
    ],
)
def test_reviews_have_taken_other_detections_into_account(
    make_summary: MakeSummary, metrics: tuple[str, ...], verdict: str, reason: str
) -> None:
    """A version that finds more, and is right more often, is better, where that is what the test is about."""
    arms = [reviewed(make_summary, "A", 300), reviewed(make_summary, "B", 380, detections=4.0)]
    found = judged(Epoch(arms[0], (arms[1],), (0.5, 0.5)), metrics=metrics)
    assert found.verdict == verdict
    assert any(reason in text for text in found.reasons), found.reasons
    assert any("400 of 500 with A, 400 of 500 with B" in note for note in found.notes)


def test_under_150_units_an_arm_there_is_no_verdict(make_epoch: MakeEpoch) -> None:
    """Unless a guardrail is broken beyond doubt: errors need no asymptotics."""
    found = judged(make_epoch(280, b={"latency_ms": 90.0}))
    assert found.verdict == "no_difference_yet"
    assert found.reasons == (
        "too few units (140 with A and 140 with B; at least 150 each are needed, about 20 more in all)",
    )
    assert judged(make_epoch(280, b={"error_rate": 0.6})).verdict == "a_better"


@pytest.mark.parametrize(("elapsed_s", "noted"), [(WEEK_S - 1, True), (WEEK_S, False)])
def test_less_than_a_week_is_noted(make_epoch: MakeEpoch, elapsed_s: float, noted: bool) -> None:
    """Days of the week may differ."""
    found = results(["A", "B"], [make_epoch(400)], METRICS, elapsed_s=elapsed_s)
    assert any("Not a full week" in note for note in found.notes) is noted


def test_what_a_reader_must_know_is_noted(make_summary: MakeSummary) -> None:
    """Several epochs, units that moved, feedback of users."""
    arms = [Arm.of_summary(name, make_summary(n, 500, feedback=(20, 2))) for n, name in enumerate("AB")]
    moved = Arm("B", moved=7).merge(arms[1])
    epoch = Epoch(arms[0], (moved,), (0.5, 0.5))
    notes = " ".join(judged(epoch, epoch, metrics=("latency", "feedback_score")).notes)
    assert "within each of 2 epochs" in notes
    assert "14 units came to another arm" in notes
    assert "what users sent by themselves" in notes


def several(make_summary: MakeSummary, **latencies_ms: float) -> Results:
    arms = [
        Arm.of_summary(name, make_summary([9, place], 2_000, latency_ms=ms))
        for place, (name, ms) in enumerate({"A": 20.0, **latencies_ms}.items())
    ]
    split = tuple(1 / len(arms) for _ in arms)
    return results(["A", *latencies_ms], [Epoch(arms[0], tuple(arms[1:]), split)], ("latency",), elapsed_s=WEEK_S)


def test_of_several_treatments_the_best_is_named(make_summary: MakeSummary) -> None:
    """C is better by more than B; each has its own comparison."""
    found = several(make_summary, B=18.0, C=12.0, D=20.0)
    assert (found.verdict, found.winner) == ("b_better", "C")
    assert [item.verdict for item in found.comparisons] == ["b_better", "b_better", "no_difference_yet"]
    assert found.p_value == min(item.p_value for item in found.comparisons)
    assert any(reason.startswith("C: latency is ") for reason in found.reasons)


def test_control_is_better_where_it_beats_all(make_summary: MakeSummary) -> None:
    """One that is not worse for sure leaves it open."""
    assert several(make_summary, B=30.0, C=40.0).verdict == "a_better"
    assert several(make_summary, B=30.0, C=20.0).verdict == "no_difference_yet"
