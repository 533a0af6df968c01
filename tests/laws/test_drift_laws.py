"""What always holds of distances, p-values, reports and kept blocks, whatever the data."""

import json
from collections.abc import Sequence
from math import isnan
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.drift import (
    Block,
    DriftReport,
    Level,
    Period,
    compare,
    decode_blocks,
    encode_blocks,
    fit_seasonal,
    parse_period,
)
from sidecar.drift.divergence import jensen_shannon
from sidecar.drift.permutation import Deal, permute
from sidecar.holm import holm
from sidecar.summaries import Histogram, ImageTotals, Moments, RequestTotals, Summary
from sidecar.summaries.images import EDGES, UNIT_NAMES, UNIT_SCALES

few = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
NOW = 1_700_000_000.0

counts = st.lists(st.integers(0, 1 << 40), min_size=1, max_size=12)
p_values = st.lists(st.floats(0, 1, exclude_min=True), max_size=8)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    left = draw(counts)
    right = draw(st.lists(st.integers(0, 1 << 40), min_size=len(left), max_size=len(left)))
    return left, right


def _summary(rng: np.random.Generator) -> Summary:
    """Anything that a summary may hold, now and then nothing."""
    images = int(rng.integers(0, 9))
    names = [name for name in ("car", "dog", "other", "é") if images and rng.random() < 0.5]
    by_class = {name: int(rng.integers(1, 50)) for name in names}
    detections = sum(by_class.values())
    found = min(images, detections)
    totals = ImageTotals(class_counts=by_class, class_images=by_class)
    totals.units = Moments(UNIT_NAMES, UNIT_SCALES, images, [images, detections, found * 500_000, found, 0])
    for name in ("confidence_histogram", "detections_per_image", "area", "aspect"):
        bins = rng.integers(0, len(EDGES[name]) + 1, rng.integers(0, 4)).tolist()
        setattr(totals, name, Histogram(EDGES[name], {place: int(rng.integers(1, 50)) for place in bins}))
    for _ in range(int(rng.integers(0, 3))):
        totals.add_probe(int(rng.integers(0, 5_000)), 480, float(rng.random()))
    return Summary(RequestTotals(int(rng.integers(0, 9))), totals, 1)


def _blocks(n: int, seed: int) -> list[Block]:
    """Blocks of hours of nine days, some of one hour."""
    rng = np.random.default_rng(seed)
    return [Block(float(rng.integers(0, 9 * 24)) * 3_600, _summary(rng)) for _ in range(n)]


# by a seed: drawn one value at a time they take minutes
sides = st.builds(_blocks, st.integers(0, 20), st.integers(0, 1 << 32))


@few
@given(pairs())
def test_the_divergence_is_symmetric_and_within_bounds(sides_: tuple[list[int], list[int]]) -> None:
    """The same both ways, to the last bit; in 0..1, or NaN where a side is empty."""
    left, right = sides_
    there, back = float(jensen_shannon(left, right)), float(jensen_shannon(right, left))
    if not any(left) or not any(right):
        assert isnan(there)
        assert isnan(back)
    else:
        assert there == back
        assert 0 <= there <= 1


@few
@given(counts.filter(any), st.integers(1, 1_000))
def test_the_divergence_of_equal_shares_is_zero(left: list[int], times: int) -> None:
    """Also where one side has many times as much."""
    assert float(jensen_shannon(left, left)) == 0
    assert float(jensen_shannon(left, [n * times for n in left])) == pytest.approx(0, abs=1e-12)


@few
@given(counts.filter(any), counts.filter(any))
def test_the_divergence_of_sides_with_nothing_in_common_is_one(left: list[int], right: list[int]) -> None:
    """Neither more nor less, however uneven they are."""
    assert float(jensen_shannon([*left, *[0] * len(right)], [*[0] * len(left), *right])) == pytest.approx(1)


@few
@given(p_values)
def test_holm_never_lowers_a_p_value_and_keeps_their_order(values: list[float]) -> None:
    """Adjusted values are at least the given ones, at most one, at most Bonferroni's, and ordered like them."""
    adjusted = holm(values)
    assert all(value <= high <= 1 for value, high in zip(values, adjusted, strict=True))
    assert all(high <= min(1, value * len(values)) for value, high in zip(values, adjusted, strict=True))
    by_value = sorted(zip(values, adjusted, strict=True))
    assert [high for _, high in by_value] == sorted(adjusted)


