"""The rules of every model, and what holds them back."""

from dataclasses import replace

import pytest

from sidecar.data_engine import (
    DataEngine,
    Decision,
    DisagreementRule,
    EdgeCases,
    Engine,
    LowConfidence,
    NewClass,
    RandomSample,
    RateLimits,
    SamplingConfig,
    unit_of,
)
from sidecar.data_engine.images import Prepared
from sidecar.data_engine.samples import sample_of

AT = 1_700_000_000.0
LOW = [(0.3, 10, 10, 60, 60)]
ALL_LOW = SamplingConfig(LowConfidence(True, 0.4, 1.0))
DISAGREED = Decision(("disagreement",), 1.0, disagreement=0.6)


def low(**held_back) -> SamplingConfig:
    return SamplingConfig(LowConfidence(True, 0.4, 1.0, **held_back), random_sample=RandomSample(True, 0.5))


def sample(prediction, decision, image_hash: int = 0):
    return sample_of(prediction, decision, Prepared("image/png", b"x", 100, 100, image_hash, "c"))


def test_model_has_its_own_rules_or_those_of_all_others(predict) -> None:
    """A model that nobody configured follows the star; what is configured later holds from then on."""
    engine = DataEngine({"*": Engine(SamplingConfig(edge_cases=EdgeCases(True))), "det": Engine(ALL_LOW, "night")})
    empty, doubtful = predict([]), predict(LOW)
    assert engine.decide(empty) is None
    assert engine.decide(doubtful) is not None
    assert engine.decide(replace(empty, model="other")) is not None
    assert engine.decide(replace(doubtful, model="other")) is None
    engine.configure({"other": Engine(ALL_LOW)})
    assert engine.decide(replace(doubtful, model="other")) is not None
    assert engine.decide(doubtful) is None
    assert (engine.dataset_of("det"), engine.config_of("det")) == ("det", SamplingConfig())


def test_limit_holds_its_rule_back_and_never_the_random_sample(predict) -> None:
    """Of a minute's images two are kept for the rule, and as many as ever for the random sample: each with the
    probability it had then."""
    engine = DataEngine({"*": Engine(low(limits=RateLimits(per_minute=2)))})
    decisions = [engine.decide(predict(LOW, at=AT + 20 + i, request_id=f"l-{i}")) for i in range(20)]
    kept = [decision for decision in decisions if decision is not None]
    assert sum("low_confidence" in decision.reasons for decision in kept) == 2
    assert sum(decision.drawn for decision in kept) == sum(
        engine.decide(predict([], at=AT, request_id=f"l-{i}")) is not None for i in range(20)
    )
    assert {decision.probability for decision in kept[:2]} == {1.0}
    assert {decision.probability for decision in kept[2:]} == {0.5}
    assert engine.held_back == {("det", "low_confidence", "minute"): 18}
    assert engine.limits_hit("det")["low_confidence"]["minute"] == 18
    assert engine.limits_hit("unknown") == {}


def test_images_weighted_by_their_probabilities_estimate_the_traffic(predict) -> None:
    """A third of 6,000 images is doubtful, and most of those kept are: weighted, they have the true share, also
    where a limit holds a rule back again and again."""
    rules = SamplingConfig(
        LowConfidence(True, 0.4, 0.5, RateLimits(per_minute=5)), random_sample=RandomSample(True, 0.1)
    )
    engine = DataEngine({"*": Engine(rules)})
    kept: list[tuple[bool, float]] = []
    for i in range(6_000):
        doubtful = i % 3 == 0
        row = (0.3 if doubtful else 0.9, 10, 10, 60, 60)
        decision = engine.decide(predict([row], at=AT + i, request_id=f"w-{i}"))
        if decision is not None:
            kept.append((doubtful, 1 / decision.probability))
    weights = sum(weight for _, weight in kept)
    assert sum(doubtful for doubtful, _ in kept) > len(kept) / 2
    assert weights == pytest.approx(6_000, rel=0.1)
    assert sum(weight for doubtful, weight in kept if doubtful) / weights == pytest.approx(1 / 3, abs=0.03)


