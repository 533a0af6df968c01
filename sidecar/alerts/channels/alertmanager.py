"""Prometheus' Alertmanager, API v2 (https://prometheus.io/docs/alerting/latest/alerts_api/).

It forgets an alert that is not posted again, so firing ones carry an end FIRING_S ahead and are re-posted until they
are resolved. An alert is known there by its labels alone, ``alert_id`` among them; all that changes goes into
annotations.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from sidecar.alerts.channels.channel import SendError
from sidecar.alerts.channels.posting import Request, post
from sidecar.alerts.channels.settings import NotifySettings
from sidecar.alerts.channels.targets import Guard
from sidecar.alerts.channels.wording import lines_of, plain, timestamp
from sidecar.alerts.notice import Notice

FIRING_S = 300.0
TEST_S = 60.0
DEFAULT_NAME = "main"
SEVERITY = "warning"
_ENDED = frozenset(("resolved", "settled"))


class AlertmanagerChannel:
    """Posts to an Alertmanager by its name; without one to the only one there is, or to ``main``."""

    def __init__(self, settings: NotifySettings, guard: Guard, clock: Callable[[], float]) -> None:
        self._urls = dict(settings.alertmanagers)
        self._guard = guard
        self._clock = clock

    def warning(self, target: str) -> str:
        """What must be configured; empty where nothing is missing."""
        url = self._url(target)
        if not url:
            name = f" called {target}" if target else "" if not self._urls else f" called {DEFAULT_NAME}"
            return f"no Alertmanager{name} is configured: set notify.alertmanagers"
        return self._guard.warning(url)

    def resolved(self, target: str) -> str:
        """The name of the server that ``target`` leads to: the first that is configured with its address. Without one
        the target itself.
        """
        url = self._url(target)
        return next((name for name, other in self._urls.items() if url and _same(url, other)), target)

    async def send(self, target: str, notice: Notice, notice_id: str) -> None:
        """Post one alert. A repeat changes nothing there. Raises SendError."""
        await self.post(target, [notice])

    async def post(self, target: str, notices: Sequence[Notice]) -> None:
        """Post alerts in one request. Raises SendError."""
        url = self._url(target)
        if not url:
            raise SendError(self.warning(target), passing=False)
        now = self._clock()
        body = json.dumps([alert(notice, now) for notice in notices]).encode()
        url = f"{url.rstrip('/')}/api/v2/alerts"
        await post(self._guard, Request(url, body, {}, quote_answer=True), now)

    async def close(self) -> None:
        """Nothing is held."""

    def _url(self, target: str) -> str:
        if not target and len(self._urls) == 1:
            return next(iter(self._urls.values()))
        return self._urls.get(target or DEFAULT_NAME, "")


def _same(url: str, other: str) -> bool:
    return url.rstrip("/") == other.rstrip("/")


def alert(notice: Notice, now: float) -> dict[str, Any]:
    """One alert as Alertmanager takes it. A test gets a label of its own, so that it never stands for the real alert.

    An end before the beginning would be refused: times in disorder (a clock was set) are put in order.
    """
    labels = {
        "alertname": plain(notice.name) or plain(notice.alert_id),  # without one nothing there can name it
        "alert_id": plain(notice.alert_id),
        "model": plain(notice.model),
        "version": plain(notice.version),
        "slice": plain(notice.slice),
        "severity": SEVERITY,
    }
    if notice.kind == "test":
        labels["test"] = "true"
    starts_at = min(notice.starts_at, now)
    ends_at = max(_ends_at(notice, now), starts_at)
    link = {"generatorURL": notice.link} if notice.link else {}
    return {
        "labels": {name: value for name, value in labels.items() if value},  # an empty label is an absent one
        "annotations": {"summary": plain(notice.subject), "description": "\n".join(lines_of(notice))},
        "startsAt": timestamp(starts_at),
        "endsAt": timestamp(ends_at),
        **link,
    }


def _ends_at(notice: Notice, now: float) -> float:
    if notice.kind in _ENDED:
        return now if notice.ends_at is None else min(notice.ends_at, now)
    return now + (TEST_S if notice.kind == "test" else FIRING_S)
