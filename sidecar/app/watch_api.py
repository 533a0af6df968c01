"""What the API asks about baselines, drift and alerts, answered by the room that watches."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from sidecar.alerts import METRICS
from sidecar.api.services import Conflict, ControlError, NotThere
from sidecar.api.watch import WatchFigures
from sidecar.app.watch_documents import (
    alert_document,
    baseline_document,
    check_document,
    export_document,
    notification_document,
    preview_document,
    transition_document,
)
from sidecar.app.watching import Watching
from sidecar.drift import BaselineError
from sidecar.recording import Full
from sidecar.watch import Clash, Entry, Fault, Faults, Missing, Scope, filter_of, scope_of

P = ParamSpec("P")
T = TypeVar("T")
Document = dict[str, Any]


def answered(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """The faults of a question as the API's errors."""

    @functools.wraps(method)
    async def asked(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except Missing as fault:
            raise NotThere(fault.field, fault.message) from fault
        except Clash as fault:
            raise Conflict(fault.field, fault.message) from fault
        except Fault as fault:
            raise ControlError(fault.field, fault.message) from fault
        except Faults as faults:
            raise ControlError.of(list(faults.faults)) from faults
        except Full as full:
            raise Conflict(full.field, full.message) from full

    return asked


class WatchApi:
    """``api.watch.Watch`` over what watches."""

    def __init__(self, watching: Watching) -> None:
        self._watching = watching

    @answered
    async def set_baseline(self, model_id: str, period: str, name: str, replace: bool) -> Document:
        return baseline_document(await self._watching.normal.freeze(model_id, period, name, replace))

    @answered
    async def baselines(self, model_id: str | None) -> list[Document]:
        return [baseline_document(row) for row in await self._watching.normal.rows(model_id)]

    @answered
    async def baseline(self, baseline_id: str) -> Document:
        return baseline_document(await self._watching.normal.row(baseline_id))

    @answered
    async def export_baseline(self, baseline_id: str) -> Document:
        row = await self._watching.normal.row(baseline_id)
        try:
            return await asyncio.to_thread(export_document, row)
        except BaselineError as error:
            raise Fault("baseline_id", f"can't be read by this release: {error}") from error

    @answered
    async def delete_baseline(self, baseline_id: str) -> Document:
        return baseline_document(await self._watching.normal.delete(baseline_id))

    @answered
    async def check_drift(
        self,
        model_id: str,
        reference_period: str,
        current_period: str,
        *,
        slice: str,
        by_slice: bool,
        source: str,
        distributions: bool,
    ) -> Document:
        return await self._watching.drift.check(
            model_id,
            reference_period,
            current_period,
            slice=slice,
            by_slice=by_slice,
            source=source,
            distributions=distributions,
        )

    @answered
    async def drift_checks(self, model_id: str | None, slice: str | None, limit: int, cursor: str | None) -> Document:
        scope = await self._filter(model_id) or Scope("")
        page = await self._watching.drift_checks.page(
            scope.model or None, scope.version or None, slice, before=cursor, limit=limit
        )
        return {"items": [check_document(row) for row in page.items], "next": page.next}

    @answered
    async def create_alert(
        self,
        model_id: str,
        name: str,
        condition: Mapping[str, Any],
        notify: Sequence[str],
        slice: str,
        enabled: bool,
    ) -> Document:
        scope = await self._scope(model_id)
        entry = await self._watching.book.create(scope._replace(slice=slice), name, condition, notify, enabled=enabled)
        return self._alert(entry)

    @answered
    async def preview_alert(self, model_id: str, condition: Mapping[str, Any], slice: str, period: str) -> Document:
        scope = await self._scope(model_id)
        found = await self._watching.previews.preview(scope._replace(slice=slice), condition, period)
        return await asyncio.to_thread(preview_document, found)

    @answered
    async def alerts(self, model_id: str | None, state: str | None) -> list[Document]:
        scope = await self._filter(model_id)
        return [
            self._alert(entry)
            for entry in self._watching.book.all()
            if (scope is None or (entry.row.model == scope.model and scope.version in ("", entry.row.version)))
            and state in (None, entry.state.state)
        ]

    @answered
    async def alert(self, alert_id: str) -> Document:
        return self._alert(self._watching.book.get(alert_id))

    @answered
    async def update_alert(
        self,
        alert_id: str,
        *,
        name: str | None = None,
        condition: Mapping[str, Any] | None = None,
        notify: Sequence[str] | None = None,
        enabled: bool | None = None,
    ) -> Document:
        entry = await self._watching.book.update(
            alert_id, name=name, condition=condition, notify=notify, enabled=enabled
        )
        self._watching.wake()
        return self._alert(entry)

    @answered
    async def delete_alert(self, alert_id: str) -> Document:
        entry = await self._watching.book.delete(alert_id)
        self._watching.wake()
        return self._alert(entry)

    @answered
    async def acknowledge_alert(self, alert_id: str, by: str) -> Document:
        return self._alert(await self._watching.book.acknowledge(alert_id, by))

    @answered
    async def silence_alert(self, alert_id: str, until: float | None, by: str) -> Document:
        return self._alert(await self._watching.book.silence(alert_id, until, by))

    @answered
    async def test_alert(self, alert_id: str) -> list[Document]:
        entry = self._watching.book.get(alert_id)
        notice = self._watching.book.notice(entry, "test")
        errors = await asyncio.gather(*(self._watching.sender.test(channel, notice) for channel in entry.row.notify))
        return [
            {"channel": channel, "ok": not error, "error": error}
            for channel, error in zip(entry.row.notify, errors, strict=True)
        ]

    @answered
    async def transitions(self, alert_id: str | None, model_id: str | None, limit: int, cursor: str | None) -> Document:
        scope = await self._filter(model_id)
        page = await self._watching.alerts.transitions(
            alert_id,
            None if scope is None else scope.model,
            None if scope is None else scope.version or None,
            before=cursor,
            limit=limit,
        )
        return {"items": [transition_document(row) for row in page.items], "next": page.next}

    @answered
    async def notifications(self, alert_id: str) -> list[Document]:
        rows = await self._watching.notifications.of_alert(alert_id)
        if not rows:
            self._watching.book.get(alert_id)  # to tell an alert without notifications from none at all
        return [notification_document(row) for row in rows]

    async def alert_metrics(self) -> list[Document]:
        return [metric.to_dict() for metric in METRICS.values()]

    def figures(self) -> WatchFigures:
        return self._watching.figures()

    async def _scope(self, model_id: str) -> Scope:
        """A model that is known, or that an alert is of; "" is the sidecar itself."""
        return scope_of(model_id, await self._known()) if model_id else Scope("")

    async def _filter(self, model_id: str | None) -> Scope | None:
        if model_id is None:
            return None
        return filter_of(model_id, await self._known()) if model_id else Scope("")

    async def _known(self) -> list[tuple[str, str]]:
        known = await self._watching.history.named()
        # without anything else known an alert's model says nothing of what others may be called
        of_alerts = [(entry.row.model, entry.row.version) for entry in self._watching.book.all()] if known else []
        return [*known, *of_alerts]

    def _alert(self, entry: Entry) -> Document:
        return alert_document(entry, self._watching.channels.warning)
