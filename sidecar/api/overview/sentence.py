"""What changed, in one sentence that a person can read. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Literal

from sidecar.alerts import Figures
from sidecar.api.events import Event
from sidecar.api.overview.changes import Change, value_within
from sidecar.api.overview.grid import Whose
from sidecar.api.overview.measured import UNITS_MIN
from sidecar.api.overview.span import Span

NAMED_MAX = 2
"""Figures of the version that changed most, and versions, that a sentence names; others are counted."""
NAME_CHARACTERS_MAX = 60
MOVED_ENOUGH = 0.5
"""The part of a change that must lie between before and after an event for it to be named ..."""
NEAR_ENOUGH = 0.8
"""... and the part of what lies between before and after the time at which the figure moved most."""
SPLITS_TRIED = 60
"""Times at which that is looked for."""
_NAMES = {
    "error_rate": "error rate",
    "p90_latency_ms": "p90 latency",
    "avg_confidence": "confidence",
    "detections_per_image": "detections per image",
    "no_detection_rate": "share of images without detections",
    "request_rate": "requests",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What a sentence is made of beside the changes: all traffic of the range and of the one before, how long that is,
    what most of it was compared with, events within the range, the cells of each version, by which an event is
    found to fit a change, whose baseline each version is compared with (``det@1``), which versions nothing can be
    said of yet (``untold``), and whether there is any other (``is_told``)."""

    now: Figures
    previous: Figures
    span: Span
    length_s: float
    against: Literal["previous", "baseline", "nothing"] = "previous"
    events: Sequence[Event] = ()
    cells: Mapping[Whose, Mapping[int, Figures]] | None = None
    normals: Mapping[Whose, str] = field(default_factory=dict)
    untold: Sequence[str] = ()
    is_told: bool = True


def sentence_of(changes: Sequence[Change], told: Told) -> str:
    """The changes, what differs most first.

    >>> from sidecar.api.overview.span import span_of
    >>> told = Told(Figures.total([]), Figures.total([]), span_of(0, 86_400, None), 86_400)
    >>> sentence_of([], told)
    'No requests were recorded in this time.'
    >>> whose = Whose("det", "2", "serving")
    >>> fell = Change(whose, "avg_confidence", "", 0.82, 0.74, "baseline", 4.0)
    >>> rose = Change(whose, "p90_latency_ms", "", 41.0, 66.0, "baseline", 3.0)
    >>> sentence_of([fell, rose], told)
    'Compared with its baseline, det@2 has a lower confidence (0.82 to 0.74) and a higher p90 latency (41 to 66 ms).'
    """
    if not changes:
        return _nothing(told)
    first = changes[0]
    of_one = [item for item in changes if item.whose == first.whose and item.against == first.against]
    named = of_one[:NAMED_MAX]
    if first.metric in ("traffic", "request_rate"):
        named = named[:1]
    body = _clause(named, told) + _since(named, told)
    return f"{body}{_more(len(changes) - len(named))}."


def _nothing(told: Told) -> str:
    requests, before = told.now.requests, told.previous.requests
    if not requests:
        return "No requests were recorded in this time."
    sizes = f"{requests:,} requests, {_percent(told.now.error_rate)} of them failed"
    if told.against == "nothing":
        return f"There is no baseline to compare with: {sizes}."
    if told.against == "baseline":
        if requests < UNITS_MIN:
            return f"Too few requests to tell a difference from chance: {requests:,}."
        if not told.is_told:
            return f"Too little to tell yet what differs from {_only_baseline(told)}: {sizes}."
        return f"Nothing surely differs from {_only_baseline(told)}{_but_for(told)}: {sizes}."
    if not before:
        return f"There is nothing to compare with yet: {sizes}."
    if min(requests, before) < UNITS_MIN:
        return (
            f"Too few requests to tell a change from chance: {requests:,}, and {before:,} in the {_time(told)} before."
        )
    if not told.is_told:
        return f"Too little to tell yet what changed from the {_time(told)} before: {sizes}."
    return f"Nothing much changed from the {_time(told)} before{_but_for(told)}: {sizes}."


def _but_for(told: Told) -> str:
    """What can't be compared, so that nobody takes it for unchanged."""
    if not told.untold:
        return ""
    names = ", ".join(map(_name, told.untold)) if len(told.untold) <= NAMED_MAX else f"{len(told.untold)} versions"
    return f" ({names} can't be compared yet)"


def _clause(named: Sequence[Change], told: Told) -> str:
    first = named[0]
    than = _baseline(first.whose, told) if first.against == "baseline" else f"the {_time(told)} before"
    who = _name(first.whose.model_id) or "all traffic"
    if first.metric == "traffic":
        share = _percent(max(first.before, first.after))
        if first.after:
            return f"Compared with {than}, {who} is new and answers {share} of requests"
        return f"Compared with {than}, {who} gets no requests any more (it had {share})"
    if first.metric == "request_rate":
        more = "more" if first.after > first.before else "fewer"
        return f"Compared with {than}, {who} has {more} requests ({_amounts(first)})"
    return f"Compared with {than}, {who} has {' and '.join(_move(item) for item in named)}"


def _baseline(whose: Whose, told: Told) -> str:
    """A version without one of its own is compared with another's: nobody would guess whose."""
    normal = told.normals.get(whose, whose.model_id)
    return "its baseline" if normal == whose.model_id else f"the baseline of {_name(normal)}"


def _only_baseline(told: Told) -> str:
    """The baseline that every version is compared with; by name where it is another's of any."""
    borrowed = {normal for whose, normal in told.normals.items() if normal != whose.model_id}
    one = borrowed and len(set(told.normals.values())) == 1
    return f"the baseline of {_name(borrowed.pop())}" if one else "the baseline"


