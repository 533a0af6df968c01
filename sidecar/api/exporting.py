"""Files that are sent while they are made: how many at a time, how they end, and how a reader sees that one did not."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from sidecar.api.problems import Problem
from sidecar.recording import PredictionScan, StoreError, predictions_of
from sidecar.recording.columns import Row

if TYPE_CHECKING:
    from sidecar.api.exports import Writer

EXPORTS_MAX = 2
"""Exports at a time."""
PIECE_BYTES = 256 * 1024
WRITE_S_MAX = 60.0
"""How long a reader may take for a piece of PIECE_BYTES."""
EXPORT_S_MAX = 6 * 3_600.0
"""How long an export may take in all."""
OUTCOMES = ("done", "left", "slow", "store", "fault", "stopped")
_log = logging.getLogger(__name__)


class Exports:
    """The exports of one admin port. ``turned_away`` counts those there was no room for, ``ended`` the others by how
    they ended: done; left, the reader went away; slow, it did not read; store, that could not be read to the end;
    fault; stopped, with the sidecar."""

    def __init__(self, turned_away: Counter[str]) -> None:
        self.ended: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))
        self._turned_away = turned_away
        self._running: dict[asyncio.Task[object], web.Request] = {}
        self._stopping = False

    @property
    def running(self) -> int:
        """How many are under way."""
        return len(self._running)

    @contextmanager
    def place(self, request: web.Request) -> Iterator[None]:
        """Room for one. Raises a 503 Problem where there is none."""
        if len(self._running) >= EXPORTS_MAX:
            self._turned_away["exports"] += 1
            raise Problem(503, f"{EXPORTS_MAX} exports are under way; try again", headers={"Retry-After": "5"})
        task = asyncio.current_task()
        assert task is not None, "requests are answered in tasks"
        self._running[task] = request
        try:
            yield
        finally:
            del self._running[task]

    async def stop(self, _: web.Application) -> None:
        """Break off those under way: the sidecar stops, and does not wait for them."""
        self._stopping = True
        for task, request in list(self._running.items()):
            _abort(request)
            task.cancel()

    async def send(
        self, request: web.Request, scan: PredictionScan, writer: Writer, headers: Mapping[str, str]
    ) -> web.StreamResponse:
        """Answer with what ``writer`` makes of ``scan``. The first page is read before the answer begins, so that a
        store that can't be read is an error; one that fails later breaks the connection, since the reader would take a
        short body for the whole. Raises StoreError."""
        first = await scan.page()
        response = web.StreamResponse(headers=headers)
        outcome = "fault"
        try:
            await response.prepare(request)  # the reader may have left while the first page was read
            async with asyncio.timeout(EXPORT_S_MAX):
                await _send_all(response, scan, writer, first)
            outcome = "done"
        except TimeoutError:
            outcome = "slow"
        except ConnectionError:
            outcome = "left"
        except StoreError as error:
            outcome = "store"
            _log.error("an export broke off: %s", error)
        except asyncio.CancelledError:
            outcome = "stopped" if self._stopping else "left"
            raise
        except Exception:
            _log.exception("an export broke off")
        finally:
            self.ended[outcome] += 1
            if outcome != "done":
                _abort(request)
        return response


async def _send_all(response: web.StreamResponse, scan: PredictionScan, writer: Writer, rows: list[Row]) -> None:
    await _send(response, await asyncio.to_thread(writer.begin))
    while rows:
        await _send(response, await asyncio.to_thread(_page, writer, rows))
        rows = await scan.page()
    await _send(response, await asyncio.to_thread(writer.end))
    await response.write_eof()


def _page(writer: Writer, rows: list[Row]) -> bytes:
    return writer.page(predictions_of(rows))


async def _send(response: web.StreamResponse, made: bytes) -> None:
    """In pieces, so that neither what waits to be sent nor what a slow reader is given time for grows with a page."""
    for start in range(0, len(made), PIECE_BYTES):
        async with asyncio.timeout(WRITE_S_MAX):
            await response.write(made[start : start + PIECE_BYTES])


def _abort(request: web.Request) -> None:
    """Break the connection before the last chunk, so that nobody takes what was sent so far for the whole."""
    if request.transport is not None:
        request.transport.abort()
