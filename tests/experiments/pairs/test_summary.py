import copy
import json
from functools import reduce

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.experiments.pairs import (
    FLIPS_MAX,
    BoxPair,
    ImagePair,
    LoneBox,
    Matching,
    PairSummary,
    RequestPair,
    merge_pairs,
    pair_request,
)
from sidecar.summaries import CLASSES_MAX, SummaryError

NAMES = st.sampled_from(["car", "bus", "other", "", "ü\n"])
SCORES = st.floats(0, 1, width=32)
PAIRS = st.builds(BoxPair, st.just(0), st.just(0), NAMES, NAMES, SCORES, SCORES, st.floats(0.5, 1))
MATCHED = PAIRS.map(lambda pair: pair._replace(class_b=pair.class_a))
FLIPPED = PAIRS.filter(lambda pair: pair.class_a != pair.class_b)
LONE = st.lists(st.builds(LoneBox, st.just(0), NAMES, SCORES), max_size=2).map(tuple)
MATCHINGS = st.builds(
    Matching,
    st.lists(MATCHED, max_size=3).map(tuple),
    st.lists(FLIPPED, max_size=2).map(tuple),
    LONE,
    LONE,
    st.integers(0, 9),
)
IMAGES = st.one_of(
    st.builds(ImagePair, st.just("id"), MATCHINGS),
    st.builds(ImagePair, st.just("id"), st.none(), st.sampled_from(["", "a", "b", "both"])),
)
LATENCY = st.one_of(st.floats(0, 1e12), st.just(float("nan")))
REQUESTS = st.one_of(
    st.builds(RequestPair, st.lists(IMAGES, max_size=3).map(tuple), st.just(""), st.integers(0, 3), LATENCY, LATENCY),
    st.builds(RequestPair, st.just(()), st.sampled_from(["a", "b", "both"]), st.just(0), LATENCY, LATENCY),
)


def summed(pairs: list[RequestPair]) -> PairSummary:
    summary = PairSummary()
    for pair in pairs:
        summary.add(pair)
    return summary


SUMMARIES = st.lists(REQUESTS, max_size=4).map(summed)
LAWS = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@LAWS
@given(SUMMARIES, SUMMARIES, SUMMARIES)
def test_merge_is_associative_and_commutative_with_an_identity(a, b, c) -> None:
    """To the last byte of the encoding, and the arguments stay as they were."""
    before = copy.deepcopy((a, b, c))
    assert a.merge(b).merge(c) == a.merge(b.merge(c))
    assert a.merge(b).merge(c).encode() == c.merge(a).merge(b).encode()
    assert a.merge(b) == b.merge(a)
    assert a.merge(PairSummary()) == a == PairSummary().merge(a)
    assert a.merge(PairSummary()).encode() == a.encode()
    assert (a, b, c) == before


@LAWS
@given(st.lists(REQUESTS, max_size=8), st.randoms(use_true_random=False))
def test_eight_workers_come_to_what_one_does(pairs, random) -> None:
    """However pairs are spread and in whatever order they come, the merged summary has the same bytes."""
    workers: list[list[RequestPair]] = [[] for _ in range(8)]
    for pair in random.sample(pairs, len(pairs)):
        random.choice(workers).append(pair)
    assert merge_pairs(summed(part) for part in workers).encode() == summed(pairs).encode()


@LAWS
@given(SUMMARIES)
def test_encoding_is_canonical_and_comes_back(summary) -> None:
    """Decoding gives an equal summary, which encodes to the same bytes."""
    encoded = summary.encode()
    decoded = PairSummary.decode(encoded)
    assert decoded == summary
    assert decoded.encode() == encoded
    assert hash(decoded) == hash(summary)


@LAWS
@given(SUMMARIES)
def test_totals_agree_with_each_other(summary) -> None:
    """Boxes by class and flips by kind add up to the plain counts; histograms have as many as there are."""
    counts = summary.counts
    assert sum(part.boxes_a for part in summary.classes.values()) == counts.boxes_a
    assert sum(part.boxes_b for part in summary.classes.values()) == counts.boxes_b
    assert sum(summary.flips.values()) == counts.flipped
    assert sum(part.flipped_from for part in summary.classes.values()) == counts.flipped
    assert summary.iou.count == counts.matched
    assert summary.disagreement.count == summary.count_difference.count == counts.images
    assert summary.count_units.sums == [counts.boxes_b - counts.boxes_a, counts.images]
    assert counts.agreeing <= counts.images


