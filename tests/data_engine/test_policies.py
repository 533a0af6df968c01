"""The rules and their draws."""

import numpy as np
import pytest

from sidecar.data_engine import (
    ClassHistory,
    ClassRule,
    CloseToThreshold,
    EdgeCases,
    LowConfidence,
    NewClass,
    RandomSample,
    RareClass,
    SamplingConfig,
    decide,
)
from sidecar.data_engine.columns import Columns
from sidecar.data_engine.density import DENSE_COUNT, are_dense
from sidecar.data_engine.policies import NEW_CLASS_IMAGES_MIN, decide_all, rules_of
from sidecar.hashing import unit_interval
from sidecar.types import Prediction

LOW = SamplingConfig(low_confidence=LowConfidence(True, 0.4, 1.0))
EDGE = SamplingConfig(edge_cases=EdgeCases(True))
BOX = (10, 10, 60, 60)


def matching(prediction, config, history) -> list[tuple[str, float]]:
    """The rules that the image meets, each with its rate."""
    rules = rules_of(Columns([prediction]), config, history)
    return [(rule.name, rule.rate) for rule in rules if rule.confirmed(np.array([0])).any()]


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
    assert are_dense(np.zeros((DENSE_COUNT, 4)), np.array([DENSE_COUNT])).all()


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


def close(predict, scores, names=None, **rule) -> bool:
    config = SamplingConfig(close_to_threshold=CloseToThreshold(True, **rule))
    prediction = predict([(score, *BOX) for score in scores], names=names or ["cat"] * len(scores))
    return bool(matching(prediction, config, ClassHistory()))


@pytest.mark.parametrize(
    ("scores", "threshold", "epsilon", "matches"),
    [
        ([0.54], 0.5, 0.05, True),
        ([0.46], 0.5, 0.05, True),
        ([0.55], 0.5, 0.05, False),
        ([0.45], 0.5, 0.05, False),
        ([0.3], 0.25, 0.05, False),
        ([0.2], 0.25, 0.05, False),
        ([0.21], None, 0.05, True),
        ([0.9, 0.31], None, 0.05, False),
        ([0.5], 0.5, 0.0, False),
        ([], 0.5, 1.0, False),
    ],
)
def test_close_to_threshold_is_nearer_than_epsilon_on_either_side(predict, scores, threshold, epsilon, matches) -> None:
    """Strictly, whatever float32 makes of a score; without a threshold it is the operating point."""
    assert close(predict, scores, threshold=threshold, epsilon=epsilon) == matches


def test_close_to_threshold_counts_objects_of_its_classes(predict) -> None:
    """So many of them, of any class unless some are named."""
    assert close(predict, [0.52, 0.5], threshold=0.5, minimum_objects=2)
    assert not close(predict, [0.52, 0.5], threshold=0.5, minimum_objects=3)
    assert not close(predict, [0.52, 0.5], ["dog", "cat"], threshold=0.5, minimum_objects=2, classes=("cat",))
    assert close(predict, [0.52, 0.5], ["dog", "cat"], threshold=0.5, minimum_objects=1, classes=("cat",))
    assert not close(predict, [0.52], threshold=0.5, classes=("elk",))


@pytest.mark.parametrize(
    ("scores", "names", "rules"),
    [
        ([0.9], ["dog"], []),
        ([0.9], ["cat"], ["class:cat"]),
        ([0.9, 0.5], ["person", "person"], ["class:person"]),
        ([0.9, 0.5], ["person", "cat"], ["class:cat"]),
        ([0.6], ["person"], []),
        ([0.2], ["cat"], []),
    ],
)
def test_class_has_a_rule_of_its_own(predict, scores, names, rules) -> None:
    """Any counted detection of it, or where the rule has a threshold one that scores under it."""
    config = SamplingConfig(classes={"cat": ClassRule(), "person": ClassRule(threshold=0.6)})
    prediction = predict([(score, *BOX) for score in scores], names=names)
    assert [rule for rule, _ in matching(prediction, config, ClassHistory())] == rules


