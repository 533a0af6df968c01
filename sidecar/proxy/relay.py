"""The proxy of one worker: its settings, its upstreams, its clients and what it counts."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import random
import socket
from collections.abc import Callable
from functools import partial
from time import monotonic, time
from typing import Protocol

from sidecar.proxy.address_log import AddressLog, Say
from sidecar.proxy.assignment import Assignment
from sidecar.proxy.counts import BUCKET_S, CountBook
from sidecar.proxy.descriptors import connections_max, open_files_max
from sidecar.proxy.downstream import Downstream
from sidecar.proxy.feedback import Desk
from sidecar.proxy.head import RequestHead
from sidecar.proxy.known_heads import KnownHeads
from sidecar.proxy.ring import Ring
from sidecar.proxy.routing import Match, Router, check_settings
from sidecar.proxy.shadow import Shadows
from sidecar.proxy.tls import FromFiles, listening
from sidecar.proxy.tls_accept import FromClient
from sidecar.proxy.uploads import Held
from sidecar.proxy.upstream import Upstream
from sidecar.types import Exchange, ProxySettings, Variant

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
SWEEP_S = 0.25
FIRST_CHECKS_S = 0.25
"""How long the start waits for the first checks of health: a server that does not answer holds up nobody else's."""
_UNASSIGNED = Assignment("", "serving")


class Recorder(Protocol):
    """Who is told of exchanges; it must neither wait nor raise."""

    def exchange(self, exchange: Exchange) -> None: ...


