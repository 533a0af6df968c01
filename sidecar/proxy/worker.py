"""The worker process: ``python -m sidecar.proxy.worker``, started by the supervisor.

It reads one line of JSON from stdin, ``{"worker", "listen_fd", "status_fd", "link", "settings"}``, serves on the
inherited listener and writes lines of JSON to ``status_fd``: ``{"accepting": bool, "upstreams": {name: up}}``, at start
and at each change. It drains at the end of stdin or on SIGTERM, and leaves Ctrl-C to the supervisor.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import socket
import sys
from time import monotonic, process_time, time_ns
from typing import Any

import setproctitle
import uvloop

from sidecar.link import pack_json, settings_from_json
from sidecar.proxy.relay import Proxy
from sidecar.proxy.tap import Tap
from sidecar.types import Exchange, ProxySettings

TAP_FLUSH_S = 2.0
_PAGE_BYTES = resource.getpagesize()


class Worker:
    """A proxy, its tap and their life in a process."""

    def __init__(self, start: dict[str, Any], settings: ProxySettings) -> None:
        self._listen_fd: int = start["listen_fd"]
        self._status_fd: int = start["status_fd"]
        self._accepting = False
        self._told: dict[str, Any] = {}
        self._stop = asyncio.Event()
        self.proxy = Proxy(settings, self, start["worker"], self._tell_supervisor)
        limits = settings.limits
        self.tap = Tap(
            path=start["link"],
            worker=start["worker"],
            epoch=time_ns(),
            bytes_max=limits.tap_bytes_max,
            book=self.proxy.book,
            ring=self.proxy.ring,
            asks=self.proxy.desk.asks,
            status=self.status,
            apply=self._apply,
            settings_version=lambda: self.proxy.settings.version,
            clock=monotonic,
        )

    def exchange(self, exchange: Exchange) -> None:
        self.tap.exchange(exchange)

    async def run(self) -> None:
        """Serves until told to stop, then drains. Returns within ``drain_grace_s``."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        await self._watch_stdin()
        self.tap.start()
        await self.proxy.create_server(sock=socket.socket(fileno=self._listen_fd))
        self._accepting = True
        self._tell_supervisor()
        await self._stop.wait()
        await self._drain()

    async def _watch_stdin(self) -> None:
        stop = self._stop

        class EndOfInput(asyncio.Protocol):
            def connection_lost(self, exc: Exception | None) -> None:
                stop.set()

            def eof_received(self) -> bool:
                stop.set()
                return False

        await asyncio.get_running_loop().connect_read_pipe(EndOfInput, sys.stdin.buffer)

    async def _drain(self) -> None:
        limits = self.proxy.settings.limits
        deadline = monotonic() + limits.drain_grace_s
        flush_s = min(TAP_FLUSH_S, limits.drain_grace_s / 4)
        self.proxy.draining = True
        await asyncio.sleep(min(limits.drain_delay_s, limits.drain_grace_s / 2))
        await asyncio.sleep(0.02)  # whom the kernel has accepted already is served
        self.proxy.stop_accepting()
        self._accepting = False
        self._tell_supervisor()
        while self.proxy.downstreams and monotonic() < deadline - flush_s - 0.1:
            if not self.proxy.in_flight:
                self.proxy.close_idle()
            await asyncio.sleep(0.02)
        if self.proxy.in_flight:
            self.proxy.hit("drain_grace_s")
        await self.proxy.close()
        await self.tap.close(flush_s)

    def _apply(self, settings: ProxySettings) -> None:
        if self.proxy.apply(settings):
            self.tap.bytes_max = settings.limits.tap_bytes_max

    def _tell_supervisor(self) -> None:
        told = {
            "accepting": self._accepting,
            "upstreams": {name: upstream.up for name, upstream in self.proxy.upstreams.items()},
        }
        if not self._accepting and not self._told:
            return
        if told != self._told:
            self._told = told
            try:
                os.write(self._status_fd, pack_json(told) + b"\n")
            except OSError:
                self.proxy.hit("status_fd")

    def status(self) -> dict[str, Any]:
        """The gauges of a STATUS frame; ``cpu_s`` since the process began."""
        proxy = self.proxy
        return {
            "in_flight": proxy.in_flight,
            "shadows_in_flight": proxy.shadows.in_flight,
            "connections": len(proxy.downstreams),
            "asks": len(proxy.desk.asks),
            "ring_bytes": proxy.ring.bytes,
            "ring_items": len(proxy.ring),
            "upstreams": {
                name: {"up": upstream.up, "connections": len(upstream.connections), "idle": upstream.idle}
                for name, upstream in proxy.upstreams.items()
            },
            "limits_hit": proxy.limits_hit,
            "rss_bytes": _rss_bytes(),
            "cpu_s": process_time(),
            "settings": proxy.settings.version,
        }


def _rss_bytes() -> int:
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * _PAGE_BYTES
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _read_start() -> bytes:
    """The first line of stdin, read byte by byte so that nothing behind it is taken into a buffer."""
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            break
        line += byte
    return bytes(line)


async def _serve(start: dict[str, Any], settings: ProxySettings) -> None:
    await Worker(start, settings).run()


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        start = json.loads(_read_start())
        settings = settings_from_json(json.dumps(start["settings"]).encode())
        setproctitle.setproctitle(f"sidecar: worker {start['worker']}")
    except (ValueError, KeyError, TypeError) as error:
        print(f"worker: the start line on stdin is not usable: {error!r}", file=sys.stderr)
        return 2
    uvloop.run(_serve(start, settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
