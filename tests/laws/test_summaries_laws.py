"""The laws of merging, over a catalogue of every mergeable part: a new part is one more line in it."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.summaries import (
    FEEDBACK_KINDS,
    ExponentialHistogram,
    Histogram,
    ImageTotals,
    Moments,
    RequestTotals,
    Summary,
    SummaryError,
    merge_counts,
)
from sidecar.types import Detections, Prediction, RequestCounts

EDGES = (0.0, 1.0, 2.0)
UNITS = (("x", "y"), (1, 1000))
NAMES = st.text(max_size=3)
NUMBERS = st.integers(0, 1 << 70)

counts_by_name = st.dictionaries(NAMES, NUMBERS, max_size=4)
exponentials = st.builds(
    ExponentialHistogram,
    st.dictionaries(st.integers(-2_000, 2_000), st.integers(1, 1 << 40), max_size=6),
    NUMBERS,
    st.integers(-2, 5),
)
histograms = st.builds(lambda counts: Histogram(EDGES, counts), st.dictionaries(st.integers(0, 3), NUMBERS, max_size=4))
request_totals = st.builds(
    RequestTotals,
    NUMBERS,
    st.dictionaries(st.integers(0, 599), NUMBERS, max_size=3),
    counts_by_name,
    exponentials,
    exponentials,
)


@st.composite
def moments(draw: st.DrawFn) -> Moments:
    made = Moments(*UNITS)
    rows = draw(st.lists(st.tuples(st.integers(-(2**40), 2**40), st.integers(0, 9)), max_size=5))
    made.add(np.array(rows, np.int64).reshape(-1, 2))
    return made


@st.composite
def predictions(draw: st.DrawFn) -> Prediction:
    n = draw(st.integers(0, 4))
    unit = st.floats(0, 1, width=32)
    labels = tuple(draw(st.lists(NAMES, min_size=1, max_size=3, unique=True)))
    found = Detections(
        np.array(draw(st.lists(st.tuples(unit, unit, unit, unit), min_size=n, max_size=n)), np.float32).reshape(n, 4),
        np.array(draw(st.lists(unit, min_size=n, max_size=n)), np.float32),
        np.array(draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)), np.int32),
        labels,
        draw(st.booleans()),
    )
    read = draw(st.booleans())
    return Prediction(
        "id", draw(st.sampled_from("abc")), 0, 0.0, "m", "1", "v", "serving", "", 0, "", "", "v2",
        draw(st.sampled_from((200, 500))), "", "" if read else "shape", 1.0, draw(st.floats(0, 1e6)), 1.0, 1, 1,
        draw(st.integers(0, 9)), 8, 0.25, "", "", found if read else None,
    )  # fmt: skip


batches = st.lists(predictions(), max_size=4)


@st.composite
def image_totals(draw: st.DrawFn) -> ImageTotals:
    made = ImageTotals()
    made.add(draw(batches))
    if draw(st.booleans()):
        made.add_probe(draw(st.integers(0, 40_000)), draw(st.integers(0, 40_000)), draw(st.floats(0, 255)))
    for kind in draw(st.lists(st.sampled_from(FEEDBACK_KINDS), max_size=3)):
        made.add_feedback(kind, 1)
    return made


@st.composite
def summaries(draw: st.DrawFn) -> Summary:
    made = Summary(draw(request_totals), draw(image_totals()), draw(NUMBERS))
    made.add_predictions(draw(batches))
    if draw(st.booleans()):
        made.add_counts(RequestCounts(0, "m", "1", "serving", "", 0, "", 1, {200: 1}, {}, {3: 1}, 5, {2: 1}, 4))
    return made


@dataclass(frozen=True)
class Part:
    """A mergeable part: how to make one, its identity, how it merges and goes through its encoding."""

    name: str
    some: st.SearchStrategy[Any]
    empty: Callable[[], Any]
    merge: Callable[[Any, Any], Any]
    round_trip: Callable[[Any], Any]


def _through_json(state: Any) -> Any:
    return json.loads(json.dumps(state))


def _merge(left: Any, right: Any) -> Any:
    return left.merge(right)


CATALOGUE = [
    Part("counts", counts_by_name, dict, merge_counts, _through_json),
    Part(
        "exponential histogram",
        exponentials,
        lambda: ExponentialHistogram(scale=20),
        _merge,
        lambda part: ExponentialHistogram.from_state(_through_json(part.to_state())),
    ),
    Part(
        "histogram",
        histograms,
        lambda: Histogram(EDGES),
        _merge,
        lambda part: Histogram.from_state(EDGES, _through_json(part.to_state())),
    ),
    Part(
        "moments",
        moments(),
        lambda: Moments(*UNITS),
        _merge,
        lambda part: Moments.from_state(*UNITS, _through_json(part.to_state())),
    ),
    Part(
        "request totals",
        request_totals.filter(lambda part: max(part.latency.scale, part.upstream.scale) <= 3),
        RequestTotals,
        _merge,
        lambda part: RequestTotals.from_state(_through_json(part.to_state())),
    ),
    Part(
        "image totals",
        image_totals(),
        ImageTotals,
        _merge,
        lambda part: ImageTotals.from_state(_through_json(part.to_state())),
    ),
    Part(
        "summary",
        summaries().filter(lambda part: max(part.latency.scale, part.upstream.scale) <= 3),
        Summary,
        _merge,
        lambda part: Summary.decode(part.encode()),
    ),
]

each_part = pytest.mark.parametrize("part", CATALOGUE, ids=lambda part: part.name)
few = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@each_part
@few
@given(st.data())
def test_merging_is_associative_and_commutative(part: Part, data: st.DataObject) -> None:
    """In whatever order three parts are merged, the result is the same exactly."""
    a, b, c = (data.draw(part.some) for _ in range(3))
    assert part.merge(part.merge(a, b), c) == part.merge(a, part.merge(b, c))
    assert part.merge(a, b) == part.merge(b, a)


@each_part
@few
@given(st.data())
def test_the_empty_part_changes_nothing(part: Part, data: st.DataObject) -> None:
    """The empty part is the identity on both sides, of itself too."""
    a = data.draw(part.some)
    assert part.merge(a, part.empty()) == a
    assert part.merge(part.empty(), a) == a
    assert part.merge(part.empty(), part.empty()) == part.empty()


@each_part
@few
@given(st.data())
def test_merging_leaves_its_arguments_alone(part: Part, data: st.DataObject) -> None:
    """Neither the arguments nor a result change when results are merged on."""
    a, b = data.draw(part.some), data.draw(part.some)
    before = copy.deepcopy((a, b))
    merged = part.merge(a, b)
    kept = copy.deepcopy(merged)
    part.merge(merged, a)
    assert (a, b) == before
    assert merged == kept


@few
@given(summaries(), summaries(), batches)
def test_adding_to_a_merged_summary_leaves_its_parts_alone(a: Summary, b: Summary, batch: list[Prediction]) -> None:
    """What is added in place to the result of a merge does not reach what it was merged from."""
    before = copy.deepcopy((a, b))
    merged = a.merge(b)
    merged.add_predictions(batch)
    merged.add_probe(1, 1, 1.0)
    merged.add_counts(RequestCounts(0, "m", "1", "serving", "", 0, "", 1, {200: 1}, {"reset": 1}, {3: 1}, 5))
    assert (a, b) == before


@each_part
@few
@given(st.data())
def test_encoding_comes_back_equal(part: Part, data: st.DataObject) -> None:
    """Encoded and decoded, a part is what it was."""
    a = data.draw(part.some)
    assert part.round_trip(a) == a


@few
@given(summaries(), summaries())
def test_equal_summaries_have_equal_bytes(a: Summary, b: Summary) -> None:
    """The encoding is canonical: the order of merging does not show."""
    assert a.merge(b).encode() == b.merge(a).encode()


@few
@given(st.binary(max_size=60))
def test_decoding_arbitrary_bytes_raises_summary_error_or_gives_a_summary(noise: bytes) -> None:
    """No bytes make decoding fail in another way than SummaryError."""
    for encoded in (noise, b"\x01" + noise):
        try:
            Summary.decode(encoded)
        except SummaryError:
            continue


def test_unlike_parameters_are_refused() -> None:
    """A part of other edges or components, or a summary encoded with others, is never merged."""
    with pytest.raises(SummaryError):
        Histogram(EDGES).merge(Histogram((0.0,)))
    with pytest.raises(SummaryError):
        Moments(*UNITS).merge(Moments(("x",), (1,)))
    state = json.loads(Summary().encode()[1:])
    state[0] += 1
    with pytest.raises(SummaryError, match="other edges"):
        Summary.decode(b"\x01" + json.dumps(state).encode())