class Proxy:
    """Relays for as long as it is told to. ``tap`` hears of each prediction exchange, ``say`` what is for the log."""

    def __init__(
        self,
        settings: ProxySettings,
        tap: Recorder,
        worker: int = 0,
        upstreams_changed: Callable[[], None] = lambda: None,
        sweep_s: float = SWEEP_S,
        say: Say = lambda level, event, fields: True,
    ) -> None:
        limits = settings.limits
        self.worker = worker
        self.tap = tap
        self.book = CountBook(self.hit)
        self.ring = Ring(limits.ring_bytes_max, limits.ring_age_s, limits.pin_age_s)
        self.downstreams: set[Downstream] = set()
        self.handshakes: set[FromClient] = set()
        self.tls = listening(settings.tls)
        self.tls_failed: dict[str, int] = {}
        self.upstreams: dict[str, Upstream] = {}
        self.down: frozenset[str] = frozenset()
        self.shadows = Shadows(self)
        self.limits_hit: dict[str, int] = {}
        self.in_flight = 0
        self.captured_bytes = 0
        self.held = Held()
        self.draining = False
        self._upstreams_changed = upstreams_changed
        self._address_log = AddressLog(say, self.hit)
        self._retired: list[Upstream] = []
        self._health: dict[str, asyncio.Task[None]] = {}
        self._first_checks: list[asyncio.Task[None]] = []
        self._servers: list[asyncio.Server] = []
        self._sweeper: asyncio.TimerHandle | None = None
        self._sweep_s = sweep_s
        self._random = random.Random(os.urandom(32))
        self._trusted: tuple[_Network, ...] = ()
        self._started = False
        self.desk = Desk(self, settings)
        self.feedback: Desk | None = None
        self._apply(settings)

    # -- settings --------------------------------------------------------------------------------------------------

    def apply(self, settings: ProxySettings) -> bool:
        """Swaps the settings, dropping no connection. False where they are not newer than those in force."""
        if settings.version <= self.settings.version:
            return False
        self._apply(settings)
        return True

    def _apply(self, settings: ProxySettings) -> None:
        check_settings(settings)
        router = Router(settings)
        trusted = tuple(ipaddress.ip_network(text, strict=False) for text in settings.trusted_proxies)
        upstreams = {variant.name: self._upstream_for(variant, settings) for variant in settings.variants}
        self.settings = settings
        self.router = router
        self.pseudonym = settings.pseudonym.encode()
        self.heads = KnownHeads(settings.limits, self.pseudonym)
        self._via = (b"1.0 " + self.pseudonym, b"1.1 " + self.pseudonym)
        self._trusted = trusted
        limits = settings.limits
        self.connections_max = connections_max(limits, len(settings.variants) + len(settings.shadows), open_files_max())
        self.ring.configure(limits.ring_bytes_max, limits.ring_age_s, limits.pin_age_s)
        for name, old in self.upstreams.items():
            if upstreams.get(name) is not old:
                old.retire()
                self._retired.append(old)
                self._stop_health(name)
        self.upstreams = upstreams
        self._address_log.keep(upstreams)
        self.shadows.configure(settings)
        self.desk.configure(settings)
        self.feedback = self.desk if settings.feedback.path else None
        if self._started:
            self._start_health(checked=False)
        self._upstream_changed()

    def _upstream_for(self, variant: Variant, settings: ProxySettings) -> Upstream:
        known = self.upstreams.get(variant.name)
        if known is not None and known.reaches(variant) and known.health_path == settings.health_path:
            known.configure(variant, settings.limits)
            return known
        changed = partial(self._upstream_changed, variant.name)
        return Upstream(variant, settings.limits, settings.health_path, self.hit, changed)

    def _upstream_changed(self, changed: str = "") -> None:
        """An address of the upstream ``changed`` is in another state, or was looked at; or upstreams are others."""
        self.down = frozenset(name for name, upstream in self.upstreams.items() if upstream.down)
        if not self._started:
            return
        self._upstreams_changed()
        upstream = self.upstreams.get(changed)
        if upstream is not None:
            self._address_log.look(changed, upstream.endpoints, monotonic())

    # -- life ------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begins the sweep and the health checks, the first of which it awaits for a moment."""
        self._started = True
        loop = asyncio.get_running_loop()
        self._first_checks = [loop.create_task(upstream.check_health()) for upstream in self.upstreams.values()]
        if self._first_checks:
            await asyncio.wait(self._first_checks, timeout=FIRST_CHECKS_S)
        self._start_health(checked=True)
        self._sweep()

    async def create_server(
        self, host: str = "127.0.0.1", port: int = 0, sock: socket.socket | None = None
    ) -> asyncio.Server:
        """Accepts clients at an address, or on a listening socket that is handed in."""
        loop = asyncio.get_running_loop()
        if not self._started:
            await self.start()
        if sock is not None:
            server = await loop.create_server(self._accept, sock=sock, backlog=4096)
        else:
            server = await loop.create_server(self._accept, host, port, backlog=4096)
        self._servers.append(server)
        return server

    def _accept(self) -> asyncio.Protocol:
        downstream = Downstream(self)
        return downstream if self.tls is None else FromClient(self, downstream, self.tls.context)

    def stop_accepting(self) -> None:
        for server in self._servers:
            server.close()

    def close_idle(self, idle_s: float = 0.0) -> None:
        """Closes connections of clients without a request, once calls have found them so for ``idle_s``."""
        now = monotonic()
        for handshake in list(self.handshakes):
            handshake.close_idle(now, idle_s)
        for downstream in list(self.downstreams):
            downstream.close_idle(now, idle_s)

    async def close(self) -> None:
        """Ends everything at once."""
        self.stop_accepting()
        if self._sweeper is not None:
            self._sweeper.cancel()
        for name in list(self._health):
            self._stop_health(name)
        for check in self._first_checks:
            check.cancel()
        for handshake in list(self.handshakes):
            handshake.abort()
        for downstream in list(self.downstreams):
            downstream.abort()
        self.shadows.close()
        for upstream in [*self.upstreams.values(), *self._retired]:
            upstream.close()
        await asyncio.sleep(0)

    def _start_health(self, checked: bool) -> None:
        loop = asyncio.get_running_loop()
        for name, upstream in self.upstreams.items():
            if name not in self._health:
                self._health[name] = loop.create_task(upstream.watch_health(checked))

    def _stop_health(self, name: str) -> None:
        task = self._health.pop(name, None)
        if task is not None:
            task.cancel()

    def _sweep(self) -> None:
        """One coarse look at every deadline, rather than a timer for each request."""
        now = monotonic()
        clients: list[Downstream | FromClient] = [*self.downstreams, *self.handshakes]
        for client in clients:
            if client.deadline < now:
                client.on_deadline()
        if self.settings.limits.total_timeout_s:
            for downstream in list(self.downstreams):
                downstream.check_total(now)
        for upstream in (*self.upstreams.values(), *self._retired):
            upstream.sweep(now)
        self._retired = [upstream for upstream in self._retired if upstream.busy]
        self.shadows.sweep(now)
        self.ring.expire(now)
        self._sweeper = asyncio.get_running_loop().call_later(self._sweep_s, self._sweep)

    # -- what streams ask ------------------------------------------------------------------------------------------

    def tls_sources(self) -> list[FromFiles]:
        """What TLS is made of here, of upstreams that take copies too."""
        pools = (*self.upstreams.values(), *self.shadows.pools)
        return [source for source in (self.tls, *(pool.tls for pool in pools)) if source is not None]

    def mint_id(self, now: float) -> str:
        """A UUID of version 7 in hex (RFC 9562, 5.7): ordered by time, unique over workers."""
        bits = self._random.getrandbits(74)
        return f"{int(now * 1000):012x}7{bits >> 62:03x}{8 | (bits >> 60 & 3):x}{bits & (1 << 60) - 1:015x}"

    def hit(self, limit: str) -> None:
        """Counts that a bound was met."""
        self.limits_hit[limit] = self.limits_hit.get(limit, 0) + 1

    def count(
        self,
        model: str,
        version: str,
        assignment: Assignment,
        slice_name: str,
        status: int,
        error: str,
        latency_ms: float,
        upstream_ms: float,
    ) -> None:
        bucket = int(time()) // BUCKET_S * BUCKET_S
        key = (bucket, model, version, assignment.role, assignment.experiment, assignment.epoch, slice_name)
        self.book.add(key, status, error, latency_ms, upstream_ms)

    def answered(self, status: int, error: str = "", latency_ms: float = 0.0) -> None:
        """The proxy itself answered with ``status`` (0: the client left before): counted as traffic of no model."""
        self.count("", "", _UNASSIGNED, "", status, error, latency_ms, 0.0)

    def slice_of(self, head: RequestHead, match: Match) -> str:
        """The part of its model's traffic that a request belongs to, by the setting ``slice_by``."""
        kind, _, header = self.settings.slice_by.partition(":")
        if kind == "route":
            return self.book.bounded_slice(match.route)
        value = head.get(header.lower().encode()) if header else None
        return self.book.bounded_slice(value.decode("latin-1")) if value else ""

    def via(self, received: bytes | None, minor: int) -> bytes:
        own = self._via[minor]
        return b"Via: %b\r\n" % (own if received is None else received + b", " + own)

    def client_address(self, peer: str, forwarded_for: bytes | None) -> str:
        """The peer, or the last address before trusted proxies that they vouch for."""
        if not forwarded_for or not self._is_trusted(peer):
            return peer
        address = peer
        for element in reversed(forwarded_for.decode("latin-1").split(",")):
            candidate = element.strip()
            if _address(candidate) is None:
                break
            address = candidate
            if not self._is_trusted(candidate):
                break
        return address

    def forwarded_fields(self, peer: str, head: RequestHead) -> bytes:
        """X-Forwarded-For, -Proto and -Host: what a trusted proxy said is kept and continued, all else replaced."""
        peer_bytes = peer.encode()
        own = head.own
        trusted = bool(self._trusted) and self._is_trusted(peer)
        chain = own.get(b"x-forwarded-for") if trusted else None
        proto = (own.get(b"x-forwarded-proto") if trusted else None) or (b"http" if self.tls is None else b"https")
        host = (own.get(b"x-forwarded-host") if trusted else None) or head.host
        return b"X-Forwarded-For: %b\r\nX-Forwarded-Proto: %b\r\n%b" % (
            chain + b", " + peer_bytes if chain else peer_bytes,
            proto,
            b"X-Forwarded-Host: %b\r\n" % host if host else b"",
        )

    def _is_trusted(self, text: str) -> bool:
        if not self._trusted:
            return False
        address = _address(text)
        return address is not None and any(address in network for network in self._trusted)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
