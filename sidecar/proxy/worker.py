"""The worker process: ``python -m sidecar.proxy.worker``, started by the supervisor.

Its stdin is a socket. A first byte brings two descriptors, the listener and a pipe; then comes one line of JSON,
``{"worker", "link", "settings"}``. It serves on the listener and writes lines of JSON to the pipe:
``{"accepting": bool, "ending": bool, "upstreams": {name: up}}``, at start and at each change; ``ending`` once it drains
and accepts no more. It drains at the end of stdin or on SIGTERM, and leaves Ctrl-C to the supervisor.
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
from sidecar.proxy.descriptors import raise_open_files
from sidecar.proxy.drain import ACCEPTED_S, TAP_FLUSH_S, finish_requests, let_in_the_last
from sidecar.proxy.relay import Proxy
from sidecar.proxy.tap import Tap
from sidecar.proxy.tls import Watch
from sidecar.types import Exchange, ProxySettings

_PAGE_BYTES = resource.getpagesize()


class Worker:
    """A proxy, its tap and their life in a process."""

    def __init__(self, start: dict[str, Any], settings: ProxySettings, listen_fd: int, status_fd: int) -> None:
        self._listen_fd = listen_fd
        self._status_fd = status_fd
        self._accepting = False
        self._ending = False
        self._last = False
        self._told_at = 0.0
        self._listener: socket.socket | None = None
        self._told: dict[str, Any] = {}
        self._stop = asyncio.Event()
        self.proxy = Proxy(settings, self, start["worker"], self._tell_supervisor, say=self._say)
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
        self.watch = Watch(self.proxy.tls_sources, self._say)

    def exchange(self, exchange: Exchange) -> None:
        self.tap.exchange(exchange)

    async def run(self) -> None:
        """Serves until told to stop, then drains, which takes ``drain.longest_s`` at most."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._end_alone)
        await self._watch_stdin()
        self.tap.start()
        self._listener = socket.socket(fileno=self._listen_fd)
        await self.proxy.create_server(sock=self._listener)
        self._accepting = True
        self._tell_supervisor()
        watching = asyncio.create_task(self.watch.run())
        await self._stop.wait()
        watching.cancel()
        await self._drain()

    async def _watch_stdin(self) -> None:
        ended = self._end

        class EndOfInput(asyncio.Protocol):
            def connection_lost(self, exc: Exception | None) -> None:
                ended()

            def eof_received(self) -> bool:
                ended()
                return False

        await asyncio.get_running_loop().connect_read_pipe(EndOfInput, sys.stdin.buffer)

    def _end_alone(self) -> None:
        if not self._stop.is_set():
            self._told_at = monotonic()
            self._stop.set()

    def _end(self) -> None:
        """The supervisor ends, or has: no other worker comes after this one to serve who waits at its listener."""
        if not self._last:
            self._last = True
            self._told_at = monotonic()
            self._stop.set()

    async def _drain(self) -> None:
        limits = self.proxy.settings.limits
        self.proxy.draining = True
        await self._go_on_accepting(limits.drain_delay_s)
        self.proxy.stop_accepting()
        self._accepting, self._ending = False, True
        self._tell_supervisor()
        cut_off = await finish_requests(self.proxy, limits)
        if cut_off:
            self.tap.log("warning", "requests_cut_off", requests=str(cut_off), bound="drain_grace_s")
        await self.proxy.close()
        await self.tap.close(TAP_FLUSH_S)

    async def _go_on_accepting(self, delay_s: float) -> None:
        """For so long after it was told to end: by the supervisor, where both were, since only then ``/readyz`` says
        no."""
        while (rest_s := self._told_at + delay_s - monotonic()) > 0:  # noqa: ASYNC110 - told again, it is longer
            await asyncio.sleep(rest_s)
        await asyncio.sleep(ACCEPTED_S)
        if self._last and self._listener is not None:
            await let_in_the_last(self._listener)

    def _apply(self, settings: ProxySettings) -> None:
        if self.proxy.apply(settings):
            self.tap.bytes_max = settings.limits.tap_bytes_max
            self.watch.hurry()

    def _say(self, level: str, event: str, fields: dict[str, str]) -> bool:
        """To the log. What is new of files of TLS may be whether there is a certificate to accept with."""
        self._tell_supervisor()
        return self.tap.log(level, event, **fields)

    def _tell_supervisor(self) -> None:
        told = {
            "accepting": self._accepting and (self.proxy.tls is None or self.proxy.tls.context is not None),
            "ending": self._ending,
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
            "connections_max": proxy.connections_max,
            "requests": proxy.book.requests,
            "asks": len(proxy.desk.asks),
            "ring_bytes": proxy.ring.bytes,
            "ring_items": len(proxy.ring),
            "upstreams": {name: upstream.status() for name, upstream in proxy.upstreams.items()},
            "limits_hit": proxy.limits_hit,
            "tls": list({source.use: source.figures() for source in proxy.tls_sources()}.values()),
            "tls_failed": proxy.tls_failed,
            "handshakes": len(proxy.handshakes),
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


def _receive_descriptors() -> list[int]:
    """The listener and the pipe for the status; nothing where stdin ended, which is no fault."""
    with socket.socket(fileno=os.dup(0)) as supervisor:
        return list(socket.recv_fds(supervisor, 1, 2)[1])


def _read_start() -> bytes:
    """The first line of stdin, read byte by byte so that nothing behind it is taken into a buffer."""
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            break
        line += byte
    return bytes(line)


async def _serve(start: dict[str, Any], settings: ProxySettings, listen_fd: int, status_fd: int) -> None:
    await Worker(start, settings, listen_fd, status_fd).run()


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        descriptors = _receive_descriptors()
        if not descriptors:
            return 0
        listen_fd, status_fd = descriptors
        start = json.loads(_read_start())
        settings = settings_from_json(json.dumps(start["settings"]).encode())
        raise_open_files()
        setproctitle.setproctitle(f"sidecar: worker {start['worker']}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"worker: the start line on stdin is not usable: {error!r}", file=sys.stderr)
        return 2
    uvloop.run(_serve(start, settings, listen_fd, status_fd))
    return 0


if __name__ == "__main__":
    sys.exit(main())
