"""What changed: real changes are told, chance and a handful of requests are not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from sidecar.alerts import Figures
from sidecar.api.events import Event
from sidecar.api.overview.changes import ALPHA, Change, Side, changes_between
from sidecar.api.overview.grid import Whose
from sidecar.api.overview.sentence import Told, event_of, sentence_of
from sidecar.api.overview.span import Span, span_of
from sidecar.drift import figures_of
from sidecar.summaries import ImageTotals, RequestTotals, Summary, merge_all
from tests.kit.drawing import histogram

ONE, TWO = Whose("det", "1", "serving"), Whose("det", "2", "serving")
HOUR: Span = span_of(0, 3_600, None)
BLOCKS, SECONDS = 12, 300.0


def drawn(
    rng: np.random.Generator,
    n: int,
    confidence: float = 0.8,
    latency_ms: float = 40.0,
    error_rate: float = 0.002,
    cars: float = 0.5,
    detections: float = 3.0,
) -> Summary:
    """``n`` requests that have a mood of their own: those of one time resemble each other."""
    mood = rng.normal()
    totals = ImageTotals()
    counts = rng.poisson(detections * (1 + 0.02 * mood), n)
    scores = np.clip(rng.normal(confidence + 0.005 * mood, 0.05, n), 0, 1)
    units = np.stack([np.ones(n), counts, np.where(counts > 0, scores * 1e6, 0), counts > 0, np.zeros(n)], axis=1)
    totals.units.add(np.rint(units).astype(np.int64))
    of_cars = int(rng.binomial(counts.sum(), min(max(cars + 0.01 * mood, 0), 1)))
    totals.class_counts = {"car": of_cars, "person": int(counts.sum()) - of_cars}
    failed = int(rng.binomial(n, error_rate))
    latency = histogram(rng.lognormal(np.log(latency_ms) + 0.03 * mood, 0.3, n))
    return Summary(RequestTotals(n, {200: n - failed, 503: failed}, latency=latency), totals, 1)


def summaries(seed: int, each: int, **how: Any) -> list[Summary]:
    rng = np.random.default_rng(seed)
    return [drawn(rng, each, **how) for _ in range(BLOCKS)]


def side(seed: int, each: int = 60, **how: Any) -> Side:
    made = summaries(seed, each, **how)
    blocks = {place: Figures.of(summary) for place, summary in enumerate(made)}
    return Side(blocks, [SECONDS] * BLOCKS, Figures.total(blocks.values()))


def normal(seed: int, each: int = 600, **how: Any) -> Mapping[str, Any]:
    return figures_of(merge_all(summaries(seed, each, **how)))


@pytest.mark.parametrize("against", ["previous", "baseline"])
def test_chance_alone_is_hardly_ever_a_change(against: str) -> None:
    """Of 300 pairs that are drawn alike no more are told of than ALPHA allows, give or take."""
    told = 0
    for seed in range(300):
        now = {ONE: side(2 * seed)}
        if against == "previous":
            found = changes_between(now, {ONE: side(2 * seed + 1)}, {}, (ONE, side(2 * seed), side(2 * seed + 1)))
        else:
            found = changes_between(now, {}, {ONE: normal(2 * seed + 1)})
        told += bool(found)
    assert told <= 300 * ALPHA * 3


@pytest.mark.parametrize("each", [1, 3])
def test_handful_of_requests_never_makes_news(each: int) -> None:
    """However far off they are: nobody can tell from so few."""
    odd = {"confidence": 0.3, "latency_ms": 900.0, "error_rate": 0.5, "cars": 0.0}
    for seed in range(50):
        assert changes_between({ONE: side(seed, each, **odd)}, {ONE: side(seed + 1)}, {}) == []


@pytest.mark.parametrize("against", ["previous", "baseline"])
@pytest.mark.parametrize(
    ("how", "metric"),
    [
        ({"confidence": 0.7}, "avg_confidence"),
        ({"latency_ms": 70.0}, "p90_latency_ms"),
        ({"error_rate": 0.05}, "error_rate"),
        ({"cars": 0.2}, "class_share"),
        ({"detections": 1.5}, "detections_per_image"),
    ],
)
def test_change_that_matters_is_told_with_both_values(against: str, how: dict[str, float], metric: str) -> None:
    """Of the one figure that moved, or of what goes with it."""
    now = {ONE: side(1, **how)}
    if against == "previous":
        found = changes_between(now, {ONE: side(2)}, {})
    else:
        found = changes_between(now, {ONE: side(2)}, {ONE: normal(2)})
    by_metric = {change.metric: change for change in found}
    assert metric in by_metric
    change = by_metric[metric]
    assert (change.whose, change.against) == (ONE, against)
    expected = now[ONE].total.class_share(change.label) if metric == "class_share" else None
    assert expected is None or change.after == pytest.approx(expected)


def test_sure_but_small_difference_is_no_news() -> None:
    """A hundredth of confidence over many images is no chance, and nothing to look at."""
    assert changes_between({ONE: side(1, 6_000, confidence=0.79)}, {ONE: side(2, 6_000)}, {}) == []


def test_requests_are_compared_by_all_traffic() -> None:
    """By the second, so that ranges cut off differently compare."""
    whole = Whose("det", "", "serving")
    found = changes_between({}, {}, {}, (whole, side(1, 30), side(2, 120)))
    assert [(change.metric, change.before, change.after) for change in found] == [("request_rate", 0.4, 0.1)]


def test_requests_are_facts_also_where_they_come_in_bursts() -> None:
    """A third of the usual traffic is news though it all came at once; a few requests more or less are none."""
    whole = Whose("det", "", "serving")
    burst = Figures.of(summaries(1, 200)[0])
    now = Side({0: burst}, [SECONDS] * BLOCKS, burst)
    found = changes_between({}, {}, {}, (whole, now, side(2, 50)))
    assert [(change.metric, round(change.after / change.before, 2)) for change in found] == [("request_rate", 0.33)]
    few = Figures.of(summaries(1, 9)[0])
    assert changes_between({}, {}, {}, (whole, Side({0: few}, [SECONDS], few), side(2, 1))) == []


def test_latency_that_is_many_times_what_it_was_is_told_though_it_is_ragged() -> None:
    """Its factors are compared: a few slow moments make no doubt of all the others."""
    rng = np.random.default_rng(3)
    made = [drawn(rng, 60, latency_ms=200.0 * factor) for factor in (1, 1, 2, 1, 6, 1, 1, 2, 1, 1, 5, 1)]
    blocks = {place: Figures.of(summary) for place, summary in enumerate(made)}
    ragged = Side(blocks, [SECONDS] * BLOCKS, Figures.total(blocks.values()))
    found = changes_between({ONE: ragged}, {}, {ONE: normal(2, 10, latency_ms=13.0)})
    assert [change.metric for change in found] == ["p90_latency_ms"]


def test_version_that_came_and_one_that_went_are_told_with_their_shares() -> None:
    """Of all requests."""
    found = changes_between({ONE: side(1), TWO: side(2, 20)}, {ONE: side(3)}, {})
    assert [(change.whose, change.metric, change.before, change.after) for change in found] == [
        (TWO, "traffic", 0.0, 0.25)
    ]
    found = changes_between({ONE: side(1)}, {ONE: side(3), TWO: side(4)}, {})
    assert [(change.metric, change.before, change.after) for change in found] == [("traffic", 0.5, 0.0)]


def told_of(events: list[Event], cells: dict[int, Figures], whose: Whose = ONE) -> Told:
    total = Figures.total(cells.values())
    return Told(total, total, HOUR, 3_600.0, events=events, cells={whose: cells})


def began(at: float, model: str = "det") -> Event:
    clause = "the A/B test “New” began with 50 % for det@2"
    return Event(at, "test_began", model, "", clause, "ab_test", "new", clause)


def test_event_is_named_where_the_figure_moved_after_it() -> None:
    """As since when, never as the reason; not where it had moved before, or on another model."""
    high, low = Figures.of(summaries(1, 60)[0]), Figures.of(summaries(1, 60, confidence=0.6)[0])
    cells = {place: high if place < 180 else low for place in range(360)}
    fell = Change(ONE, "avg_confidence", "", 0.8, 0.6, "previous", 10.0)
    sentence = sentence_of([fell], told_of([began(1_800.0)], cells))
    assert sentence == (
        "Compared with the hour before, det@1 has a lower confidence (0.80 to 0.60),"
        " since the A/B test “New” began with 50 % for det@2."
    )
    assert event_of(fell, told_of([began(1_800.0, "faces")], cells)) is None
    assert event_of(fell, told_of([began(60.0)], dict.fromkeys(range(360), low))) is None
    both = [began(1_800.0), began(3_000.0)]
    assert event_of(fell, told_of(both, cells)) == both[0]


def test_event_some_time_after_the_figure_moved_is_not_named() -> None:
    """Traffic that began at the half is not more traffic since what happened later."""
    cells = {place: Figures.of(summaries(1, 60)[0]) for place in range(180, 360)}
    everything = Whose("det", "", "serving")
    more = Change(everything, "request_rate", "", 0.01, 3.0, "previous", 2.0)
    assert event_of(more, told_of([began(2_700.0)], cells, everything)) is None
    at_the_half = began(1_790.0)
    assert event_of(more, told_of([began(2_700.0), at_the_half], cells, everything)) == at_the_half


def test_others_are_counted() -> None:
    """Two figures of the version that changed most are named."""
    changes = [
        Change(TWO, "p90_latency_ms", "", 41.0, 66.0, "previous", 9.0),
        Change(ONE, "avg_confidence", "", 0.8, 0.7, "previous", 8.0),
        Change(TWO, "class_share", "ca\nr", 0.5, 0.3, "previous", 7.0),
        Change(TWO, "error_rate", "", 0.0, 0.04, "previous", 6.0),
    ]
    assert sentence_of(changes, told_of([], {})) == (
        "Compared with the hour before, det@2 has a higher p90 latency (41 to 66 ms) and less of the class ca r"
        " (50 % to 30 % of detections); 2 more figures changed."
    )


def test_version_that_came_is_compared_with_what_is_normal_from_its_first_traffic_on() -> None:
    """Before that there was nothing of it."""
    fell = Change(TWO, "avg_confidence", "", 0.8, 0.6, "baseline", 10.0)
    first = Event(600.0, "first_traffic", "det", "2", "", "model", "det@2", "det@2 got its first traffic")
    cells = {place: Figures.of(summaries(1, 60, confidence=0.6)[0]) for place in range(61, 360)}
    assert sentence_of([fell], told_of([first], cells, TWO)) == (
        "Compared with its baseline, det@2 has a lower confidence (0.80 to 0.60), since det@2 got its first traffic."
    )


def test_event_before_which_the_range_has_nothing_is_not_named() -> None:
    """That nothing was counted within the bucket it falls in, or of another version, is no move."""
    cells = {place: Figures.of(summaries(1, 60, confidence=0.6)[0]) for place in range(360)}
    everything = Whose("det", "", "serving")
    more = Change(everything, "request_rate", "", 4.0, 6.0, "previous", 2.0)
    assert event_of(more, told_of([began(5.0)], cells, everything)) is None
    fell = Change(ONE, "avg_confidence", "", 0.8, 0.6, "previous", 10.0)
    other = Event(5.0, "first_traffic", "det", "2", "", "model", "det@2", "det@2 got its first traffic")
    assert event_of(fell, told_of([other], cells)) is None


def test_version_that_came_or_went_is_told_by_its_share() -> None:
    """Of all requests."""
    came = Change(TWO, "traffic", "", 0.0, 0.25, "previous", 2.0)
    went = Change(ONE, "traffic", "", 1.0, 0.0, "previous", 2.0)
    assert sentence_of([came, went], told_of([began(60.0)], {}, TWO)) == (
        "Compared with the hour before, det@2 is new and answers 25 % of requests; 1 more figure changed."
    )
    assert sentence_of([went], told_of([], {})) == (
        "Compared with the hour before, det@1 gets no requests any more (it had 100 %)."
    )


@pytest.mark.parametrize(
    ("now", "before", "sentence"),
    [
        (0, 100, "No requests were recorded in this time."),
        (100, 0, "There is nothing to compare with yet: 100 requests, 0 % of them failed."),
        (12, 100, "Too few requests to tell a change from chance: 12, and 100 in the hour before."),
        (100, 100, "Nothing much changed from the hour before: 100 requests, 0 % of them failed."),
    ],
)
def test_nothing_is_said_honestly(now: int, before: int, sentence: str) -> None:
    """Why there is nothing to tell."""
    sides = [Figures.of(Summary(RequestTotals(n, {200: n}))) for n in (now, before)]
    assert sentence_of([], Told(sides[0], sides[1], HOUR, 3_600.0)) == sentence


@pytest.mark.parametrize(
    ("against", "sentence"),
    [
        ("baseline", "Nothing surely differs from the baseline: 100 requests, 0 % of them failed."),
        ("nothing", "There is no baseline to compare with: 100 requests, 0 % of them failed."),
    ],
)
def test_nothing_to_tell_beside_a_baseline_is_said_so(against: Any, sentence: str) -> None:
    """Whatever there was before."""
    now = Figures.of(Summary(RequestTotals(100, {200: 100})))
    assert sentence_of([], Told(now, Figures.total([]), HOUR, 3_600.0, against)) == sentence
