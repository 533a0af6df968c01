"""The law of deciding over a batch: what is decided is what one image after the other would be, by rules as they are
written in docs/improving.md, here in plain Python."""

from collections import Counter
from collections.abc import Iterator, Sequence
from math import inf, log2, nan

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.data_engine import (
    ClassRule,
    CloseToThreshold,
    DataEngine,
    Decision,
    EdgeCases,
    Engine,
    LowConfidence,
    NewClass,
    RandomSample,
    RareClass,
    RateLimits,
    SamplingConfig,
)
from sidecar.data_engine.density import are_dense
from sidecar.data_engine.limits import RuleLimits
from sidecar.hashing import unit_interval
from sidecar.review import value_of
from sidecar.types import Detections, Prediction

AT = 1_700_000_000.0
NAMES = ("ant", "bee", "cat", "dog", "elk")
RATES = st.sampled_from([0.0, 0.3, 0.7, 1.0])
HELD = {"limits": st.sampled_from([RateLimits(), RateLimits(per_minute=1)]), "cool_down_s": st.sampled_from([0.0, 3.0])}
ON = st.sampled_from([True, True, False])


class Reference:
    """One model's rules, an image at a time. ``history`` is what was seen before the batch."""

    def __init__(self, config: SamplingConfig) -> None:
        self.config = config
        self.history: list[Prediction] = []
        self.limits = RuleLimits()
        self.held_back: Counter[tuple[str, str, str]] = Counter()

    def decide_all(self, batch: Sequence[Prediction]) -> list[Decision | None]:
        batch_before: set[str] = set()
        found = []
        images = Counter(name for image in self.history for name in set(counted_names(image)))
        boxes = Counter(name for image in self.history for name in counted_names(image))
        for image in batch:
            found.append(self._decide(image, images, boxes, batch_before))
            batch_before |= set(counted_names(image))
        self.history += [image for image in batch if image.detections is not None]
        return found

    def _decide(self, image: Prediction, images: Counter, boxes: Counter, before: set[str]) -> Decision | None:
        if image.detections is None:
            return None
        reasons, left_out, drawn_at = [], 1.0, 0.0
        for rule, rate in self._matching(image, images, boxes, before):
            draws = unit_interval(image.request_id, rule) < rate
            settings = self.config.rule(rule)
            if settings is not None:
                held = self.limits.reason(rule, settings.limits, settings.cool_down_s, image.unit, image.at)
                if held is not None:
                    self.held_back[image.model, rule, held] += draws
                    continue
            left_out *= 1 - rate
            if draws:
                reasons.append(rule)
                drawn_at = rate if rule == "random_sample" else drawn_at
        for rule in reasons:
            self.limits.take(rule, image.unit, image.at)
        if not reasons:
            return None
        value = value_of(image.detections, image.score_threshold, 0.0, images)
        return Decision(tuple(reasons), 1 - left_out, "random_sample" in reasons, drawn_at, value)

    def _matching(self, image: Prediction, images: Counter, boxes: Counter, before: set[str]) -> Iterator[tuple]:
        config, seen = self.config, image.detections
        scores = [score for score in seen.scores.tolist() if score >= image.score_threshold]
        low, close, edge = config.low_confidence, config.close_to_threshold, config.edge_cases
        if low.enabled and any(score < np.float32(low.threshold) for score in scores):
            yield "low_confidence", low.sample_rate
        if close.enabled:
            threshold = image.score_threshold if close.threshold is None else close.threshold
            near = [
                round(abs(score - threshold), 6) < close.epsilon and seen.labels[index] in (close.classes or NAMES)
                for score, index in zip(seen.scores.tolist(), seen.classes.tolist(), strict=True)
            ]
            if sum(near) >= close.minimum_objects:
                yield "close_to_threshold", close.rate
        if edge.enabled:
            if not scores:
                yield "no_detections", edge.rate
            if is_dense(counted_boxes(image)):
                yield "high_density", edge.rate
            if has_unusual_size(image):
                yield "unusual_size", edge.rate
        names = set(counted_names(image))
        unknown = {name for name in names if name not in images and name not in before}
        if config.new_class.enabled and unknown and len(self.history) >= 100:
            yield "new_class", config.new_class.rate
        total = sum(boxes.values())
        seldom = unknown or {name for name in names if boxes[name] / max(1, total) < config.rare_class.share}
        if config.rare_class.enabled and seldom and len(self.history) >= config.rare_class.minimum_images:
            yield "rare_class", config.rare_class.rate
        for name, rule in config.classes.items():
            own = [score for score, other in zip(scores, counted_names(image), strict=True) if other == name]
            if own and (rule.threshold is None or min(own) < np.float32(rule.threshold)):
                yield f"class:{name}", rule.rate
        if config.random_sample.enabled:
            yield "random_sample", config.random_sample.rate


