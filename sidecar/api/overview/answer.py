"""The overview's answer, put together of what was read. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from sidecar.alerts import Figures
from sidecar.api.events import Event
from sidecar.api.overview.changes import Change, Side, changes_between
from sidecar.api.overview.columns import FIGURES, classes_document, figures_document, series_document, shortened
from sidecar.api.overview.grid import SERVING, SHADOW, Cells, Grid, Whose, blocks_of
from sidecar.api.overview.measured import BLOCKS_MIN, UNITS_MIN
from sidecar.api.overview.sentence import Told, sentence_of
from sidecar.api.overview.span import Span

SERIES_MAX = 40
"""Versions that are told, those with the most requests; of more nobody could read a chart."""
HOUR_S = 3_600
MEANS = ("error_rate", "avg_confidence", "detections_per_image", "no_detection_rate")
"""Figures of which those of several versions have a mean."""
OF_A_RANGE = ("request_rate", *FIGURES)
Baselines = Mapping[str, Sequence[Mapping[str, Any]]]
"""Baselines by model, the latest first."""


class Read(NamedTuple):
    """What was read: ``grid`` by bucket of ``span``, ``before`` by block of the range before. ``since`` is what was
    asked for, ``begun`` the first hour there is a record of."""

    span: Span
    since: float
    now: float
    grid: Grid
    before: Grid
    begun: int | None
    events: Sequence[Event]
    compare: Literal["auto", "previous", "baseline"]


class _Times(NamedTuple):
    """Seconds there is a record of, of the range and of the one before."""

    now: float
    previous: float


def answer_of(read: Read, baselines: Baselines) -> dict[str, Any]:
    """An OverviewOut without its markers."""
    span = read.span
    known = [*read.grid.versions, *(whose for whose in read.before.versions if whose not in read.grid.versions)]
    totals = {whose: Figures.total(read.grid.cells_of(whose).values()) for whose in known}
    shown = sorted(sorted(known, key=lambda whose: -totals[whose].requests)[:SERIES_MAX], key=_order)
    times = _times_of(read)
    changes = _changes(read, shown, totals, baselines)
    together, earlier = read.grid.together(), read.before.together()
    whole, whole_before = Figures.total(together.values()), Figures.total(earlier.values())
    untold = _untold(read, shown, totals, baselines)
    told = Told(
        *(whole, whole_before, span, span.until - read.since, _against(read, shown, baselines), read.events),
        cells={whose: read.grid.cells_of(whose) for whose in shown} | {_everything(shown): together},
        normals={
            whose: one["model_id"]
            for whose in shown
            if whose.role == SERVING and (one := baseline_of(whose, baselines)) is not None
        },
        untold=untold,
        is_told=any(_served(whose, totals) and whose.model_id not in untold for whose in shown),
    )
    return {
        "since": read.since,
        "until": span.until,
        "width_s": span.width_s,
        "range": _span_document(span, times.now),
        "previous": _span_document(span.previous, times.previous),
        "sentence": sentence_of(changes, told),
        "changes": [_change_document(change) for change in changes],
        "totals": _totals(whole, whole_before, times) | _expected(shown, totals, baselines),
        "versions": [
            _whose_document(whose)
            | _totals(totals[whose], Figures.total(read.before.cells_of(whose).values()), times)
            | _reference(baseline_of(whose, baselines))
            for whose in shown
        ],
        "at": span.starts,
        "series": [_whose_document(whose) | series_document(read.grid.cells_of(whose), span) for whose in shown],
        "classes": classes_document(together, span.buckets),
        "left_out": len(known) - len(shown),
        "unreadable": read.grid.unreadable + read.before.unreadable,
    }


def baseline_of(whose: Whose, baselines: Baselines) -> Mapping[str, Any] | None:
    """The one a version is judged by: its own latest, else the latest of its model."""
    of_model = baselines.get(whose.model, ())
    own = (one for one in of_model if one["version"] == whose.version)
    return next(own, None) or next(iter(of_model), None)


def _against(read: Read, shown: Sequence[Whose], baselines: Baselines) -> Literal["previous", "baseline", "nothing"]:
    """What the sentence is about where nothing changed."""
    normal = any(baseline_of(whose, baselines) for whose in shown if whose.role == SERVING)
    if read.compare == "baseline":
        return "baseline" if normal else "nothing"
    return "baseline" if normal and read.compare == "auto" and not read.before.versions else "previous"


def _untold(read: Read, shown: Sequence[Whose], totals: Mapping[Whose, Figures], baselines: Baselines) -> Sequence[str]:
    """Versions that served and that nothing can be said of: there is too little of them, or nothing to compare with."""
    untold = []
    for whose in shown:
        if not _served(whose, totals):
            continue
        normal = read.compare != "previous" and baseline_of(whose, baselines) is not None
        earlier = read.compare != "baseline" and _is_enough(read.before.cells_of(whose))
        if not (normal or earlier) or not _is_enough(_own_blocks(read.grid.cells_of(whose), read.span)):
            untold.append(whose.model_id)
    return untold


def _served(whose: Whose, totals: Mapping[Whose, Figures]) -> bool:
    return whose.role == SERVING and totals[whose].requests > 0


def _is_enough(blocks: Mapping[int, Figures]) -> bool:
    """Whether a side of a comparison can be judged."""
    return len(blocks) >= BLOCKS_MIN and sum(figures.requests for figures in blocks.values()) >= UNITS_MIN


def _expected(shown: Sequence[Whose], totals: Mapping[Whose, Figures], baselines: Baselines) -> dict[str, Any]:
    """The baseline of all that serves; of versions that have each its own, what is normal for their mix of now: means
    weighted by requests, and no quantiles, which have none."""
    serving = [whose for whose in shown if whose.role != SHADOW and totals[whose].requests]
    found = [baseline_of(whose, baselines) for whose in serving]
    known = [one for one in found if one is not None]
    if not known or len(known) < len(found):
        return _reference(None)
    if len({one["baseline_id"] for one in known}) == 1:
        return _reference(known[0])
    normal = [_normal_document(one) for one in known]
    weights = [totals[whose].requests for whose in serving]
    mixed = {name: sum(one[name] for one in normal) for name in ("requests", "images", "detections")}
    values = {name: _mean([one[name] for one in normal], weights) for name in MEANS}
    return _reference(None) | {"baseline": {**dict.fromkeys(OF_A_RANGE), **mixed, **values}}


def _mean(values: Sequence[float | None], weights: Sequence[int]) -> float | None:
    """
    >>> _mean([1.0, 4.0], [2, 1]), _mean([1.0, None], [2, 1])
    (2.0, None)
    """
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    return shortened(sum(value * weight for value, weight in zip(known, weights, strict=True)) / sum(weights))


def _order(whose: Whose) -> tuple[str, bool, str, str]:
    return whose.model, whose.role == SHADOW, whose.version, whose.role


def _everything(shown: Sequence[Whose]) -> Whose:
    """All traffic: of a model, where there is one alone."""
    models = {whose.model for whose in shown}
    return Whose(next(iter(models)) if len(models) == 1 else "", "", SERVING)


def _times_of(read: Read) -> _Times:
    """The record may begin within a range; what comes after now is none yet."""
    span, earlier = read.span, read.span.previous
    firsts = [grid.first for grid in (read.grid, read.before) if grid.first is not None]
    begun = float("inf") if read.begun is None else float(read.begun)
    if firsts and begun + HOUR_S > min(firsts) >= begun:
        begun = float(min(firsts))
    elif firsts:
        begun = min(begun, float(min(firsts)))
    now = max(min(span.until, read.now) - max(span.since, begun), 0.0)
    return _Times(now, max(earlier.until - max(earlier.since, begun), 0.0))


def _changes(read: Read, shown: Sequence[Whose], totals: Mapping[Whose, Figures], baselines: Baselines) -> list[Change]:
    span = read.span
    serving = [whose for whose in shown if whose.role == SERVING]
    seconds = _block_seconds(span)
    now = {
        whose: Side(_own_blocks(read.grid.cells_of(whose), span), [], totals[whose])
        for whose in serving
        if totals[whose].requests or totals[whose].images
    }
    previous = {
        whose: Side(cells, [], Figures.total(cells.values()))
        for whose in serving
        if (cells := read.before.cells_of(whose))
    }
    normal = {}
    if read.compare != "previous":
        found = {whose: baseline_of(whose, baselines) for whose in now}
        normal = {whose: one["figures"] for whose, one in found.items() if one is not None}
    together = (
        _everything(shown),
        _side(blocks_of(read.grid.together(), span.block), seconds),
        _side(read.before.together(), _block_seconds(span.previous)),
    )
    if read.compare == "baseline":
        return changes_between(now, {}, normal)
    whole_record = read.begun is not None and read.begun <= span.previous.since
    return changes_between(now, previous, normal, together if whole_record else None)


def _own_blocks(cells: Mapping[int, Figures], span: Span) -> Cells:
    """Of the time there is something of: a version that came late would have too few blocks of the whole range."""
    return blocks_of(cells, span.own_block(min(cells), max(cells))) if cells else {}


def _side(blocks: Cells, seconds: Sequence[float]) -> Side:
    return Side(blocks, seconds, Figures.total(blocks.values()))


def _block_seconds(span: Span) -> list[float]:
    """How long each block of a range lasted."""
    seconds = [0.0] * (span.block(span.buckets - 1) + 1)
    for place in range(span.buckets):
        seconds[span.block(place)] += span.seconds(place)
    return seconds


def _span_document(span: Span, recorded_s: float) -> dict[str, Any]:
    return {"since": span.since, "until": span.until, "recorded_s": round(recorded_s, 3)}


def _whose_document(whose: Whose) -> dict[str, Any]:
    return whose._asdict()


def _totals(now: Figures, previous: Figures, times: _Times) -> dict[str, Any]:
    return {"now": figures_document(now, times.now), "previous": figures_document(previous, times.previous)}


def _reference(baseline: Mapping[str, Any] | None) -> dict[str, Any]:
    """What is normal, the id of that baseline and whose it is."""
    return {
        "baseline": None if baseline is None else _normal_document(baseline),
        "baseline_id": None if baseline is None else baseline["baseline_id"],
        "baseline_model_id": None if baseline is None else baseline["model_id"],
    }


def _normal_document(baseline: Mapping[str, Any]) -> dict[str, Any]:
    """The OverviewFigures of a baseline."""
    figures, seconds = baseline["figures"], baseline["until"] - baseline["since"]
    counts = {name: int(figures.get(name) or 0) for name in ("requests", "images", "detections")}
    rate = counts["requests"] / seconds if seconds > 0 else None
    values = {name: figures.get(name) for name in FIGURES} | {"request_rate": rate}
    return counts | {name: None if value is None else shortened(value) for name, value in values.items()}


def _change_document(change: Change) -> dict[str, Any]:
    return {
        "model": change.whose.model,
        "version": change.whose.version,
        "metric": change.metric,
        "label": change.label,
        "before": shortened(change.before),
        "after": shortened(change.after),
        "against": change.against,
    }
