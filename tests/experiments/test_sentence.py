"""The sentence that a person reads."""

from collections.abc import Callable

import pytest

from sidecar.experiments import Epoch, results

MakeEpoch = Callable[..., Epoch]


def sentence(*epochs: Epoch, metrics: tuple[str, ...] = ("latency", "error_rate")) -> str:
    return results(["A", "B"], epochs, metrics, elapsed_s=86_400.0).sentence


def test_no_traffic_is_said() -> None:
    """And nothing else."""
    assert sentence() == "No traffic yet."


@pytest.mark.parametrize(
    ("of", "starts"),
    [
        ({"b": {"latency_ms": 15.0}}, "B is better: with B, latency is 25 % lower (p < 0.0001)."),
        ({"b": {"latency_ms": 25.0}}, "A is better: with B, latency is 2"),
        ({"b": {"detections": 1.0}}, "Mixed: detections_per_image and no_detection_rate differ, so that "),
        ({}, "No difference yet: latency with B is 0."),
    ],
)
def test_the_verdict_is_said_with_its_reasons(make_epoch: MakeEpoch, of: dict[str, object], starts: str) -> None:
    """What differs, by how much and how surely."""
    assert sentence(make_epoch(8_000, **of)).startswith(starts)


def test_no_difference_yet_is_said_with_its_bounds_and_what_is_left(make_epoch: MakeEpoch) -> None:
    """So that one knows whether to wait."""
    said = sentence(make_epoch(600))
    assert ", and may be " in said
    assert " ms off (p = " in said
    assert "To find a difference of 5 % in latency in 80 % of cases takes about " in said
    said = sentence(make_epoch(2_000, error_rate=0.02), metrics=("error_rate",))
    assert " times the control's (p = " in said


def test_too_few_units_are_counted(make_epoch: MakeEpoch) -> None:
    """What there is and what is needed."""
    assert sentence(make_epoch(200)) == (
        "No difference yet: too few units: 100 with A and 100 with B, at least 150 each are needed."
    )


def test_a_metric_without_data_is_said(make_epoch: MakeEpoch) -> None:
    """Nobody reviewed anything."""
    assert sentence(make_epoch(600), metrics=("feedback_score",)).startswith(
        "No difference yet: there is no feedback_score to compare (at least 150 units with a verdict an "
        "arm are needed, there are 0). "
    )


def test_an_invalid_experiment_says_why(make_epoch: MakeEpoch) -> None:
    """Units in the wrong shares."""
    epoch = make_epoch(20_000, 0.52)
    said = sentence(Epoch(epoch.control, epoch.treatments, (0.5, 0.5)))
    assert said.startswith("Invalid: units arrived as 9,600 : 10,400 where 10,000 : 10,000 were expected (p = ")