def counts(image: Prediction) -> list[bool]:
    return [] if image.detections is None else [s >= image.score_threshold for s in image.detections.scores.tolist()]


def counted_names(image: Prediction) -> list[str]:
    if image.detections is None:
        return []
    classes = image.detections.classes.tolist()
    return [image.detections.labels[i] for i, its in zip(classes, counts(image), strict=True) if its]


def counted_boxes(image: Prediction) -> list[list[float]]:
    return [box for box, its in zip(image.detections.boxes.tolist(), counts(image), strict=True) if its]


def side(low: float, high: float) -> float:
    return max(0.0, high - low) if high - low == high - low else 0.0


def area(box: Sequence[float]) -> float:
    return side(box[0], box[2]) * side(box[1], box[3])


def iou(a: Sequence[float], b: Sequence[float]) -> float:
    if any(number != number for number in (*a, *b)):
        return 0.0  # NaN overlaps nothing
    shared = side(max(a[0], b[0]), min(a[2], b[2])) * side(max(a[1], b[1]), min(a[3], b[3]))
    union = area(a) + area(b) - shared
    return shared / union if union > 0 else 0.0


def is_dense(boxes: Sequence[Sequence[float]]) -> bool:
    if not 4 <= len(boxes) < 100:
        return len(boxes) >= 100
    crowded = [any(i != j and iou(a, b) > 0.3 for j, b in enumerate(boxes)) for i, a in enumerate(boxes)]
    return 2 * sum(crowded) >= len(boxes)


def has_unusual_size(image: Prediction) -> bool:
    """By the bounds for classes of which little is known."""
    whole = 1.0 if image.detections.normalised else image.image_width * image.image_height
    if not whole:
        return False
    shares = [area(box) / whole for box in counted_boxes(image)]
    return any(log2(max(share, 2**-20) if share == share else 2**-20) < log2(0.001) or share > 0.8 for share in shares)


@st.composite
def an_image(draw, number: int, model: str) -> Prediction:
    labels = tuple(draw(st.permutations(NAMES)))[: draw(st.integers(1, 5))]
    n = draw(st.sampled_from([0, 1, 2, 3, 4, 4, 5, 6, 120]))
    random = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    low = random.integers(0, 60, (n, 2)) / draw(st.sampled_from([1, 4]))
    boxes = np.concatenate([low, low + random.integers(1, 60, (n, 2))], axis=1).astype(np.float32)
    if n and draw(st.integers(0, 3)) == 0:
        boxes[random.integers(n), random.integers(4)] = draw(st.sampled_from([nan, inf, -inf, 1e30, -5.0]))
    scores = random.choice(np.array([0.05, 0.2, 0.25, 0.28, 0.39, 0.4, 0.52, 0.9, 1.0], np.float32), n)
    if n and draw(st.integers(0, 5)) == 0:
        scores[random.integers(n)] = nan
    found = Detections(boxes, scores, random.integers(0, len(labels), n).astype(np.int32), labels)
    readable = draw(st.integers(0, 9)) > 0
    unit = draw(st.sampled_from(["", "cam"]))
    width = draw(st.sampled_from([0, 100])) if n <= 6 else 0  # under 200 sized boxes: sizes stay as in the beginning
    return Prediction(
        *(f"p{number}", draw(st.sampled_from([f"r{number}", "same"])), 0, AT + number / 4, model, "1", "a", "serving"),
        *("", 0, unit, "", "v2", 200, "", "", 1.0, 1.0, 1.0, 1, 1, width, 100),
        *(draw(st.sampled_from([0.25, 0.5])), "", "", found if readable else None),
    )