def test_numbers_are_those_worked_out_by_hand(make_prediction, box) -> None:
    """Two requests, one with two images, one image each in dispute and in accord; then an error and an unread one."""
    cars = [box("car", 0, score=0.8), box("car", 200, score=0.5)]
    a = [make_prediction(cars, image_index=0), make_prediction([], image_index=1)]
    b = [
        make_prediction([box("car", 0, score=0.6), box("bus", 200, score=0.5)], image_index=0, upstream_ms=14.0),
        make_prediction([box("dog", 0, score=0.4)], image_index=1, upstream_ms=14.0),
    ]
    summary = summed(
        [
            pair_request(a, b),
            pair_request([make_prediction(cars)], [make_prediction(cars, upstream_ms=8.0)]),
            pair_request([make_prediction(cars)], [make_prediction(None, status=500)]),
            pair_request([make_prediction(cars)], [make_prediction(None, undecodable="shape", upstream_ms=10.0)]),
        ]
    )
    counts = summary.counts
    assert (counts.requests, counts.failed_a, counts.failed_b, counts.failed_both) == (4, 0, 1, 0)
    assert (counts.images, counts.agreeing, counts.unread_b) == (3, 1, 1)
    assert (counts.boxes_a, counts.boxes_b) == (4, 5)
    assert (counts.matched, counts.flipped, counts.missed, counts.extra) == (3, 1, 0, 1)
    assert summary.flips == {("car", "bus"): 1}
    assert {name: tuple(part) for name, part in summary.classes.items()} == {
        "car": (3, 0, 0, 1, 0),
        "bus": (0, 0, 0, 0, 1),
        "dog": (0, 0, 1, 0, 0),
    }
    assert summary.confidence_units.n == 2
    assert summary.confidence_units.sums == [-200_000, 2]
    assert (summary.count_units.n, summary.count_units.sums) == (2, [1, 3])
    assert (summary.latency_units.n, summary.latency_units.sums) == (3, [2_000])
    assert summary.latency_units.products == [4_000**2 + 2_000**2]
    assert (summary.latency_a.count, summary.latency_b.count, summary.latency_b.sum_ms) == (4, 3, 32.0)
    assert counts.iou_micro == 3_000_000
    # (0.2 + 1.0) of 2.4, 0.4 of at least 1, and nothing
    assert counts.disagreement_micro == 500_000 + 400_000


def test_class_names_are_bounded_at_admission_alone() -> None:
    """Past the bound new names count as other; a merge of two full summaries drops none."""

    def full(prefix: str) -> PairSummary:
        missed = tuple(LoneBox(0, f"{prefix}{i}", 0.5) for i in range(CLASSES_MAX + 50))
        return summed([RequestPair((ImagePair("id", Matching(missed=missed)),), "", 0, 1.0, 1.0)])

    one = full("a")
    assert len(one.classes) == CLASSES_MAX + 1
    assert one.classes["other"].missed == 50
    assert len(one.merge(full("b")).classes) == 2 * CLASSES_MAX + 1


def test_kinds_of_flip_are_bounded_at_admission_alone() -> None:
    """Past the bound they count as other to other, and known ones as themselves."""

    def full(prefix: str) -> PairSummary:
        flips = tuple(BoxPair(0, 0, f"{prefix}{i}", "x", 0.5, 0.5, 0.9) for i in range(FLIPS_MAX + 7))
        return summed([RequestPair((ImagePair("id", Matching(flips=flips)),), "", 0, 1.0, 1.0)] * 2)

    one = full("a")
    assert len(one.flips) == FLIPS_MAX + 1
    assert one.flips["other", "other"] == 14
    assert one.flips["a0", "x"] == 2
    assert len(one.merge(full("b")).flips) == 2 * FLIPS_MAX + 1


def test_another_overlap_is_refused(make_prediction) -> None:
    """Pairs matched at 0.5 and at 0.7 are no sum of anything."""
    pair = pair_request([make_prediction()], [make_prediction()], 0.7)
    with pytest.raises(SummaryError, match="iou_min"):
        PairSummary().add(pair)
    with pytest.raises(SummaryError, match="iou_min"):
        PairSummary().merge(PairSummary(0.7))
    strict = PairSummary(0.7)
    strict.add(pair)
    assert PairSummary.decode(strict.encode()).iou_min == 0.7
    assert reduce(PairSummary.merge, [strict] * 3, PairSummary(0.7)) == merge_pairs([strict] * 3, 0.7)


def altered(**changes) -> bytes:
    encoded = PairSummary().encode()
    state = json.loads(encoded[1:])
    for place, value in changes.items():
        state[int(place[1:])] = value
    return encoded[:1] + json.dumps(state).encode()


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\x02[]",
        b"\x01",
        b"\x01{}",
        b"\x01null",
        b"\x01[1,2,3]",
        PairSummary().encode()[:-1],
        altered(_0=1),
        altered(_1=0),
        altered(_1="x"),
        altered(_2="x"),
        altered(_2=-1),
        altered(_3=[1, 2]),
        altered(_3=[-1] * 18),
        altered(_3=[0.5] * 18),
        altered(_4={"car": [1]}),
        altered(_4={"car": ["a"] * 5}),
        altered(_4=[1]),
        altered(_5=[["car", "bus"]]),
        altered(_5=[["car", "bus", "x"]]),
        altered(_6={"99": 1}),
        altered(_9=[1, [1], [1]]),
    ],
)
def test_what_is_no_summary_of_this_release_is_refused(encoded: bytes) -> None:
    """Another version, other parameters, other bytes: a SummaryError, never something half read."""
    with pytest.raises(SummaryError):
        PairSummary.decode(encoded)


def test_wild_latencies_stay_within_bounds(make_prediction) -> None:
    """Negative ones are none, twelve days are the most, infinite ones are not known."""
    summary = PairSummary()
    for wild in (-5.0, 1e18, float("inf"), float("nan")):
        summary.add(pair_request([make_prediction(upstream_ms=wild)], [make_prediction()]))
    assert (summary.latency_a.count, summary.latency_units.n) == (2, 2)
    assert summary.latency_a.sum_us == 1 << 40
    assert PairSummary.decode(summary.encode()) == summary
