"""Three readers of the same bytes: httptools (llhttp), h11 and the proxy's own parser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import h11
import httptools

from sidecar.proxy.body import BodyError, Framing, framing_for
from sidecar.proxy.head import UNTIL_CLOSE, HeadError, parse_request, parse_response
from sidecar.types import Limits

KNOWN_METHODS = frozenset((b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH"))
"""llhttp refuses methods that are not of its list, whatever the rest; what has another is read by two readers."""
_LIMITS = Limits(head_bytes_max=1 << 20, head_fields_max=10_000, body_bytes_max=1 << 30)
_BYTES_MAX = 1 << 30
Message = tuple[Any, ...]
"""A whole message: (method, target, body, trailers) of a request, (status, body, trailers) of a response."""


@dataclass
class Reading:
    """The whole messages, and whether there is more: an unfinished one, or what is none (``error`` says why).

    ``rest`` is what is behind the whole ones; the proxy's own reader of requests alone tells it.
    """

    messages: list[Message] = field(default_factory=list)
    more: bool = False
    error: str = ""
    rest: bytes = b""


def own_requests(raw: bytes, limits: Limits = _LIMITS) -> Reading:
    """As the proxy reads them. It stops behind an upgrade."""
    reading = Reading()
    while raw:
        while raw.startswith(b"\r\n"):
            raw = raw[2:]
        reading.rest = raw
        end = raw.find(b"\r\n\r\n") + 4
        if end < 4:
            break
        try:
            head = parse_request(raw[:end], limits, b"\x00")
            framing = framing_for(head.length, limits, min(_BYTES_MAX, limits.body_bytes_max))
            body, raw = _own_body(framing, raw[end:])
        except (HeadError, BodyError) as error:
            reading.more, reading.error = True, error.reason
            return reading
        if not framing.ended:
            reading.more = True
            return reading
        message = (head.method.encode(), head.target, body, _pairs(framing.trailers))
        reading.messages.append(message)
        reading.rest = raw
        if head.websocket:
            return reading
    reading.more = bool(raw)
    return reading


def own_responses(raw: bytes, methods: list[str], ended: bool) -> Reading:
    """As the proxy reads them. ``ended``: the connection was closed in order after ``raw``."""
    reading, asked = Reading(), iter(methods)
    method = next(asked, "GET")
    while raw:
        end = raw.find(b"\r\n\r\n") + 4
        if end < 4:
            break
        try:
            head = parse_response(raw[:end], _LIMITS, method)
            framing = framing_for(head.length, _LIMITS, _BYTES_MAX)
            body, raw = _own_body(framing, raw[end:])
        except (HeadError, BodyError) as error:
            return Reading(reading.messages, True, error.reason)
        if not framing.ended and not (head.length == UNTIL_CLOSE and ended):
            return Reading(reading.messages, True)
        reading.messages.append((head.status, body, _pairs(framing.trailers)))
        if head.status >= 200:
            method = next(asked, "GET")
    reading.more = bool(raw)
    return reading


def _own_body(framing: Framing, raw: bytes) -> tuple[bytes, bytes]:
    if framing.ended:
        return b"", raw
    body = framing.feed(raw)
    return body, framing.rest


def _pairs(lines: bytes) -> tuple[tuple[bytes, bytes], ...]:
    split = (line.partition(b": ") for line in lines.split(b"\r\n") if line)
    return tuple((name.lower(), value) for name, _, value in split)


class _Collector:
    """The callbacks of httptools; ``name`` is what tells a message apart at its end."""

    def __init__(self) -> None:
        self.reading = Reading()
        self.name: Callable[[], tuple[Any, ...]] = tuple
        self.on_message_begin()
        self.reading.more = False

    def on_message_begin(self) -> None:
        self.reading.more = True
        self.target = self.body = b""
        self.in_trailers = self.framed = False
        self.trailers: list[tuple[bytes, bytes]] = []

    def on_url(self, part: bytes) -> None:
        self.target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.in_trailers:
            self.trailers.append((name.lower(), value.strip(b" \t")))
        self.framed |= name.lower() in (b"content-length", b"transfer-encoding")

    def on_headers_complete(self) -> None:
        self.in_trailers = True

    def on_body(self, part: bytes) -> None:
        self.body += part

    def on_message_complete(self) -> None:
        self.reading.more = False
        self.reading.messages.append((*self.name(), self.body, tuple(self.trailers)))


def llhttp_requests(raw: bytes) -> Reading:
    collector = _Collector()
    parser = httptools.HttpRequestParser(collector)
    collector.name = lambda: (parser.get_method(), collector.target)
    return _feed(parser, collector, raw)


def llhttp_responses(raw: bytes, ended: bool) -> Reading:
    """It knows of no request, so none may have been HEAD."""
    collector = _Collector()
    parser = httptools.HttpResponseParser(collector)
    collector.name = lambda: (parser.get_status_code(),)
    reading = _feed(parser, collector, raw)
    if ended and reading.more and collector.in_trailers and not collector.framed:
        collector.on_message_complete()
    return reading


def _feed(parser: Any, collector: _Collector, raw: bytes) -> Reading:
    try:
        parser.feed_data(raw)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError as error:
        collector.reading.more, collector.reading.error = True, str(error)
    return collector.reading


def h11_requests(raw: bytes) -> Reading:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    reading, head = Reading(), None
    body = b""
    try:
        connection.receive_data(raw)
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                head, body = event, b""
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                reading.messages.append((head.method, head.target, body, _h11_pairs(event)))
                head = None
                if connection.their_state is not h11.DONE:
                    return reading
                connection.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
                connection.send(h11.EndOfMessage())
                connection.start_next_cycle()
            else:
                break
    except h11.RemoteProtocolError as error:
        return Reading(reading.messages, True, str(error))
    reading.more = head is not None or bool(connection.trailing_data[0])
    return reading


def h11_responses(raw: bytes, methods: list[str], ended: bool) -> Reading:
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    reading, head, asked = Reading(), None, iter(methods)
    body = b""
    try:
        _h11_ask(connection, next(asked, "GET"))
        connection.receive_data(raw)
        if ended:
            connection.receive_data(b"")
        while True:
            event = connection.next_event()
            if isinstance(event, h11.InformationalResponse):
                reading.messages.append((event.status_code, b"", ()))
            elif isinstance(event, h11.Response):
                head, body = event, b""
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                reading.messages.append((head.status_code, body, _h11_pairs(event)))
                head = None
                if connection.their_state is not h11.DONE:
                    break
                connection.start_next_cycle()
                _h11_ask(connection, next(asked, "GET"))
            else:
                break
    except h11.RemoteProtocolError as error:
        left = bool(connection.trailing_data[0]) or head is not None
        return Reading(reading.messages, left, str(error) if left else "")
    reading.more = head is not None or bool(connection.trailing_data[0])
    return reading


def _h11_ask(connection: h11.Connection, method: str) -> None:
    connection.send(h11.Request(method=method, target="/p", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())


def _h11_pairs(event: h11.EndOfMessage) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((bytes(name).lower(), bytes(value)) for name, value in event.headers)