@few
@given(
    st.integers(1, 9), st.integers(1, 9), st.integers(0, 1_000), st.lists(st.integers(0, 5), min_size=18, max_size=18)
)
def test_p_values_are_over_zero_and_at_most_one(reference: int, current: int, seed: int, strata: Sequence[int]) -> None:
    """However few blocks, however they are stratified; and never under the smallest that the deal allows."""
    rng = np.random.default_rng(seed)
    size = reference + current
    deal = Deal(np.arange(size) >= reference, np.array(strata[:size], np.intp))
    table = rng.poisson(2, (size, 4)).astype(float)
    null = permute(table, deal, lambda before, now: jensen_shannon(before, now)[:, None], 39, rng)
    p = null.p_value(0) if not np.isnan(null.observed[0]) else 1.0
    assert max(1 / 40, deal.smallest_p) <= p <= 1


@few
@given(sides, sides, st.randoms(), st.sampled_from([Level.DAY, Level.HOUR, Level.IMAGE]))
def test_the_order_of_blocks_does_not_show_in_the_report(
    reference: list[Block], current: list[Block], order: Random, level: Level
) -> None:
    """Blocks in any order, also several of one moment, give the same report."""
    shuffled = [list(reference), list(current)]
    for side in shuffled:
        order.shuffle(side)
    independent = level is Level.IMAGE
    one = compare(reference, current, level, independent=independent, permutations=99)
    other = compare(*shuffled, level, independent=independent, permutations=99)
    assert _document(one) == _document(other)


@few
@given(sides, sides, st.sampled_from([Level.DAY, Level.HOUR]))
def test_a_report_is_json_and_consistent(reference: list[Block], current: list[Block], level: Level) -> None:
    """No NaN goes out; what is significant was tested, passes Holm and the gate; too few blocks are never a drift."""
    document = json.loads(_document(compare(reference, current, level, permutations=99)))
    assert document["significant_drift"] == (document["verdict"] == "drift")
    for score in document["scores"].values():
        assert score["distance"] is None or 0 <= score["distance"] <= 1
        assert score["p_value"] is None or 0 < score["p_value"] <= score["p_adjusted"] <= 1
        if score["significant"]:
            assert score["p_adjusted"] <= document["alpha"] * (1 + 1e-9)
            assert score["corrected"] >= 0.1
    if min(document["blocks"]["reference"], document["blocks"]["current"]) < 6:
        assert document["verdict"] == "too_few_blocks"
        assert document["affected_classes"] == document["new_classes"] == []
    assert document["sentence"].endswith(".")


@few
@given(st.dictionaries(st.sampled_from(list(Level)), sides, max_size=3))
def test_kept_blocks_come_back_equal(blocks: dict[Level, list[Block]]) -> None:
    """Encoded and decoded, levels and blocks are what they were; a level without blocks is none."""
    assert decode_blocks(encode_blocks(blocks)) == {level: kept for level, kept in blocks.items() if kept}


@few
@given(st.floats(NOW - 3e7, NOW), st.floats(0.001, 3e7))
def test_a_period_is_read_back_from_its_text(until: float, length_s: float) -> None:
    """To the microsecond, which is what a period is kept to."""
    period = Period(round(until - length_s, 6), round(until, 6))
    assert parse_period(str(period), NOW + 1) == period


@few
@given(st.integers(19_000, 19_600), st.integers(1, 60))
def test_whole_days_are_read_back_as_days(first: int, days: int) -> None:
    """Both ends included in the text, the last excluded in the value."""
    period = Period(first * 86_400.0, (first + days) * 86_400.0)
    assert str(period).count("T") == 0
    assert parse_period(str(period), 2e9) == period


@few
@given(st.lists(st.tuples(st.integers(0, 2_000), st.floats(-1e9, 1e9)), max_size=60), st.floats(-1e9, 1e9))
def test_a_seasonal_score_is_bounded_and_has_the_sign_of_the_difference(
    hours: list[tuple[int, float]], value: float
) -> None:
    """Whatever the data: no division by zero, no infinity."""
    found = fit_seasonal([(hour * 3_600.0, level) for hour, level in hours])
    if found is None:
        assert not hours or max(hours)[0] - min(hours)[0] < 71
        return
    assert found.spread > 0
    at = hours[0][0] * 3_600.0
    score = found.score(at, value)
    assert abs(score) <= 1_000
    assert score == 0 or (score > 0) == (value > found.expected(at))


def _document(report: DriftReport) -> str:
    return json.dumps(report.to_dict(distributions=True), allow_nan=False)
