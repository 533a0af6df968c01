"""What is usual for a metric at each hour, learnt from the hours that are recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from sidecar.alerts import METRICS, Condition, Facts, Figures
from sidecar.drift import Seasonal, fit_seasonal
from sidecar.watch.history import History, Rows
from sidecar.watch.scope import Scope

HOUR_S = 3_600
LEARNT_S = 8 * 7 * 86_400
"""The past that is learnt from: eight weeks."""
KEPT_MAX = 500
"""Seasons kept; beyond that all are learnt anew."""


class Seasons:
    """Seasonal baselines by scope, metric and class, learnt anew once an hour."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._kept: dict[tuple[Scope, str, str], tuple[int, Seasonal | None]] = {}

    async def of(
        self, scope: Scope, condition: Condition, baseline: Mapping[str, Any] | None, now: float
    ) -> Seasonal | None:
        """None before three days are recorded."""
        key = (scope, condition.metric, condition.class_name)
        hour = int(now) // HOUR_S
        known = self._kept.get(key)
        if known is None or known[0] != hour:
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            until = hour * HOUR_S
            rows = await self._history.rows(scope, until - LEARNT_S, until, HOUR_S)
            fitted = await asyncio.to_thread(_fit, rows, condition, baseline)
            known = self._kept[key] = hour, fitted
        return known[1]


def _fit(rows: Rows, condition: Condition, baseline: Mapping[str, Any] | None) -> Seasonal | None:
    """Hours with too few samples say nothing of what is usual."""
    hours: dict[int, list[Figures]] = {}
    for key, summary in rows:
        hours.setdefault(key.bucket // HOUR_S * HOUR_S, []).append(Figures.of(summary))
    metric = METRICS[condition.metric]
    values = []
    for start in sorted(hours):
        reading = metric.measure(Facts(Figures.total(hours[start]), HOUR_S, baseline), condition.class_name)
        if not reading.reason and (not metric.samples or reading.samples >= condition.min_samples):
            values.append((float(start), reading.value))
    return fit_seasonal([(start, value) for start, value in values if value == value])
