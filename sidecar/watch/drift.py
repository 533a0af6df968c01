"""Questions about drift: two periods a person names, answered at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sidecar.drift import DriftReport, Level, Period, PeriodError, parse_period
from sidecar.watch.comparison import NothingSeen, Test, compare_sides
from sidecar.watch.history import History
from sidecar.watch.normal import Normal
from sidecar.watch.scope import Fault, Scope, scope_of
from sidecar.watch.sides import PeriodSide, Side, Together

REFERENCE, CURRENT = "reference_period", "current_period"
SLICES_MAX = 200
SLICE_PERMUTATIONS = 9_999
SLICE_ALPHA_MIN = 5 / (SLICE_PERMUTATIONS + 1)
"""The five scores of a report can't be told apart from chance at a lower one, with so many permutations."""


class Drift:
    """Compares periods of a model, or a period with a baseline."""

    def __init__(
        self, history: History, normal: Normal, independent: Callable[[str], bool], clock: Callable[[], float]
    ) -> None:
        self._history = history
        self._normal = normal
        self._independent = independent
        self._clock = clock

    async def check(
        self,
        model_id: str,
        reference: str,
        current: str,
        *,
        slice: str = "",
        by_slice: bool = False,
        source: str = "auto",
        distributions: bool = False,
    ) -> dict[str, Any]:
        """The report as a document. ``reference`` and ``current`` are periods or names of baselines. Where a period has
        no predictions, it has no distances, and its sentence says which have.

        Raises Fault naming what can't be.
        """
        if slice and by_slice:
            raise Fault("by_slice", f"asks for every slice, and slice for {slice!r} alone: one of both")
        scope = scope_of(model_id, await self._history.named(), slice)
        test = Test(independent=self._independent(scope.model), images=source != "summaries")
        from_predictions = source == "predictions"
        sides = [
            await self._side(scope, text, field, from_predictions=from_predictions)
            for text, field in ((reference, REFERENCE), (current, CURRENT))
        ]
        report = await self._compared(sides, test)
        of_images = report.blocks.level is Level.IMAGE
        document = report.to_dict(distributions=distributions) | {
            "model_id": scope.model_id,
            "slice": slice,
            "reference": dict(sides[0].what),
            "current": dict(sides[1].what),
            "source": "predictions" if from_predictions or of_images else "summaries",
        }
        if by_slice:
            document["slices"] = await self._by_slice(scope, (reference, current), test, from_predictions)
        return document

    async def _by_slice(
        self, scope: Scope, periods: tuple[str, str], test: Test, from_predictions: bool
    ) -> list[dict[str, Any]]:
        """Every slice seen in the current period, the most drifted first; alpha is shared out among them."""
        current = await self._side(scope, periods[1], CURRENT, from_predictions=False)
        names = (await self._history.slices(scope, current.period))[:SLICES_MAX]
        alpha = max(test.alpha / max(len(names), 1), SLICE_ALPHA_MIN)
        shared = replace(test, alpha=alpha, permutations=SLICE_PERMUTATIONS)
        reports = []
        for name in names:
            part = scope._replace(slice=name)
            sides = [
                await self._side(part, text, field, from_predictions=from_predictions)
                for text, field in zip(periods, (REFERENCE, CURRENT), strict=True)
            ]
            try:
                report = await compare_sides(sides[0], sides[1], shared)
            except NothingSeen:
                continue  # a camera that is new, or gone: there is nothing to compare
            reports.append({"slice": name, **report.to_dict()})
        return sorted(reports, key=lambda item: (not item["significant_drift"], -_highest(item)))

    async def _compared(self, sides: list[Side], test: Test) -> DriftReport:
        try:
            return await compare_sides(sides[0], sides[1], test)
        except NothingSeen as nothing:
            period, scope = sides[nothing.side].period, sides[nothing.side].scope
            if (await self._history.total(scope, period)).images:
                message = (
                    f"the predictions of {scope.model_id} in {period} are no longer kept: ask for source summaries"
                )
                raise Fault("source", message) from nothing
            report = await asyncio.to_thread(nothing.report, test)
            why = await self._normal.nothing_between(scope, period)
            return replace(report, sentence=f"Nothing to compare: {why}.")

    async def _side(self, scope: Scope, text: str, field: str, *, from_predictions: bool) -> Side:
        """A baseline of that name, else the period that the text says."""
        rows = await self._normal.named(scope, text.strip())
        if rows and not scope.slice:
            frozen = [await self._normal.side(row) for row in rows]
            return frozen[0] if len(frozen) == 1 else Together(frozen)
        if rows:
            # a baseline keeps no slices apart: the slice's own past is the better reference anyway, if need be of the
            # version that the baseline is of
            scope = scope._replace(version=rows[0].version) if scope.version else scope
            period = Period(min(row.since for row in rows), max(row.until for row in rows))
        else:
            period = await self._period(scope, text, field)
        return PeriodSide(self._history, scope, period, from_predictions=from_predictions)

    async def _period(self, scope: Scope, text: str, field: str) -> Period:
        try:
            return parse_period(text, self._clock(), field)
        except PeriodError as error:
            hint = ""
            if not any(sign.isdigit() for sign in text):  # else it was meant as a time
                known = sorted({row.name for row in await self._normal.rows() if row.model == scope.model})
                hint = f"; baselines of {scope.model}: {', '.join(known) or 'none yet'}"
            raise Fault(field, error.message + hint) from error


def _highest(report: dict[str, Any]) -> float:
    return max((score["corrected"] or 0.0 for score in report["scores"].values()), default=0.0)
