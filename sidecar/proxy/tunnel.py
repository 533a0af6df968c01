"""What passes after a connection was upgraded: bytes as they are, both ways, until either side ends."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from sidecar.proxy.head import ResponseHead, status_line

if TYPE_CHECKING:
    from sidecar.proxy.connection import UpstreamConnection
    from sidecar.proxy.downstream import Downstream
    from sidecar.types import Limits


class Tunnel:
    """A client and an upstream that speak WebSocket from now on. ``head`` is the upstream's 101."""

    def __init__(
        self, head: ResponseHead, connection: UpstreamConnection, downstream: Downstream, limits: Limits
    ) -> None:
        self._connection = connection
        self._downstream = downstream
        self._limits = limits
        lines = [status_line(101), *head.lines, b"Connection: Upgrade\r\nUpgrade: websocket\r\n", b"\r\n"]
        early = connection.tunnel()
        downstream.write([b"".join(lines), early] if early else [b"".join(lines)])
        self._touch(limits.tunnel_idle_s)

    def send(self, chunk: bytes) -> None:
        """Client to upstream."""
        self._touch(self._limits.tunnel_idle_s)
        self._connection.send([chunk])

    def receive(self, chunk: bytes) -> None:
        """Upstream to client."""
        if chunk:
            self._touch(self._limits.tunnel_idle_s)
            self._downstream.write([chunk])

    def end_sending(self) -> bool:
        """The client sends no more, and may read the upstream's last bytes. False: the upstream can't be told."""
        self._touch(self._limits.idle_timeout_s)
        return self._connection.end_writing()

    def _touch(self, idle_s: float) -> None:
        self._downstream.deadline = monotonic() + idle_s
