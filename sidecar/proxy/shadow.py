"""Copies of requests to the variant of a shadow test: sent once the request is passed on, recorded, then dropped.

A copy holds nothing of its client and shares no connection with what serves, so however it ends, or doesn't, only its
record tells. What would pass a bound is not copied, and counted in ``limits_hit``; what a copy's own connections meet
is counted there by the name of the limit after ``shadow_``.
"""

from __future__ import annotations

from collections import deque
from time import monotonic, time
from typing import TYPE_CHECKING

from sidecar.proxy.assignment import Assignment
from sidecar.proxy.capture import Capture, exchange_of
from sidecar.proxy.compose import compose_request
from sidecar.proxy.head import ResponseHead
from sidecar.proxy.routing import Match, served_version
from sidecar.proxy.timed import Timed
from sidecar.proxy.upstream import Overloaded, Upstream, UpstreamConnection
from sidecar.types import ProxySettings, Shadow, Variant

if TYPE_CHECKING:
    from sidecar.proxy.relay import Proxy
    from sidecar.proxy.stream import Stream

ID_SUFFIX = "-shadow"
FIELD = b"x-sidecar-shadow"
SEND_BYTES = 64 << 10
CAPTURE_DIVISOR = 2
"""Answers of copies leave this part of the capture budget to answers that clients get."""


