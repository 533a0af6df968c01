"""The connections to one model server, at one address or at several: a pool of keep-alive connections for each.

A request waits for a connection, not for an attempt to make one: whichever is free first serves it. No byte of it has
been sent while it waits, so an attempt that fails goes on at another address, whatever the method. Connections idle
shortly and are polled before they are used, because an inference POST that met a closing one could not be replayed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from sidecar.proxy.connection import Requester, UpstreamConnection
from sidecar.proxy.endpoints import Endpoint, Endpoints, Event, Place, State
from sidecar.proxy.health import check, failed_to_connect
from sidecar.proxy.known_heads import KnownHeads
from sidecar.proxy.names import Name
from sidecar.proxy.tls import connect, speaking_to
from sidecar.proxy.uploads import Clients
from sidecar.types import Limits, Variant

__all__ = ["Overloaded", "Requester", "Upstream", "UpstreamConnection"]


class Overloaded(Exception):
    """No connection is free and as many requests wait as may."""


class Upstream:
    """The pool of one variant's server. ``changed`` hears of each address whose state is another.

    ``mirror`` is the pool of copies to the same server: it is told what is checked here, and shares nothing else.
    """

    def __init__(
        self,
        variant: Variant,
        limits: Limits,
        health_path: str,
        hit: Callable[[str], None],
        changed: Callable[[], None],
    ) -> None:
        urls = [urlsplit(url) for url in variant.urls or (variant.url,)]
        first = urls[0]
        self.variant = variant
        self.limits = limits
        self.heads = KnownHeads(limits)
        self.hit = hit
        self.tls = speaking_to(variant)
        port = 443 if self.tls else 80
        self._names = [Name(url.hostname or "", url.port or port) for url in urls]
        self._authorities = {
            (name.host, name.port): url.netloc.rpartition("@")[2].encode()
            for name, url in zip(self._names, urls, strict=True)
        }
        self.prefix = first.path.rstrip("/").encode()
        self.health_path = health_path
        self.endpoints = Endpoints((), limits, self._changed_state)
        self.mirror: Upstream | None = None
        self.ejections = 0
        self.clients = Clients()
        self.connections: set[UpstreamConnection] = set()
        self._idle: dict[Endpoint, deque[UpstreamConnection]] = {}
        self._waiting: deque[tuple[Requester, float]] = deque()
        self._connecting = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = changed
        self._tried = self._retired = False
        self.follow()

    @property
    def idle(self) -> int:
        return sum(map(len, self._idle.values()))

    @property
    def up(self) -> bool:
        """Whether any address takes connections."""
        return self.endpoints.up

    @property
    def down(self) -> bool:
        """Whether it was tried, and none does."""
        return self._tried and not self.endpoints.up

    @property
    def busy(self) -> bool:
        return bool(self.connections or self._tasks or self._waiting)

    def reaches(self, variant: Variant) -> bool:
        """Whether that variant is at the same addresses."""
        own = self.variant
        return (own.url, own.urls, own.tls) == (variant.url, variant.urls, variant.tls)

    def configure(self, variant: Variant, limits: Limits) -> None:
        """The same server under other settings."""
        self.variant = variant
        self.limits = self.endpoints.limits = limits
        self.heads = KnownHeads(limits)

    def authority(self, endpoint: Endpoint) -> bytes:
        """What a request's Host is where it bears the server's own name."""
        return self._authorities.get((endpoint.place.host, endpoint.place.port), b"")

    def status(self) -> dict[str, Any]:
        """What a STATUS frame says of it."""
        now = monotonic()
        return {
            "up": self.up,
            "connections": len(self.connections),
            "idle": self.idle,
            "waiting": len(self._waiting),
            "ejections": self.ejections,
            "addresses": [endpoint.told(now) for endpoint in self.endpoints],
        }

    # -- requests --------------------------------------------------------------------------------------------------

    def acquire(self, user: Requester, fresh: bool = False) -> UpstreamConnection | None:
        """A connection, or None where ``user`` will hear ``on_connected`` or ``on_failure``. Raises Overloaded."""
        endpoint = self.endpoints.choose(monotonic())
        if not fresh:
            connection = self._take_idle(endpoint)
            if connection is not None:
                connection.begin(user, reused=True)
                return connection
        if len(self._waiting) >= self.limits.upstream_pending_max:
            self.hit("upstream_pending_max")
            raise Overloaded
        self._waiting.append((user, monotonic() + self.limits.upstream_pending_s))
        self._connect_for_waiting(endpoint)
        if len(self._waiting) > self._connecting:
            self.hit("upstream_connections_max")
        return None

    def _take_idle(self, endpoint: Endpoint | None) -> UpstreamConnection | None:
        """One of that address; of another where there may be no more connections."""
        connection = self._usable(self._idle.get(endpoint)) if endpoint is not None else None
        if connection is None and self._idle and self._is_full():
            for kept in list(self._idle.values()):
                connection = self._usable(kept)
                if connection is not None:
                    break
        return connection

    def _usable(self, kept: deque[UpstreamConnection] | None) -> UpstreamConnection | None:
        while kept:
            connection = kept.pop()
            if connection.usable():
                return connection
            connection.abort()
        return None

    def _is_full(self) -> bool:
        return len(self.connections) + self._connecting >= self.limits.upstream_connections_max

    def forget(self, user: Requester) -> None:
        """``user`` no longer waits."""
        if self._waiting:
            self._waiting = deque(entry for entry in self._waiting if entry[0] is not user)

    def release(self, connection: UpstreamConnection, idle_s: float | None) -> None:
        """Takes a connection back after a whole response. ``idle_s``: how long the server says it will keep it."""
        if self._retired or self._is_left(connection.endpoint):
            connection.abort()
        elif not self._waiting:
            keep_s = self.limits.upstream_idle_s
            if idle_s is not None:
                keep_s = min(keep_s, idle_s * 0.5)
            connection.idle_until = monotonic() + keep_s
            self._idle.setdefault(connection.endpoint, deque()).append(connection)
        elif connection.usable():
            self._serve(connection, reused=True)
        else:
            connection.abort()

    def _is_left(self, endpoint: Endpoint) -> bool:
        """Whether nothing more is to go to it."""
        down = endpoint.state is State.DOWN and self.endpoints.up
        return down or endpoint.retired or endpoint.state is State.EJECTED

    def lost(self, connection: UpstreamConnection) -> None:
        self.connections.discard(connection)
        kept = self._idle.get(connection.endpoint)
        if kept and connection in kept:
            kept.remove(connection)
        self._connect_for_waiting()

    def sweep(self, now: float) -> None:
        """Closes what idled too long and turns away who waited too long."""
        for endpoint, kept in list(self._idle.items()):
            for connection in [connection for connection in kept if connection.idle_until < now]:
                kept.remove(connection)
                connection.abort()
            if not kept:
                del self._idle[endpoint]
        self.clients.sweep(now, self.limits, self.hit, waiting=bool(self._waiting) and self._is_full())
        while self._waiting and self._waiting[0][1] < now:
            user, _ = self._waiting.popleft()
            self.hit("upstream_pending_s")
            user.on_failure("overloaded", "no upstream connection became free in time", 503)

    def retire(self) -> None:
        """Serves who is under way, then closes."""
        self._retired = True
        for endpoint in list(self._idle):
            self._close_idle(endpoint)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for connection in list(self.connections):
            connection.abort()

    def _close_idle(self, endpoint: Endpoint) -> None:
        for connection in self._idle.pop(endpoint, ()):
            connection.abort()

    # -- connecting ------------------------------------------------------------------------------------------------

    def _serve(self, connection: UpstreamConnection, reused: bool) -> None:
        user, _ = self._waiting.popleft()
        connection.begin(user, reused)
        user.on_connected(connection)

    def _connect_for_waiting(self, endpoint: Endpoint | None = None) -> None:
        """Begins an attempt for each that waits and has none, the first of them at ``endpoint``."""
        while len(self._waiting) > self._connecting and not self._is_full():
            endpoint = endpoint or self.endpoints.choose(monotonic())
            self._connecting += 1
            if endpoint is not None:
                endpoint.outstanding += 1
            task = asyncio.get_running_loop().create_task(self._connect(endpoint))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            endpoint = None

    async def _connect(self, endpoint: Endpoint | None) -> None:
        """Tries one address after the other within ``connect_timeout_s``. ``endpoint`` counts this as under way."""
        ends = monotonic() + self.limits.connect_timeout_s
        tried: list[Endpoint] = []
        refused: tuple[str, int] | None = None
        connection: UpstreamConnection | None = None
        try:
            while connection is None:
                if endpoint is None:
                    endpoint = await self._next_endpoint(tried, ends)
                    if endpoint is None:
                        refused = refused or ("its name has no address", 502)
                        break
                tried.append(endpoint)
                try:
                    connection = await self._try(endpoint, ends, len(tried))
                except TimeoutError:
                    refused = "the upstream did not accept the connection in time", 504
                except OSError as error:
                    refused = error.strerror or str(error) or type(error).__name__, 502
                finally:
                    endpoint.outstanding -= 1
                endpoint = None
        finally:
            self._connecting -= 1
        self._tried = True
        if connection is None and refused is not None:
            self._connect_failed(*refused)
        elif connection is not None:
            self._connected(connection)

    async def _next_endpoint(self, tried: list[Endpoint], ends: float) -> Endpoint | None:
        """Another address; where there is none, whatever else the name has by now."""
        endpoint = self.endpoints.choose(monotonic(), tried)
        if endpoint is None and ends > monotonic():
            await self.look_up(ends - monotonic())
            endpoint = self.endpoints.choose(monotonic(), tried)
        if endpoint is not None:
            endpoint.outstanding += 1
        return endpoint

    async def _try(self, endpoint: Endpoint, ends: float, number: int) -> UpstreamConnection:
        """Connects to one address: within half of the time left, where it is not the last. Raises OSError."""
        place = endpoint.place
        left_s = ends - monotonic()
        limit_s = left_s / 2 if number < len(self.endpoints) else left_s
        connection = UpstreamConnection(self, endpoint)
        try:
            async with asyncio.timeout(limit_s):
                await connect(lambda: connection, place.address, place.port, place.host, self.tls)
        except BaseException as error:
            self.connections.discard(connection)  # it may have come about just as it was given up
            if isinstance(error, TimeoutError):
                self.hit("connect_timeout_s")
            if isinstance(error, OSError):
                self.tell(endpoint, *failed_to_connect(error))
            raise
        if not connection.open():
            connection.abort()
            self.tell(endpoint, Event.FAILED)
            raise ConnectionResetError("the upstream closed the connection at once")
        return connection

    def _connected(self, connection: UpstreamConnection) -> None:
        endpoint = connection.endpoint
        if not self.health_path and endpoint.state is not State.UP:
            self.tell(endpoint, Event.CONNECTED)
        if self._waiting:
            self._serve(connection, reused=False)
        else:
            self.release(connection, None)

    def _connect_failed(self, detail: str, status: int) -> None:
        if self._waiting:
            user, _ = self._waiting.popleft()
            user.on_failure("connect", detail, status)
        self._connect_for_waiting()

    # -- addresses -------------------------------------------------------------------------------------------------

    def tell(self, endpoint: Endpoint, event: Event, reason: str = "") -> None:
        """What became of a connection, a check or a request."""
        self.endpoints.tell(endpoint, event, monotonic(), reason)

    def _changed_state(self, endpoint: Endpoint, before: State) -> None:
        if endpoint.state is State.EJECTED:
            self.ejections += 1
        if self._is_left(endpoint):
            self._close_idle(endpoint)
        self._changed()

    def follow(self) -> None:
        """Takes the addresses that the names have now; connections to others end once they are free."""
        places = [Place(address, name.port, name.host) for name in self._names for address in name.found]
        if len(places) > self.limits.upstream_addresses_max:
            self.hit("upstream_addresses_max")
        for endpoint in self.endpoints.follow(places):
            self._close_idle(endpoint)
        if self.mirror is not None:
            self.mirror.mirrored(self)

    def mirrored(self, other: Upstream) -> None:
        """The pool that is checked has these addresses."""
        for endpoint in self.endpoints.follow([endpoint.place for endpoint in other.endpoints]):
            self._close_idle(endpoint)

    async def look_up(self, timeout_s: float) -> None:
        """Asks for the addresses of all names. One whose name server is away keeps those that it had."""

        async def ask(name: Name) -> None:
            try:
                async with asyncio.timeout(timeout_s):
                    await name.addresses()
            except OSError:  # TimeoutError is one
                return

        await asyncio.gather(*map(ask, self._names))
        self.follow()

    async def check_health(self) -> None:
        """One active check of every address now."""
        await self.look_up(self.limits.connect_timeout_s)
        await asyncio.gather(*map(self._check, self.endpoints))
        self._tried = True
        self._changed()

    async def _check(self, endpoint: Endpoint) -> None:
        path = self.prefix + self.health_path.encode() if self.health_path else b""
        timeout_s = self.limits.connect_timeout_s
        event, reason = await check(endpoint.place, self.tls, self.authority(endpoint), path, timeout_s)
        self.tell(endpoint, event, reason)
        mirror = self.mirror
        if mirror is not None:
            for other in mirror.endpoints:
                if other.place == endpoint.place:
                    mirror.tell(other, event, reason)

    async def watch_health(self, checked: bool) -> None:
        while True:
            if not checked:
                await self.check_health()
            checked = False
            await asyncio.sleep(self.limits.health_interval_s)
