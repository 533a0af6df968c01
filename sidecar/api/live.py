"""Live figures: made once a second while anybody listens, and the same for all who do."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from aiohttp import web

from sidecar.api import render
from sidecar.api.certificates import certificate_documents
from sidecar.api.live_window import Window
from sidecar.api.problems import Problem, dumps
from sidecar.api.services import Services

Document = dict[str, Any]
TICK_S = 1.0
LISTENERS_MAX = 32
RETRY_MS = 2_000
"""After how long a browser asks again once the stream broke."""
TESTS_SHOWN = 50
_EVENT = b"event: figures\nid: %d\nretry: %d\ndata: %b\n\n"
_KINDS = {"ab": "ab_test", "shadow": "shadow_test"}
_log = logging.getLogger(__name__)


class LiveFigures:
    """Figures of the moment over ``services``. Nothing waits in it for a listener: one that is slow misses some."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._window = Window()
        self._latest: Document = {}
        self._made_at = -TICK_S
        self._events: dict[tuple[float, str | None], bytes] = {}
        self._number = 0
        self._changed = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._listening: list[web.Request] = []
        self._stopped = False

    async def start(self, _: web.Application) -> None:
        """Begin to look at the totals."""
        self._running = asyncio.create_task(self._run())

    async def stop(self, _: web.Application) -> None:
        """End every listener at once, also one that does not read."""
        self._stopped = True
        self._changed.set()
        for request in self._listening:
            transport = request.transport
            if transport is not None and transport.get_write_buffer_size():
                transport.abort()
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running

    @contextmanager
    def place(self, request: web.Request) -> Iterator[None]:
        """Room for a listener. Raises a 503 Problem where there is none."""
        if len(self._listening) >= LISTENERS_MAX:
            self._services.turned_away["live"] += 1
            raise Problem(503, f"{LISTENERS_MAX} listen already; try again", headers={"Retry-After": "5"})
        self._listening.append(request)
        self._services.listeners += 1
        try:
            yield
        finally:
            self._listening.remove(request)
            self._services.listeners -= 1

    def snapshot(self, model: str | None) -> Document:
        """The figures of now."""
        self._renew()
        return {**of_model(self._latest, model), "interval_s": None}

    async def ticks(self) -> AsyncIterator[int]:
        """The number of each tick from now on, without those that were missed; ends with the sidecar."""
        self._renew()
        while not self._stopped:
            changed = self._changed
            yield self._number
            if not self._stopped:
                await changed.wait()

    def event(self, interval_s: float, model: str | None) -> bytes:
        """The figures of the latest tick as a server-sent event; made once for all who ask for the same."""
        asked = (interval_s, model)
        if asked not in self._events:
            document = {**of_model(self._latest, model), "interval_s": interval_s}
            self._events[asked] = _EVENT % (self._number, RETRY_MS, dumps(document))
        return self._events[asked]

    async def _run(self) -> None:
        while True:
            begun = time.monotonic()
            try:
                if self._window.is_due(begun):
                    self._window.note(self._services.totals.summaries(), begun)
                if self._listening:
                    self._make()
            except Exception:  # the next moment may go well: who listens must not wait for ever for one that did not
                _log.exception("live figures were not made")
            await asyncio.sleep(max(TICK_S - (time.monotonic() - begun), TICK_S / 10))

    def _renew(self) -> None:
        """Make them anew where they are over a second old."""
        if time.monotonic() - self._made_at >= TICK_S:
            self._make()

    def _make(self) -> None:
        now = time.monotonic()
        self._latest = self._document(now)
        self._made_at, self._number = now, self._number + 1
        self._events = {}
        self._changed.set()
        self._changed = asyncio.Event()

    def _document(self, now: float) -> Document:
        totals = self._services.totals
        watched = self._services.watch.figures()
        models, left_out = self._window.documents(totals.summaries(), now)
        return {
            "at": round(time.time(), 3),
            "interval_s": None,
            "window_s": self._window.length_s(now),
            "models": models,
            "left_out": left_out,
            "tests": self._tests(),
            "alerts": dict(watched["alerts"]),
            "faults": render.faults(
                workers := totals.workers(),
                totals.store(),
                watched["failing_channels"],
                totals.failing_parts(),
                certificate_documents(workers, time.time()),
                self._services.trials.figures()["failover"],
            ),
            "dropped": sum(totals.dropped().values()),
        }

    def _tests(self) -> list[Document]:
        figures = self._services.trials.figures()
        found: dict[str, Document] = {}
        for test_id, kind, model, variant, share in figures["active"]:
            status = figures["under_way"][test_id]
            plain = {"id": test_id, "kind": _KINDS[kind], "status": status, "model": model, "shares": {}}
            found.setdefault(test_id, plain)["shares"][variant] = share
        return list(found.values())[:TESTS_SHOWN]


def of_model(figures: Document, model: str | None) -> Document:
    """The figures of a model, or of one version (``name@version``), with the tests that are about it; None: of all."""
    if model is None:
        return figures
    mine = [entry for entry in figures["models"] if model in (entry["model"], f"{entry['model']}@{entry['version']}")]
    names = {model, *(entry["model"] for entry in mine), "*"}
    return {**figures, "models": mine, "tests": [test for test in figures["tests"] if test["model"] in names]}