def _move(change: Change) -> str:
    rose = change.after > change.before
    if change.metric == "class_share":
        return f"{'more' if rose else 'less'} of the class {_name(change.label)} ({_amounts(change)} of detections)"
    if change.metric == "detections_per_image":
        return f"{'more' if rose else 'fewer'} detections per image ({_amounts(change)})"
    if change.metric == "no_detection_rate":
        return f"{'more' if rose else 'fewer'} images without detections ({_amounts(change)})"
    return f"a {'higher' if rose else 'lower'} {_NAMES[change.metric]} ({_amounts(change)})"


def _amounts(change: Change) -> str:
    """From what to what.

    >>> whose = Whose("det", "1", "serving")
    >>> _amounts(Change(whose, "error_rate", "", 0.001, 0.043, "previous", 8.0))
    '0.1 % to 4.3 %'
    >>> _amounts(Change(whose, "request_rate", "", 10.0, 4.5, "previous", 2.0))
    '10 to 4.5 a second'
    """
    before, after = change.before, change.after
    if change.metric == "avg_confidence":
        return f"{before:.2f} to {after:.2f}"
    if change.metric in ("error_rate", "no_detection_rate", "class_share"):
        return f"{_percent(before)} to {_percent(after)}"
    unit = {"p90_latency_ms": " ms", "request_rate": " a second"}.get(change.metric, "")
    return f"{_figure(before)} to {_figure(after)}{unit}"


def _since(named: Sequence[Change], told: Told) -> str:
    """The event after which it is so, if there is one: that it is the cause is not said."""
    event = event_of(named[0], told)
    return "" if event is None else f", since {event.clause}"


def event_of(change: Change, told: Told) -> Event | None:
    """The event of the change's model between whose two sides the figure moved most, and enough; none where it moved
    clearly more at a time at which nothing happened."""
    if change.metric == "traffic":
        return None  # that it came or went is what there is to say
    best, most = None, 0.0
    for event in told.events:
        if not event.clause or not _is_about(event, change.whose):
            continue
        moved = _moved_at(change, event, told)
        if moved > most:
            best, most = event, moved
    if best is None:
        return None
    enough = max(MOVED_ENOUGH * abs(change.after - change.before), NEAR_ENOUGH * _most_moved(change, told))
    return best if most >= enough else None


def _most_moved(change: Change, told: Told) -> float:
    """How far the figure moved its way at the time at which it moved most, of SPLITS_TRIED."""
    step = max(1, told.span.buckets // SPLITS_TRIED)
    return max((_moved(change, told, place, place) for place in range(1, told.span.buckets, step)), default=0.0)


def _moved_at(change: Change, event: Event, told: Told) -> float:
    """How far the figure moved its way from before to after the event; all the way where there was nothing before, and
    the event is that the version came."""
    place = told.span.place(int(event.at))
    before, _ = _sides(change, told, place, place + 1)
    if isnan(before):
        its_own = event.kind == "first_traffic" and event.version == change.whose.version
        return abs(change.after - change.before) if its_own else 0.0
    return _moved(change, told, place, place + 1)


def _moved(change: Change, told: Told, end: int, begin: int) -> float:
    """From the buckets before ``end`` to those from ``begin`` on; 0 where there is nothing on a side."""
    before, after = _sides(change, told, end, begin)
    if isnan(before) or isnan(after):
        return 0.0
    return (after - before) * (1 if change.after > change.before else -1)


def _sides(change: Change, told: Told, end: int, begin: int) -> tuple[float, float]:
    cells = (told.cells or {}).get(change.whose, {})
    length_s = told.span.until - told.span.since
    before_s, until_after_s = (min(place * told.span.width_s, length_s) for place in (end, begin))
    before = value_within(change, [cells[at] for at in cells if at < end], before_s)
    after = value_within(change, [cells[at] for at in cells if at >= begin], length_s - until_after_s)
    return before, after


def _is_about(event: Event, whose: Whose) -> bool:
    return not whose.model or event.model in ("*", whose.model)


def _more(count: int) -> str:
    if count < 1:
        return ""
    return f"; {count} more {'figure' if count == 1 else 'figures'} changed"


def _time(told: Told) -> str:
    """How long the range is.

    >>> [_time_of(seconds) for seconds in (10, 900, 3_600, 86_400, 90 * 86_400)]
    ['10 seconds', '15 minutes', 'hour', '24 hours', '90 days']
    """
    return _time_of(told.length_s)


def _time_of(seconds: float) -> str:
    for length, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        count = round(seconds / length)
        if count >= (2 if name == "day" else 1):
            return name if count == 1 else f"{count} {name}s"
    return f"{seconds:.0f} seconds"


def _name(name: str) -> str:
    """On one line, without what does not print or turns the text around.

    >>> _name("a\\nb"), len(_name("x" * 100))
    ('a b', 60)
    """
    words = "".join(char if char.isprintable() else " " for char in name).split()
    text = " ".join(words)
    return text if len(text) <= NAME_CHARACTERS_MAX else text[: NAME_CHARACTERS_MAX - 1] + "…"


def _percent(share: float) -> str:
    """
    >>> _percent(0.0), _percent(0.0412), _percent(0.31), _percent(0.0004)
    ('0 %', '4.1 %', '31 %', '0.04 %')
    """
    if not share or share >= 0.0995:
        return f"{100 * share:.0f} %"
    return f"{100 * share:.1f} %" if share >= 0.0009 else f"{100 * share:.1g} %"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2g}" if abs(value) < 10 else f"{value:.3g}"