@st.composite
def some_batches(draw) -> list[list[Prediction]]:
    sizes = draw(st.lists(st.integers(0, 10), min_size=1, max_size=3))
    numbers = iter(range(1_000, 2_000))
    return [[draw(an_image(next(numbers), draw(st.sampled_from(["a", "a", "b"])))) for _ in range(n)] for n in sizes]


configs = st.builds(
    SamplingConfig,
    st.builds(LowConfidence, ON, st.sampled_from([0.3, 0.4]), RATES, **HELD),
    st.builds(EdgeCases, ON, rate=RATES, **HELD),
    st.builds(RandomSample, ON, RATES),
    st.builds(
        CloseToThreshold,
        *(ON, st.sampled_from([None, 0.5]), st.just(0.05), RATES),
        classes=st.sampled_from([(), ("cat", "gnu")]),
        minimum_objects=st.integers(1, 2),
        **HELD,
    ),
    st.builds(NewClass, ON, RATES, **HELD),
    st.builds(RareClass, ON, RATES, st.sampled_from([0.0, 0.01, 0.3]), st.sampled_from([0, 105]), **HELD),
    st.dictionaries(
        st.sampled_from(NAMES),
        st.builds(ClassRule, ON, RATES, st.sampled_from([None, 0.4])).filter(lambda r: r.enabled),
    ),
)


def before(model: str, n: int) -> list[Prediction]:
    """What was seen earlier: cats, a dog now and then; their sizes are not known, so those stay as in the beginning."""
    found = []
    for i in range(n):
        classes = np.array([0, i % 9 == 0], np.int32)
        seen = Detections(np.zeros((2, 4), np.float32), np.ones(2, np.float32), classes, ("cat", "dog"))
        fields = (f"h{i}", f"h{i}", 0, AT - 9e5, model, "1", "a", "serving", "", 0, "", "", "v2", 200, "", "", 1.0, 1.0)
        found.append(Prediction(*fields, *(1.0, 1, 1, 0, 0, 0.25, "", "", seen)))
    return found


@given(some_batches(), configs, st.sampled_from([0, 99, 110]))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_batch_is_decided_as_one_image_after_the_other(batches, config, seen: int) -> None:
    """With all rules, limits and pauses, several models and whatever numbers; a class that is new is so in the first
    image of a batch that has it."""
    engine = DataEngine({"*": Engine(config)})
    references = {model: Reference(config) for model in ("a", "b")}
    for model, reference in references.items():
        engine.restore(before(model, seen), [])
        reference.history += before(model, seen)
    for batch in batches:
        decided = {}
        for model, reference in references.items():
            own = [image for image in batch if image.model == model]
            decided |= {image.prediction_id: why for image, why in zip(own, reference.decide_all(own), strict=True)}
        assert engine.decide_all(batch) == [decided[image.prediction_id] for image in batch]
    held = sum((reference.held_back for reference in references.values()), Counter())
    assert engine.held_back == held


@given(
    st.integers(0, 1 << 30),
    st.lists(st.sampled_from([0, 3, 4, 4, 5, 6, 7, 8, 99, 100]), min_size=1, max_size=20),
    st.sampled_from([40, 80, 160]),
)
@settings(max_examples=60, deadline=None)
def test_density_is_that_of_each_image_by_itself(seed: int, numbers: list[int], spread: int) -> None:
    """Whatever it is measured with: images of few boxes and of many, of none, of boxes without end."""
    random = np.random.default_rng(seed)
    low = random.integers(-20, spread, (sum(numbers), 2))
    boxes = np.concatenate([low, low + random.integers(-5, 40, low.shape)], axis=1).astype(np.float64)
    boxes[random.random(boxes.shape) < 0.01] = random.choice([nan, inf, -inf, 1e300])
    of_images = np.split(boxes, np.cumsum(numbers)[:-1])
    alone = [is_dense(of_image.tolist()) for of_image in of_images]
    assert are_dense(boxes, np.array(numbers)).tolist() == alone
    places = random.permutation(len(numbers))[: len(numbers) // 2]
    assert are_dense(boxes, np.array(numbers), places).tolist() == [alone[place] for place in places]