def test_class_is_new_once_there_is_a_history_and_until_it_is_in_it(predict) -> None:
    """The first images of a model have nothing but new classes, and are not kept for it."""
    config, history = SamplingConfig(new_class=NewClass(True)), ClassHistory()
    cat, elk = predict([(0.9, *BOX)]), predict([(0.9, *BOX)], names=["elk"])
    for _ in range(NEW_CLASS_IMAGES_MIN):
        assert matching(elk, config, history) == []
        history.add(Columns([cat]))
    assert matching(cat, config, history) == []
    assert matching(predict([(0.2, *BOX)], names=["elk"]), config, history) == []
    assert matching(elk, config, history) == [("new_class", 1.0)]
    history.add(Columns([elk]))
    assert matching(elk, config, history) == []


def test_class_is_rare_under_its_share_of_all_detections(predict) -> None:
    """Known or not, once so many images were seen."""
    config, history = SamplingConfig(rare_class=RareClass(True, 0.7, 0.05, 100)), ClassHistory()
    history.add(Columns([predict([(0.9, *BOX)] * 9 + [(0.8, *BOX)], names=["cat"] * 9 + ["dog"])] * 99))
    elk = predict([(0.9, *BOX)], names=["elk"])
    assert matching(elk, config, history) == []
    history.add(Columns([elk]))
    rules = {
        name: matching(predict([(0.9, *BOX)], names=[name]), config, history) for name in ("cat", "dog", "elk", "ox")
    }
    assert rules == {"cat": [], "dog": [], "elk": [("rare_class", 0.7)], "ox": [("rare_class", 0.7)]}


def test_rule_that_is_held_back_keeps_nothing_and_has_no_part_in_the_probability(predict) -> None:
    """What could not have kept the image does not make it likelier; the random sample is never asked."""
    config = SamplingConfig(LOW.low_confidence, EdgeCases(True, ("unusual_size",), 0.5), RandomSample(True, 1.0))
    asked: dict[str, bool] = {}

    def is_held_back(prediction: Prediction, rule: str, drawn: bool) -> bool:
        asked[rule] = drawn
        return rule == "low_confidence"

    seen = Columns([predict([(0.3, 0, 0, 99, 99)], request_id="r")])
    decision = decide_all(seen, config, ClassHistory(), is_held_back).get(0)
    small = unit_interval("r", "unusual_size") < 0.5
    assert asked == {"low_confidence": True, "unusual_size": small}
    assert decision is not None
    assert ("unusual_size" in decision.reasons, "low_confidence" in decision.reasons) == (small, False)
    assert (decision.drawn, decision.draw_rate, decision.probability) == (True, 1.0, 1.0)
    edges = SamplingConfig(LOW.low_confidence, config.edge_cases)
    half = decide_all(seen, edges, ClassHistory(), is_held_back).get(0)
    assert (half is not None and half.probability == 0.5) == small


def test_draw_of_the_random_sample_is_told_from_that_of_other_rules(predict) -> None:
    """Estimates rest on what it drew, by its own rate, whatever else kept the image."""
    config = SamplingConfig(LOW.low_confidence, random_sample=RandomSample(True, 0.3))
    decisions = [decide(predict([(0.3, *BOX)], request_id=f"d-{i}"), config) for i in range(50)]
    for i, decision in enumerate(decisions):
        assert decision is not None
        drawn = unit_interval(f"d-{i}", "random_sample") < 0.3
        assert (decision.drawn, decision.draw_rate) == (drawn, 0.3 if drawn else 0.0)
        assert decision.probability == 1.0


def test_decision_says_what_a_review_is_worth(predict) -> None:
    """By what the model has seen: a class of a hundred images is worth half of a new one."""
    history = ClassHistory()
    history.add(Columns([predict([(1.0, *BOX)])] * 99))
    config = SamplingConfig(random_sample=RandomSample(True, 1.0))
    values = {}
    for name in ("cat", "elk"):
        decision = decide(predict([(1.0, *BOX)], names=[name]), config, history)
        assert decision is not None
        values[name] = decision.value
    assert values == {"cat": pytest.approx(0.5), "elk": 1.0}


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
