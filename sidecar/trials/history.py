"""How the results of tests came to be, as the API gives it out.

Of tests by request it is worked out of their buckets, by the statistics of the results. Of lasting units and of shadow
pairs no sums are kept over time, but what they came to as the test was looked after.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from sidecar.experiments.definition import Definition
from sidecar.experiments.history import Moment, metric_points, srm_points
from sidecar.experiments.lifecycle import Trial
from sidecar.experiments.metrics import METRICS
from sidecar.recording import Reader, SnapshotRow
from sidecar.trials.faults import TrialFault
from sidecar.trials.over_time import MOMENTS_MAX, Grain, moments_of
from sidecar.trials.readout import by_units
from sidecar.trials.snapshots import SNAPSHOTS_MAX, shadow_snapshot

Document = dict[str, Any]
Results = Mapping[str, Any]
"""An AbResults or ShadowResults, as ``results_document`` or ``pairs_document`` makes it."""

NOT_KEPT = "What this rests on is not kept over time any more: there is the present alone."
PART_GONE = "Points before the last rest on less than the results: a part is not kept over time any more."
AUDITED = (
    "feedback_score rests on reviews of the random sample, which come when somebody makes them: there is the present"
    " alone."
)
SENT_LATER = "Feedback that users sent counts when their images were seen, not when they sent it."


async def ab_history(
    trial: Trial, reader: Reader, results: Results, present: Results | None, metric: str | None, now: float
) -> Document:
    """An AbHistory. ``results`` are those of the test; of one of lasting units ``present`` is a snapshot of now, None
    where it is frozen. Raises StoreError, and TrialFault for a ``metric`` that the test is not about."""
    metrics = metrics_asked(trial, metric)
    end = now if trial.ended_at is None else trial.ended_at
    if by_units(trial):
        rows = await reader.snapshots_of(trial.trial_id, SNAPSHOTS_MAX)
        return of_snapshots(rows, present, results, metrics, end)
    moments, grain = await moments_of(trial, reader, end)
    return await asyncio.to_thread(of_moments, trial, moments, grain, results, metrics, end)


async def shadow_history(trial: Trial, reader: Reader, results: Results, now: float) -> Document:
    """A ShadowHistory. Raises StoreError."""
    rows = await reader.snapshots_of(trial.trial_id, SNAPSHOTS_MAX)
    end = now if trial.ended_at is None else trial.ended_at
    points = [{"at": row.at, **row.document} for row in rows if row.at < end]
    if results["counts"]["requests"]:
        points.append({"at": end, **shadow_snapshot(results)})
    limitations = [] if rows else ["No earlier points are kept: they are made while a test runs."]
    return {
        **{name: results[name] for name in ("id", "name", "status", "frozen", "at")},
        "points": _thinned(points),
        "limitations": limitations,
    }


def metrics_asked(trial: Trial, metric: str | None) -> tuple[str, ...]:
    """All of the test, or one. Raises TrialFault for one that it is not about."""
    definition = trial.definition
    assert isinstance(definition, Definition)
    if metric is None:
        return definition.metrics
    if metric not in definition.metrics:
        raise TrialFault("metric", f"{metric!r} is none of the test's: {', '.join(definition.metrics)}")
    return (metric,)


def of_moments(
    trial: Trial,
    moments: Sequence[Moment],
    grain: Grain | None,
    results: Results,
    metrics: Sequence[str],
    end: float,
) -> Document:
    """An AbHistory of a test by request."""
    definition = trial.definition
    assert isinstance(definition, Definition)
    limitations: list[str] = []
    audited = any(figures["feedback_completeness"] for figures in results["variants"].values())
    comparisons = []
    for comparison in results["comparisons"]:
        found = {}
        for name in metrics:
            shown = comparison["metrics"][name]
            over_time = [] if audited and name == "feedback_score" else moments
            points = metric_points(over_time, comparison["variant"], name, definition.tuning)
            documents = [point.to_dict() for point in points]
            for document, point in zip(documents, points, strict=True):
                if point.of != shown["confidence_sequence_of"]:  # a bound of a ratio is none of a difference
                    document |= {"ratio": None, "low": None, "high": None}
            if not _ends_as(documents, shown):
                last = _as_shown(shown, end)
                documents = [*(one for one in documents if one["at"] < end), last] if sum(last["n"].values()) else []
                limitations.append(AUDITED if audited and name == "feedback_score" else PART_GONE)
            _agree_on_lowest(documents, shown["p_value_always_valid"])
            found[name] = {**_heading(name, shown), "points": documents}
        comparisons.append({"variant": comparison["variant"], "metrics": found})
    srm = [point.to_dict() for point in srm_points(moments, definition.variants)]
    _agree_on_lowest(srm, results["srm"]["p_value"])
    if not srm and any(results["srm"]["observed"].values()):
        limitations.append(NOT_KEPT)
    if "feedback_score" in metrics and not audited and srm:
        limitations.append(SENT_LATER)
    return _history(results, None if grain is None else grain.width_s * grain.together, comparisons, srm, limitations)


def of_snapshots(
    rows: Sequence[SnapshotRow], present: Results | None, results: Results, metrics: Sequence[str], end: float
) -> Document:
    """An AbHistory of a test of lasting units."""
    kept: list[tuple[float, Results]] = [(min(row.at, end), row.document) for row in rows]
    if present is not None:
        kept = [*(one for one in kept if one[0] < end), (end, present)]
    kept = _thinned(kept)
    comparisons = []
    for comparison in results["comparisons"]:
        variant, found = comparison["variant"], {}
        for name in metrics:
            shown = comparison["metrics"][name]
            points = [{"at": at, **one["comparisons"][variant][name]} for at, one in kept]
            points = [one for one in points if one.pop("of") == shown["confidence_sequence_of"]]
            found[name] = {**_heading(name, shown), "points": points}
        comparisons.append({"variant": variant, "metrics": found})
    said = "Sums of lasting units are not kept over time: points are what the test came to as it was looked after"
    limitations = [f"{said}." if rows else f"{said}, and there are none yet but the present one."]
    return _history(results, None, comparisons, [{"at": at, **one["srm"]} for at, one in kept], limitations)


def _history(
    results: Results,
    width_s: int | None,
    comparisons: list[Document],
    srm: list[Document],
    limitations: Sequence[str],
) -> Document:
    return {
        **{name: results[name] for name in ("id", "name", "status", "frozen", "at", "alpha", "primary_metric")},
        "width_s": width_s,
        "comparisons": comparisons,
        "srm": srm,
        "limitations": list(dict.fromkeys(limitations)),
    }


def _heading(name: str, shown: Mapping[str, Any]) -> Document:
    metric = METRICS[name]
    return {
        "metric": name,
        "kind": metric.kind,
        "unit": metric.unit,
        "primary": shown["primary"],
        "confidence_sequence_of": shown["confidence_sequence_of"],
    }


def _ends_as(documents: Sequence[Document], shown: Mapping[str, Any]) -> bool:
    """Whether the last point has seen all that the results rest on; it may have seen more."""
    n = documents[-1]["n"] if documents else {"model_a": 0, "model_b": 0}
    return all(n[side] >= shown["n"][side] for side in n)


def _agree_on_lowest(points: Sequence[Document], lowest: float) -> None:
    """What a test rests on is the ``lowest`` p-value that it was found at while it was looked after: none of the points
    may be lower, and the last one is that."""
    for point in points:
        point["p_value_lowest"] = max(point["p_value_lowest"], lowest)
    if points:
        points[-1]["p_value_lowest"] = lowest


def _as_shown(shown: Mapping[str, Any], at: float) -> Document:
    low, high = shown["confidence_sequence"]
    return {
        "at": at,
        "n": dict(shown["n"]),
        "difference": shown["difference"],
        "ratio": None,
        "low": low,
        "high": high,
        "p_value": None,
        "p_value_lowest": shown["p_value_always_valid"],
    }


def _thinned(points: list[Any]) -> list[Any]:
    """MOMENTS_MAX of them at most, the last among them.

    >>> _thinned(list(range(401)))[-2:], len(_thinned(list(range(401))))
    ([397, 400], 134)
    """
    step = -(-len(points) // MOMENTS_MAX)
    return points if step <= 1 else points[::-1][::step][::-1]