def test_rule_that_did_not_draw_the_image_is_not_held_back_from_it(predict) -> None:
    """Only what a limit kept out counts as kept out by it."""
    config = SamplingConfig(LowConfidence(True, 0.4, 0.0, RateLimits(per_day=0)))
    engine = DataEngine({"*": Engine(config)})
    assert engine.decide(predict(LOW)) is None
    assert engine.held_back == {}


def test_each_condition_has_the_limits_of_edge_cases_for_itself(predict) -> None:
    """A flood of empty images does not use up what is for crowds."""
    config = SamplingConfig(edge_cases=EdgeCases(True, limits=RateLimits(per_day=1)))
    engine = DataEngine({"*": Engine(config)})
    crowd = [(0.9, 10, 10, 40, 40)] * 4
    reasons = [decision and decision.reasons for decision in map(engine.decide, map(predict, ([], [], crowd, crowd)))]
    assert reasons == [("no_detections",), None, ("high_density",), None]


def test_cool_down_is_of_a_camera(predict) -> None:
    """Units are told by what a test takes, or else by the slice of a header."""
    engine = DataEngine({"*": Engine(SamplingConfig(LowConfidence(True, 0.4, 1.0, cool_down_s=10.0)))})

    def is_kept(**where) -> bool:
        return engine.decide(predict(LOW, **where)) is not None

    assert [is_kept(unit=unit, at=AT + s) for unit, s in (("a", 0), ("a", 5), ("b", 5), ("a", 10))] == [
        *(True, False, True, True),
    ]
    assert [is_kept(slice=name) for name in ("cam-1", "cam-2", "cam-1")] == [True, True, False]
    assert engine.held_back == {("det", "low_confidence", "cool_down"): 2}


@pytest.mark.parametrize(
    ("unit", "slice_", "found"),
    [("cam", "north", "cam"), ("r", "north", "north"), ("", "north", "north"), ("r", "/v2/{model}", ""), ("", "", "")],
)
def test_unit_of_an_image_is_what_it_is_one_of_many_of(predict, unit, slice_, found) -> None:
    """A request by itself is no unit, and neither is a route."""
    assert unit_of(predict([], request_id="r", unit=unit, slice=slice_)) == found


def test_disagreement_is_admitted_by_its_rule(predict) -> None:
    """With the value of the review, which knows the model's classes; limits hold for it as for any rule."""
    engine = DataEngine()
    engine.restore([predict([(1.0, 1, 1, 9, 9)])] * 9_999, [])
    sure = predict([(1.0, 1, 1, 9, 9)])
    admitted = engine.admit(sure, DISAGREED)
    assert admitted == replace(DISAGREED, value=0.6)
    rules = {
        "off": DisagreementRule(False),
        "higher": DisagreementRule(threshold=0.61),
        "just": DisagreementRule(threshold=0.6),
        "none": DisagreementRule(limits=RateLimits(per_hour=0)),
    }
    engine.configure({name: Engine(SamplingConfig(disagreement=rule)) for name, rule in rules.items()})
    found = {name: engine.admit(replace(sure, model=name), DISAGREED) is not None for name in rules}
    assert found == {"off": False, "higher": False, "just": True, "none": False}
    assert engine.held_back == {("none", "disagreement", "hour"): 1}


def test_near_duplicate_is_kept_for_the_random_sample_alone(predict) -> None:
    """Its other rules let it go; then its probability is the random sample's own."""
    engine = DataEngine({"*": Engine(ALL_LOW)})
    first = sample(predict(LOW), Decision(("low_confidence",), 1.0))
    assert engine.after_decoding(first) == first
    engine.kept(first)
    both = Decision(("low_confidence", "random_sample"), 1.0, True, 0.2)
    settled = engine.after_decoding(sample(predict(LOW), both))
    assert settled is not None
    assert (settled.reasons, settled.probability, settled.drawn) == (("random_sample",), 0.2, True)
    assert engine.after_decoding(sample(predict(LOW), Decision(("low_confidence",), 1.0))) is None
    assert engine.after_decoding(sample(predict(LOW), Decision(("low_confidence",), 1.0), image_hash=-1)) is not None
    assert engine.held_back == {("det", "low_confidence", "near_duplicate"): 2}


