"""The rules and their draws."""

import numpy as np
import pytest

from sidecar.data_engine import EdgeCases, LowConfidence, RandomSample, SamplingConfig, decide
from sidecar.data_engine.policies import DENSE_COUNT, is_dense
from sidecar.hashing import unit_interval

LOW = SamplingConfig(low_confidence=LowConfidence(True, 0.4, 1.0))
EDGE = SamplingConfig(edge_cases=EdgeCases(True))
BOX = (10, 10, 60, 60)


@pytest.mark.parametrize(
    ("scores", "kept"),
    [([0.9, 0.3], True), ([0.9, 0.4], False), ([0.9, 0.2], False), ([0.25], True), ([], False)],
)
def test_low_confidence_looks_between_operating_point_and_threshold(predict, scores, kept) -> None:
    """Only detections that count (>= 0.25) and score under the threshold (0.4, exclusive) make an image doubtful."""
    assert (decide(predict([(score, *BOX) for score in scores]), LOW) is not None) == kept


def test_no_detections_counts_those_at_the_operating_point_only(predict) -> None:
    """An image whose boxes are all under the operating point is an image without detections, kept with certainty."""
    decision = decide(predict([(0.2, *BOX)]), EDGE)
    assert decision is not None
    assert (decision.reasons, decision.probability) == (("no_detections",), 1.0)
    assert decide(predict([(0.9, *BOX)]), EDGE) is None


def test_crowded_boxes_are_high_density(predict) -> None:
    """Four boxes of which half overlap are crowded; four apart, or three on one spot, are not."""
    pair = [(0.9, 10, 10, 40, 40), (0.9, 12, 12, 42, 42)]
    apart = [(0.9, 50, 50, 60, 60), (0.9, 70, 70, 80, 80)]
    decision = decide(predict(pair + apart), EDGE)
    assert decision is not None
    assert decision.reasons == ("high_density",)
    assert decide(predict([*apart, (0.9, 10, 10, 20, 20), (0.9, 30, 30, 40, 40)]), EDGE) is None
    assert decide(predict([pair[0]] * 3), EDGE) is None
    assert is_dense(np.zeros((DENSE_COUNT, 4)))


@pytest.mark.parametrize(
    ("box", "changes", "kept"),
    [
        ((0, 0, 95, 95), {}, True),
        ((0, 0, 2, 2), {}, True),
        ((0, 0, 50, 50), {}, False),
        ((0, 0, 2, 2), {"image_width": 0, "image_height": 0}, False),
        ((0.0, 0.0, 0.02, 0.02), {"normalised": True, "image_width": 0, "image_height": 0}, True),
        ((0.0, 0.0, 0.5, 0.5), {"normalised": True}, False),
    ],
)
def test_unusual_size_is_relative_to_the_image(predict, box, changes, kept) -> None:
    """Very small and very large boxes stand out, in pixels of a known image or as shares; else nothing is claimed."""
    decision = decide(predict([(0.9, *box)], **changes), EDGE)
    assert (decision is not None and decision.reasons == ("unusual_size",)) == kept


def test_conditions_that_are_not_listed_do_not_match(predict) -> None:
    """A condition left out of the list is off."""
    assert decide(predict([]), SamplingConfig(edge_cases=EdgeCases(True, ("high_density",)))) is None


def test_unreadable_response_is_never_sampled(predict) -> None:
    """Without a result there is nothing to review."""
    everything = SamplingConfig(EDGE.low_confidence, EDGE.edge_cases, RandomSample(True, 1.0))
    assert decide(predict(detections=None), everything) is None


def test_random_sample_agrees_with_the_draw_of_the_worker(predict) -> None:
    """The monitor keeps exactly the requests whose body a worker pinned."""
    config = SamplingConfig(random_sample=RandomSample(True, 0.3))
    for i in range(300):
        pinned = unit_interval(f"id-{i}", "random_sample") < 0.3
        assert (decide(predict([(0.9, *BOX)], request_id=f"id-{i}"), config) is not None) == pinned


def test_probability_is_that_of_at_least_one_of_independent_draws(predict) -> None:
    """Over many images the share kept is 1 - prod(1 - p), as stated, and each rule keeps its own rate."""
    config = SamplingConfig(
        LowConfidence(True, 0.4, 0.3), EdgeCases(True, ("unusual_size",), 0.2), RandomSample(True, 0.1)
    )
    decisions = [decide(predict([(0.3, 0, 0, 99, 99)], request_id=f"image-{i}"), config) for i in range(6_000)]
    kept = [decision for decision in decisions if decision is not None]
    stated = 1 - 0.7 * 0.8 * 0.9
    assert {round(decision.probability, 12) for decision in kept} == {round(stated, 12)}
    assert abs(len(kept) / 6_000 - stated) < 0.03
    for rule, rate in (("low_confidence", 0.3), ("unusual_size", 0.2), ("random_sample", 0.1)):
        assert abs(sum(rule in decision.reasons for decision in kept) / 6_000 - rate) < 0.025


def test_rule_that_did_not_draw_the_image_still_counts_in_its_probability(predict) -> None:
    """The weight of an image depends on what could have kept it, not on what happened to."""
    config = SamplingConfig(LowConfidence(True, 0.4, 0.0), EDGE.edge_cases, RandomSample(True, 0.5))
    names = (f"n-{i}" for i in range(100))
    drawn = next(name for name in names if unit_interval(name, "random_sample") >= 0.5)
    decision = decide(predict([], request_id=drawn), config)
    assert decision is not None
    assert (decision.reasons, decision.probability) == (("no_detections",), 1.0)
