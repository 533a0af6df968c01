"""The sentence that a person reads."""

from collections.abc import Callable
from dataclasses import replace

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
        ({"b": {"detections": 1.0}}, "Different, but unclear which is better: with B, detections_per_image and no_d"),
        ({"b": {"latency_ms": 15.0, "error_rate": 0.1}}, "Mixed, better in one and worse in another: with B, latency"),
        ({}, "No sure difference yet: latency with B is 0."),
    ],
)
def test_the_verdict_is_said_with_its_reasons(make_epoch: MakeEpoch, of: dict[str, object], starts: str) -> None:
    """What differs, by how much and how surely."""
    assert sentence(make_epoch(8_000, **of)).startswith(starts)


def test_no_difference_yet_is_said_with_its_bounds_and_what_is_left(make_epoch: MakeEpoch) -> None:
    """So that one knows whether to wait."""
    said = sentence(make_epoch(600))
    assert ", and the real difference may be -" in said
    assert " ms (p = " in said
    assert "To find a difference of 5 % in latency in 80 % of cases takes about " in said
    said = sentence(make_epoch(2_000, error_rate=0.02), metrics=("error_rate",))
    assert " times the control's (p = " in said


def test_too_few_units_are_counted(make_epoch: MakeEpoch) -> None:
    """What there is, what is needed, and about how many more that takes by the split: at 1 % in B a hundred for one."""
    assert sentence(make_epoch(200)) == (
        "Nothing can be said yet: too few units (100 with A and 100 with B; at least 150 each are needed, about 100 "
        "more in all)."
    )
    epoch = make_epoch(10_000, 0.01)
    assert "(9,900 with A and 100 with B; at least 150 each are needed, about 5,000 more in all)" in sentence(epoch)


def test_confidence_alone_is_no_better_and_feedback_decides(make_epoch: MakeEpoch) -> None:
    """A detector may be surer and wrong: what would tell is said, and whether the test can."""
    epoch = make_epoch(8_000, b={"confidence": 0.8})
    said = sentence(epoch, metrics=("confidence", "feedback_score"))
    assert said.startswith("Different, but unclear which is better: with B, confidence is 1")
    assert said.endswith(
        ", which alone is neither better nor worse. Feedback decides that, so review the random sample: none of it is "
        "reviewed."
    )
    said = sentence(epoch, metrics=("confidence",))
    assert said.endswith(
        "Feedback decides that: a test with feedback_score as its primary metric, and reviews, can tell."
    )


def test_ended_test_has_nothing_still_to_come(make_epoch: MakeEpoch) -> None:
    """No "yet", and no more units."""

    def ended(*epochs: Epoch, metrics: tuple[str, ...] = ("latency",)) -> str:
        return results(["A", "B"], epochs, metrics, elapsed_s=86_400.0).sentence_ended

    assert ended() == "No traffic came."
    assert ended(make_epoch(200)) == (
        "Nothing can be said: too few units (100 with A and 100 with B; at least 150 each were needed)."
    )
    said = ended(make_epoch(600))
    assert said.startswith("No sure difference found: latency with B is ")
    assert said.endswith(").")
    epoch = make_epoch(8_000, b={"confidence": 0.8})
    said = ended(epoch, metrics=("confidence", "feedback_score"))
    assert said.endswith("Feedback on the random sample would have decided that: none of it is reviewed.")


def test_a_metric_without_data_is_said(make_epoch: MakeEpoch) -> None:
    """Nobody reviewed anything."""
    assert sentence(make_epoch(600), metrics=("feedback_score",)).startswith(
        "No sure difference yet: there is no feedback_score to compare (at least 150 units with a verdict an "
        "arm are needed, there are 0). "
    )


def test_an_invalid_experiment_says_why(make_epoch: MakeEpoch) -> None:
    """Units in the wrong shares."""
    epoch = make_epoch(20_000, 0.52)
    said = sentence(Epoch(epoch.control, epoch.treatments, (0.5, 0.5)))
    assert said.startswith("Invalid: units arrived as 9,600 : 10,400 where 10,000 : 10,000 were expected (p = ")


def test_ended_test_of_several_treatments_has_nothing_still_to_come_either(make_epoch: MakeEpoch) -> None:
    """Each says why nothing is sure of it: one has too few units, the other as good as no difference."""
    one, other = make_epoch(2_000), make_epoch(100)
    epoch = Epoch(one.control, (one.treatments[0], replace(other.treatments[0], name="C")), (20 / 41, 20 / 41, 1 / 41))
    found = results(["A", "B", "C"], [epoch], ("latency",), elapsed_s=86_400.0)
    assert found.sentence.startswith("No sure difference yet: B: no metric surely differs so far; C: too few units (")
    assert found.sentence_ended == (
        "No sure difference found: B: no metric surely differs; C: too few units (1,000 with A and 50 with C; at least "
        "150 each were needed)."
    )