def test_restored_engine_goes_on_where_it_was(predict) -> None:
    """Limits, pauses, what was kept, and the classes that a model knows."""
    config = SamplingConfig(
        LowConfidence(True, 0.4, 1.0, RateLimits(per_day=2), 60.0),
        new_class=NewClass(True, limits=RateLimits(per_day=1)),
    )
    kept = [
        sample(predict(LOW, unit="a", at=AT), Decision(("low_confidence",), 1.0), 7),
        sample(predict(LOW, unit="b", at=AT + 90), Decision(("low_confidence", "new_class"), 1.0), 9),
    ]
    engine = DataEngine({"*": Engine(config)})
    engine.restore([predict([(0.9, 1, 1, 9, 9)])] * 200, kept)
    assert engine.decide(predict(LOW, unit="b", at=AT + 91)) is None
    assert engine.decide(predict(LOW, unit="c", at=AT + 91)) is None
    assert engine.decide(predict([(0.9, 1, 1, 9, 9)], names=["elk"], unit="c", at=AT + 91)) is None
    assert engine.held_back == {
        ("det", "low_confidence", "cool_down"): 1,
        ("det", "low_confidence", "day"): 1,
        ("det", "new_class", "day"): 1,
    }
    assert engine.after_decoding(sample(predict(LOW, unit="a", at=AT + 91), Decision(("x",), 1.0), 7)) is None
    assert engine.kept_last_day("det", AT + 100) == {"low_confidence": 2, "new_class": 1}


def test_images_of_the_last_day_are_counted_by_the_hour(predict) -> None:
    """What is older than a day is not told any more."""
    engine = DataEngine()
    for hour in range(30):
        engine.kept(sample(predict(LOW, at=AT + 3_600 * hour), Decision(("low_confidence",), 1.0)))
    assert engine.kept_last_day("det", AT + 3_600 * 29) == {"low_confidence": 24}
    assert engine.kept_last_day("det", AT + 3_600 * 40) == {"low_confidence": 13}
    assert engine.kept_last_day("other", AT) == {}


def test_class_is_new_in_the_first_image_of_a_batch_alone(predict) -> None:
    """A batch is judged by what was seen before it, but keeps one image of a new class, not all that it has."""
    engine = DataEngine({"*": Engine(SamplingConfig(new_class=NewClass(True)))})
    engine.restore([predict(LOW)] * 100, [])
    names = (["cat"], ["elk"], ["elk"], ["ox"], ["elk", "ox"])
    batch = [predict(LOW * len(each), names=each) for each in names]
    assert [decision is not None for decision in engine.decide_all(batch)] == [False, True, False, True, False]
    assert engine.decide_all(batch) == [None] * 5


def test_limit_counts_an_image_of_a_batch_for_those_after_it(predict) -> None:
    """Each model by itself, whatever order they come in; what has no result is not kept and not counted."""
    engine = DataEngine({"*": Engine(SamplingConfig(LowConfidence(True, 0.4, 1.0, RateLimits(per_minute=1))))})
    batch = [predict(LOW, model=name) for name in ("a", "b", "a", "b", "c")]
    unreadable = predict(LOW, model="d", detections=None)
    decisions = engine.decide_all([unreadable, *batch])
    assert [decision is not None for decision in decisions] == [False, True, True, False, False, True]
    assert engine.held_back == {("a", "low_confidence", "minute"): 1, ("b", "low_confidence", "minute"): 1}
    assert engine.decide_all([]) == []


def test_models_are_bounded_and_what_was_counted_of_them_is_not_lost(predict) -> None:
    """Whoever makes up names of models makes old ones forgotten, not the memory grow."""
    engine = DataEngine({"*": Engine(low(limits=RateLimits(per_day=0)))}, models_max=2)
    for name in ("a", "b", "c"):
        engine.decide(predict(LOW, model=name))
    assert engine.models_forgotten == 1
    assert engine.held_back == {(name, "low_confidence", "day"): 1 for name in ("", "b", "c")}
