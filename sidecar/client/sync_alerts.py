"""The part of the client for ordinary code that is about alerts.

Made of aio_alerts.py by tests/client/unasync.py: change that, not this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sidecar.client import calls_alerts
from sidecar.client.calls import Filter, Length, Moment
from sidecar.client.pages import Pages
from sidecar.client.records import Alert, AlertMetric, AlertPreview, ChannelTest, Notification, Transition
from sidecar.client.results import Records
from sidecar.client.sync_asking import Asking


class AlertMethods(Asking):
    """What ``Client`` can do about alerts."""

    def create_alert(
        self,
        model_id: str,
        name: str,
        condition: Mapping[str, Any],
        notify: Sequence[str] | str | None = None,
        slice: str = "",
        enabled: bool = True,
    ) -> Alert:
        """Create an alert. ``condition``: metric, operator, threshold, window, and more (docs/alerts.md).

        ``notify`` are channels such as ``email:team@company.com``; one that is not configured is accepted, and
        ``delivery`` of the result warns of it. Raises InvalidRequest naming what is wrong.
        """
        return self._run(calls_alerts.create_alert(model_id, name, condition, notify, slice, enabled))

    def preview_alert(
        self, model_id: str, condition: Mapping[str, Any], slice: str = "", period: str | None = None
    ) -> AlertPreview:
        """When an alert with this ``condition`` would have fired in ``period`` (the past week; 30 days at most): its
        ``firings`` with times in epoch seconds and values in ``unit``, and a ``sentence``. Nothing is created.

        Metrics that are not measured from summaries have no preview: raises InvalidRequest naming what is wrong.
        """
        return self._run(calls_alerts.preview_alert(model_id, condition, slice, period))

    def alerts(self, model_id: str | None = None, state: str | None = None) -> Records[Alert]:
        """Alerts and how they stand, of one model or all, in one state or any."""
        return self._run(calls_alerts.alerts(model_id, state))

    def get_alert(self, alert_id: str) -> Alert:
        """One alert. Raises NotFound."""
        return self._run(calls_alerts.alert(alert_id))

    def update_alert(
        self,
        alert_id: str,
        name: str | None = None,
        condition: Mapping[str, Any] | None = None,
        notify: Sequence[str] | str | None = None,
        enabled: bool | None = None,
        if_match: str | None = None,
    ) -> Alert:
        """Change what is not None of an alert. ``if_match``, its ``etag`` as it was read, makes sure that nobody else
        changed it since. Raises NotFound, InvalidRequest, Changed."""
        changes = {"name": name, "condition": condition, "notify": notify, "enabled": enabled}
        return self._run(calls_alerts.update_alert(alert_id, changes, if_match))

    def delete_alert(self, alert_id: str, if_match: str | None = None) -> Alert:
        """Delete an alert; returns it as it was. ``if_match`` as for ``update_alert``. Raises NotFound, Changed."""
        return self._run(calls_alerts.delete_alert(alert_id, if_match))

    def acknowledge_alert(self, alert_id: str, by: str) -> Alert:
        """Take note of a firing alert: it is not repeated until it fires again. Raises NotFound, InvalidRequest."""
        return self._run(calls_alerts.acknowledge_alert(alert_id, by))

    def silence_alert(
        self, alert_id: str, until: Moment | None = None, for_: Length | None = None, by: str = ""
    ) -> Alert:
        """Send no notices ``until`` a time or ``for_`` some time (``"2h"``, a timedelta). Raises NotFound."""
        return self._run(calls_alerts.silence_alert(alert_id, until, for_, by))

    def end_silence(self, alert_id: str, by: str = "") -> Alert:
        """Send notices of an alert again. Raises NotFound."""
        return self._run(calls_alerts.end_silence(alert_id, by))

    def test_alert(self, alert_id: str) -> Records[ChannelTest]:
        """Send a test notice to every channel of an alert; ``channel``, ``ok`` and ``error`` of each."""
        return self._run(calls_alerts.test_alert(alert_id))

    def alert_transitions(
        self, alert_id: str | None = None, model_id: str | None = None, limit: int | None = None
    ) -> Pages[Transition]:
        """Changes of alerts' states, newest first, over all pages; ``limit`` is the size of a page."""
        filters: dict[str, Filter] = {"alert_id": alert_id, "model_id": model_id, "limit": limit}
        return self._pages(calls_alerts.alert_transitions_page, filters)

    def alert_notifications(self, alert_id: str) -> Records[Notification]:
        """The latest notifications of an alert, newest first: sent, waiting or given up. Raises NotFound."""
        return self._run(calls_alerts.alert_notifications(alert_id))

    def alert_metrics(self) -> Records[AlertMetric]:
        """What a condition may watch."""
        return self._run(calls_alerts.alert_metrics())
