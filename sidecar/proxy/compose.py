"""The head of a request as it is sent on: one form for the request that is relayed and for its copy."""

from __future__ import annotations

from sidecar.proxy.head import CHUNKED, RequestHead
from sidecar.proxy.upstream import Upstream


def compose_request(
    head: RequestHead, lines: list[bytes], upstream: Upstream, prediction: bool, size: int | None, added: bytes
) -> bytes:
    """``lines`` are the end-to-end fields, ``size`` the body's bytes (None: chunked), ``added`` the proxy's own fields.

    A body's length is stated where the client gave the request one, however it did, and for each POST.
    """
    variant = upstream.variant
    target = head.target
    if variant.path and prediction:
        target = variant.path.encode() + (b"?" + head.query.encode() if head.query else b"")
    elif upstream.prefix and target != b"*":
        target = upstream.prefix + target
    host = head.host if head.host and variant.host == "preserve" else upstream.authority
    parts = [head.method.encode(), b" ", target, b" HTTP/1.1\r\nHost: ", host, b"\r\n", *lines]
    if head.websocket:
        parts.append(b"Connection: Upgrade\r\nUpgrade: websocket\r\n")
    if size is None:
        parts.append(b"Transfer-Encoding: chunked\r\n")
    elif head.length == CHUNKED or size > 0 or b"content-length" in head.own or head.method == "POST":
        parts.append(b"Content-Length: %d\r\n" % size)
    if head.max_forwards is not None:
        forwards = head.max_forwards - (1 if head.method == "OPTIONS" else 0)
        parts.append(b"Max-Forwards: %d\r\n" % forwards)
    parts.append(added)
    parts.append(b"\r\n")
    return b"".join(parts)