class Shadows:
    """The copies under way in a worker, and their connections."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._pools: dict[str, Upstream] = {}
        self._retired: list[Upstream] = []
        self._copies: set[ShadowStream] = set()
        self.bytes = 0

    @property
    def in_flight(self) -> int:
        return len(self._copies)

    @property
    def pools(self) -> list[Upstream]:
        """Of the variants that are shadows now."""
        return list(self._pools.values())

    def configure(self, settings: ProxySettings) -> None:
        """Keeps connections to the variants that are shadows now. Copies under way go on."""
        variants = {variant.name: variant for variant in settings.variants}
        names = {shadow.variant for shadow in settings.shadows}
        pools = {name: self._pool_for(variants[name], settings) for name in names}
        for name, pool in self._pools.items():
            if pools.get(name) is not pool:
                pool.retire()
                self._retired.append(pool)
                serving = self._proxy.upstreams.get(name)
                if serving is not None:
                    serving.mirror = pools.get(name)
        self._pools = pools

    def _pool_for(self, variant: Variant, settings: ProxySettings) -> Upstream:
        known = self._pools.get(variant.name)
        serving = self._proxy.upstreams[variant.name]
        if known is not None and known.reaches(variant):
            known.configure(variant, settings.limits)
        else:
            hit = self._proxy.hit
            known = Upstream(variant, settings.limits, "", lambda limit: hit(f"shadow_{limit}"), lambda: None)
            known.mirrored(serving)
        serving.mirror = known
        return known

    def launch(self, origin: Stream, shadow: Shadow, forwarded: bytes) -> bool:
        """Sends a copy of a request whose body is whole; False where a bound or the end of its test forbids it."""
        pool, match = self._pools.get(shadow.variant), origin.match
        if pool is None or match is None or origin.kept is None:
            return False
        proxy = self._proxy
        limits = proxy.settings.limits
        chunks = proxy.ring.chunks(origin.kept)
        if len(self._copies) >= limits.shadow_in_flight_max:
            proxy.hit("shadow_in_flight_max")
        elif chunks is None:
            proxy.hit("shadow_body_gone")
        elif self.bytes + origin.request_bytes > limits.shadow_bytes_max:
            proxy.hit("shadow_bytes_max")
        else:
            return self._begin(ShadowStream(self, proxy, origin, match, shadow, pool, chunks, forwarded))
        return False

    def _begin(self, copy: ShadowStream) -> bool:
        self._copies.add(copy)
        self.bytes += copy.request_bytes
        try:
            copy.start()
        except Overloaded:
            copy.drop()
            return False
        except Exception:  # whatever is wrong with a copy, the request it was made of goes on
            self._proxy.hit("shadow_fault")
            copy.drop()
            return False
        return True

    def ended(self, copy: ShadowStream) -> None:
        if copy in self._copies:
            self._copies.remove(copy)
            self.bytes -= copy.request_bytes

    def sweep(self, now: float) -> None:
        """Ends the copies that took too long, and connections that idle."""
        for copy in [copy for copy in self._copies if copy.deadline < now]:
            self._proxy.hit("shadow_timeout_s")
            copy.fail("timeout", 504)
        for pool in (*self._pools.values(), *self._retired):
            pool.sweep(now)
        self._retired = [pool for pool in self._retired if pool.busy]

    def close(self) -> None:
        """Drops what is under way."""
        for copy in list(self._copies):
            self._proxy.hit("shadow_dropped_at_drain")
            copy.drop()
        for pool in (*self._pools.values(), *self._retired):
            pool.close()


class ShadowStream(Timed):
    """One copy: a requester that has no client. It has the names of Stream that a record is made of."""

    def __init__(
        self,
        shadows: Shadows,
        proxy: Proxy,
        origin: Stream,
        match: Match,
        shadow: Shadow,
        pool: Upstream,
        chunks: list[bytes],
        forwarded: bytes,
    ) -> None:
        self.head = origin.head
        self.method = origin.method
        self.settings = origin.settings
        self.prediction_id = origin.prediction_id + ID_SUFFIX
        self.assignment = Assignment(shadow.variant, "shadow", shadow.name, shadow.epoch)
        self.variant = pool.variant
        self.request_bytes = origin.request_bytes
        self.request_head = origin.request_head
        self.pinned: tuple[str, ...] = ()
        self.status = 0
        self.response: ResponseHead | None = None
        self.capture = Capture(proxy, True, CAPTURE_DIVISOR)
        self.started_at = time()
        self.deadline = monotonic() + proxy.settings.limits.shadow_timeout_s
        self._shadows = shadows
        self._proxy = proxy
        self._match = match
        self._pool = pool
        self._connection: UpstreamConnection | None = None
        self._paused = self._done = False
        self._shadow = shadow
        self._forwarded = forwarded
        self._unsent = deque(chunks)

    def _compose(self, shadow: Shadow, forwarded: bytes, authority: bytes) -> bytes:
        """The same request to another variant. A field of the client's that says it is a copy is replaced."""
        head = self.head
        lines = head.lines
        if head.get(FIELD) is not None:
            lines = [line for (name, _), line in zip(head.fields, lines, strict=True) if name != FIELD]
        own = b"X-Sidecar-Shadow: %b\r\n" % shadow.name.encode()
        via = self._proxy.via(head.own.get(b"via"), head.minor)
        return compose_request(head, lines, self._pool, True, self.request_bytes, via + forwarded + own, authority)

    @property
    def first_byte_ms(self) -> float:
        return (self.first_byte_at - self.sent_at) * 1000 if self.first_byte_at else 0.0

    def start(self) -> None:
        """Sends the copy, or queues for a connection. Raises Overloaded."""
        connection = self._pool.acquire(self)
        if connection is not None:
            self.on_connected(connection)

    def on_connected(self, connection: UpstreamConnection) -> None:
        self._connection = connection
        self.sent_at = monotonic()
        self._unsent.appendleft(self._compose(self._shadow, self._forwarded, connection.authority))
        self._send()

    def _send(self) -> None:
        """Sends what the connection takes; the rest stays here, by reference."""
        connection, unsent = self._connection, self._unsent
        while connection is not None and unsent and not self._paused:
            parts = [unsent.popleft()]
            size = len(parts[0])
            while unsent and size < SEND_BYTES:
                parts.append(unsent.popleft())
                size += len(parts[-1])
            connection.request_done = not unsent
            if self.response is None:
                self.sent_at = monotonic()
            connection.send(parts)

    def on_upstream_paused(self, paused: bool) -> None:
        self._paused = paused
        if not paused:
            self._send()

    def on_interim(self, head: ResponseHead) -> None:
        """Nobody waits for it."""

    def on_trailers(self, lines: bytes) -> None:
        """Nobody takes them."""

    def on_response(self, head: ResponseHead, chunk: bytes, ended: bool) -> None:
        if head.status == 101:
            self.fail("protocol", 502)
            return
        self.first_byte_at = monotonic()
        self.response = head
        self.status = head.status
        self.on_chunk(chunk, ended)

    def on_chunk(self, chunk: bytes, ended: bool) -> None:
        self.capture.add(chunk)
        if ended:
            self._finish("")
        elif self.capture.bytes > self._proxy.settings.limits.tap_response_bytes_max:
            self._abort()
            self._finish("")

    def on_failure(self, kind: str, detail: str, status: int) -> None:
        """A copy is never sent again."""
        self.fail(kind, status)

    def fail(self, error: str, status: int) -> None:
        """Records what a client would have got: ``status`` where no response had begun."""
        self._abort(failed=error == "timeout")
        if self.response is None:
            self.status = status
        self._finish(error)

    def drop(self) -> None:
        """Ends the copy without a record."""
        self._done = True
        self._abort()
        self.capture.take()
        self._shadows.ended(self)

    def _abort(self, failed: bool = False) -> None:
        self._pool.forget(self)
        connection, self._connection = self._connection, None
        self._unsent.clear()
        if connection is not None:
            connection.abort(failed)

    def _finish(self, error: str) -> None:
        if self._done:
            return
        self._done = True
        self.ended_at = monotonic()
        self._connection = None
        self._unsent.clear()
        self._shadows.ended(self)
        proxy, match, spent_ms = self._proxy, self._match, self.upstream_ms
        version, slice_name = served_version(self.variant, match), proxy.slice_of(self.head, match)
        proxy.count(match.model, version, self.assignment, slice_name, self.status, error, spent_ms, spent_ms)
        proxy.tap.exchange(exchange_of(self, proxy, match, version, error, slice_name, spent_ms, spent_ms))
