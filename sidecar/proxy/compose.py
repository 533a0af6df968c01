"""Heads as they are sent on: of a request, in one form for what is relayed and for its copy; an answer's framing."""

from __future__ import annotations

from typing import NamedTuple

from sidecar.proxy.head import CHUNKED, UNTIL_CLOSE, RequestHead, ResponseHead, status_line
from sidecar.proxy.trailers import announcement
from sidecar.proxy.upstream import Upstream
from sidecar.types import Variant


class Composed(NamedTuple):
    """A request's head as it was sent on, and of what: the next one of the same connection is mostly the same."""

    head: RequestHead
    variant: Variant
    authority: bytes
    size: int | None
    sent: bytes


def compose_request(
    head: RequestHead,
    lines: list[bytes],
    upstream: Upstream,
    prediction: bool,
    size: int | None,
    added: bytes,
    authority: bytes,
) -> bytes:
    """``lines`` are the end-to-end fields, ``size`` the body's bytes (None: chunked), ``added`` the proxy's own fields,
    ``authority`` the server's own name.

    A body's length is stated where the client gave the request one, however it did, and for each POST. Trailers are
    announced where the client did so and the body is chunked.
    """
    variant = upstream.variant
    target = head.target
    if variant.path and prediction:
        target = variant.path.encode() + (b"?" + head.query.encode() if head.query else b"")
    elif upstream.prefix and target != b"*":
        target = upstream.prefix + target
    host = head.host if head.host and variant.host == "preserve" else authority
    parts = [head.method.encode(), b" ", target, b" HTTP/1.1\r\nHost: ", host, b"\r\n", *lines]
    if head.websocket:
        parts.append(b"Connection: Upgrade\r\nUpgrade: websocket\r\n")
    if size is None:
        parts.append(b"Transfer-Encoding: chunked\r\n")
        if b"trailer" in head.own:
            parts.append(announcement(head.own[b"trailer"]))
    elif head.length == CHUNKED or size > 0 or b"content-length" in head.own or head.method == "POST":
        parts.append(b"Content-Length: %d\r\n" % size)
    if head.max_forwards is not None:
        forwards = head.max_forwards - (1 if head.method == "OPTIONS" else 0)
        parts.append(b"Max-Forwards: %d\r\n" % forwards)
    parts.append(added)
    parts.append(b"\r\n")
    return b"".join(parts)


UNTIL_CLOSED = b"Connection: close\r\n"
"""The framing of an answer whose body ends with the connection."""


def response_framing(response: ResponseHead, request: RequestHead, size: int | None) -> bytes:
    """The lines that delimit an answer's body for its client.

    ``size`` is the body's bytes where all of it is there and has no trailers.
    """
    if response.length not in (CHUNKED, UNTIL_CLOSE):
        return b"" if response.declared is None else b"Content-Length: %d\r\n" % response.declared
    if size is not None:
        return b"Content-Length: %d\r\n" % size
    if request.minor == 0:
        return UNTIL_CLOSED
    if request.trailers and b"trailer" in response.own:
        return b"Transfer-Encoding: chunked\r\n" + announcement(response.own[b"trailer"])
    return b"Transfer-Encoding: chunked\r\n"


def compose_response(
    head: ResponseHead, request: RequestHead, size: int | None, own: bytes, close: bool
) -> tuple[bytes, bool, bool]:
    """A final response's head as the client gets it with the fields ``own``; whether its body is chunked, and whether
    the connection ends with it, which ``close`` asks for."""
    framing = response_framing(head, request, size)
    until_closed = framing == UNTIL_CLOSED
    if close and not until_closed:
        own += b"Connection: close\r\n"
    message = b"".join((status_line(head.status), *head.lines, framing, own, b"\r\n"))
    return message, framing.startswith(b"Transfer-Encoding"), close or until_closed
