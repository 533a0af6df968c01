"""What tests came to at some moments, kept where their sums are not kept over time: lasting units, shadow pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sidecar.experiments import Results
from sidecar.experiments.comparison import number
from sidecar.experiments.history import MetricPoint
from sidecar.recording import SnapshotRow, Trials

EVERY_S = 30.0
PART = 1 / 30
"""Of the time since a test began: the older it is, the less changes."""
SNAPSHOTS_MAX = 400
"""Of one test: every half a minute at first, then ever more seldom, they last for four years."""


def is_due(began: float, last: float, now: float) -> bool:
    """Whether a snapshot is due of a test that began at ``began``, the ``last`` of which was made then.

    >>> is_due(0.0, 3_000.0, 3_090.0), is_due(0.0, 3_000.0, 3_101.0)
    (False, True)
    """
    return now - last >= max(EVERY_S, (last - began) * PART)


class Snapshots:
    """Keeps snapshots in a store, as seldom as ``is_due`` allows."""

    def __init__(self, rows: Trials) -> None:
        self._rows = rows
        self._last: dict[str, tuple[float, int]] = {}

    async def due(self, trial_id: str, began: float, now: float) -> bool:
        """Whether one is to be kept now. Raises StoreError."""
        if trial_id not in self._last:
            self._last[trial_id] = await self._rows.last_snapshot(trial_id)
        last, count = self._last[trial_id]
        return count < SNAPSHOTS_MAX and is_due(began, last, now)

    async def keep(self, trial_id: str, at: float, document: Mapping[str, Any]) -> None:
        """Raises StoreError."""
        await self._rows.put_snapshot(SnapshotRow(trial_id, at, document))
        self._last[trial_id] = at, self._last.get(trial_id, (at, 0))[1] + 1

    def forget_but(self, known: Callable[[str], bool]) -> None:
        """Nothing is remembered of tests that are not ``known``."""
        self._last = {trial_id: last for trial_id, last in self._last.items() if known(trial_id)}


def ab_snapshot(results: Results) -> dict[str, Any]:
    """The points of all metrics of all treatments, by these names, and of whether units came as they should."""
    return {
        "comparisons": {
            comparison.treatment: {
                name: _without_at(MetricPoint.of_judged(0.0, found.judged, found.p_value_always_valid))
                | {"of": found.judged.of}
                for name, found in comparison.metrics.items()
            }
            for comparison in results.comparisons
        },
        "srm": {
            "p_value": number(results.srm.p_value),
            "p_value_lowest": number(results.srm.p_value),
            "observed": dict(results.srm.observed),
        },
    }


def shadow_snapshot(results: Mapping[str, Any]) -> dict[str, Any]:
    """Of the results of a shadow test, without what is by class."""
    counts, agreement, boxes = results["counts"], results["agreement"], results["boxes"]
    return {
        "requests": counts["requests"],
        "images": counts["images"],
        **{name: agreement[name] for name in ("image_rate", "box_rate", "mean_disagreement")},
        **{name: boxes[name] for name in ("missed_rate", "extra_rate", "flip_rate")},
        "confidence_shift": _bounded(results["confidence_shift"]),
        "latency_difference_ms": _bounded(results["latency"]["difference_ms"]),
    }


def _bounded(test: Mapping[str, Any]) -> dict[str, Any]:
    return {"difference": test["difference"], **test["always_valid"]}


def _without_at(point: MetricPoint) -> dict[str, Any]:
    document = point.to_dict()
    del document["at"]
    return document
