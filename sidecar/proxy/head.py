"""Strict HTTP/1.1 heads (RFC 9110, 9112), without I/O: parse, validate, decide framing, serialise.

Where the standard leaves a choice, the strict one is taken: what two parsers might read differently is refused. One
regular expression judges a whole head; the loop after it only sorts fields that are known to be well-formed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus

from sidecar.proxy.broken import BROKEN, fault_of_request, fault_of_response
from sidecar.proxy.fields import (
    NUMBER,
    TOKEN,
    WORD,
    HeadError,
    check_coding,
    expects_continue,
    keep_alive_s,
    max_forwards,
    refuse_loop,
    target_and_host,
)
from sidecar.proxy.trailers import accepts_trailers
from sidecar.types import Limits

CHUNKED = -1
"""A body length: framed by the chunked coding."""
UNTIL_CLOSE = -2
"""A body length of a response: it ends with the connection."""

_FIELDS = rb"((?:" + TOKEN + rb":[\t\x20-\x7e\x80-\xff]*\r\n)*)\r\n"
_REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([\x21-\x7e]+) HTTP/1\.([01])\r\n")
_REQUEST = re.compile(_REQUEST_LINE.pattern + _FIELDS)
_RESPONSE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: [\t\x20-\x7e\x80-\xff]*)?\r\n" + _FIELDS)
_FIELD = re.compile(rb"([^:\r\n]+):[ \t]*([^\r\n]*)\r\n")
_STATUS_PREFIX = b"HTTP/1."
_METHOD_BYTES_MAX = 32

_ONCE = frozenset((b"host", b"content-length", b"transfer-encoding"))
_HOP = frozenset(
    (
        b"connection",
        b"proxy-connection",
        b"keep-alive",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"http2-settings",
        b"proxy-authorization",
        b"proxy-authenticate",
        b"content-length",
    )
)
_REQUEST_OWN = _HOP | frozenset(
    (
        *(b"host", b"expect", b"via", b"max-forwards", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"),
        b"x-sidecar-shadow",  # a copy's alone
    )
)
_RESPONSE_OWN = _HOP | frozenset((b"via",))
_END_TO_END = frozenset(
    (
        b"host",
        b"content-length",
        b"content-type",
        b"content-encoding",
        b"transfer-encoding",
        b"authorization",
        b"cookie",
        b"via",
        b"expect",
    )
)
_FOLDED = frozenset(
    (
        b"content_length",
        b"transfer_encoding",
        b"x_forwarded_for",
        b"x_forwarded_proto",
        b"x_forwarded_host",
        b"x_real_ip",
        b"x_sidecar_shadow",
    )
)


@dataclass(slots=True)
class RequestHead:
    """A valid request head. ``target`` is what is sent on (origin form or ``*``); ``length`` bytes or CHUNKED.

    ``fields`` are the end-to-end fields as received, names in lower case; ``lines`` the same, ready to be sent;
    ``own`` those that the proxy itself decides about, lists joined by a comma. ``trailers``: the client takes them.
    ``known``: it is kept, for those that are the same.
    """

    method: str
    target: bytes
    path: str
    query: str
    minor: int
    host: bytes
    length: int
    keep_alive: bool
    expects_continue: bool
    websocket: bool
    max_forwards: int | None
    trailers: bool
    fields: tuple[tuple[bytes, bytes], ...]
    lines: list[bytes]
    own: dict[bytes, bytes]
    known: bool = field(default=False, compare=False)

    def get(self, name: bytes) -> bytes | None:
        """The value of the last end-to-end field of that (lower-case) name."""
        for known, value in reversed(self.fields):
            if known == name:
                return value
        return None

    def text(self, name: bytes) -> str | None:
        """As ``get``, as text."""
        value = self.get(name)
        return None if value is None else value.decode("latin-1")


@dataclass(slots=True)
class ResponseHead:
    """A valid response head. ``length`` is bytes, CHUNKED or UNTIL_CLOSE; ``declared`` the Content-Length as stated;
    ``known``: it is kept, for those that are the same."""

    status: int
    minor: int
    length: int
    declared: int | None
    keep_alive: bool
    idle_s: float | None
    websocket: bool
    fields: tuple[tuple[bytes, bytes], ...]
    lines: list[bytes]
    own: dict[bytes, bytes]
    known: bool = field(default=False, compare=False)


def check_partial_request(received: bytes, limits: Limits, checked: int = 0) -> None:
    """Refuses the beginning of a head that no continuation could make valid. Raises HeadError.

    The first ``checked`` bytes passed before: a head that trickles in is read once, not once for each byte.
    """
    if BROKEN.search(received, max(0, checked - 2)):
        raise HeadError(400, fault_of_request(received))
    line_end = received.find(b"\r\n")
    if line_end < 0:
        method = received[: _METHOD_BYTES_MAX + 1].partition(b" ")[0]
        if len(method) > _METHOD_BYTES_MAX or (method and not WORD.fullmatch(method.rstrip(b"\r"))):
            raise HeadError(400, "malformed head: the method is too long or has a character that none may have")
        if len(received) > limits.target_bytes_max + _METHOD_BYTES_MAX + 16:
            raise HeadError(414, "request target too long", "target_bytes_max")
    elif line_end > checked - 2:
        match = _REQUEST_LINE.match(received)
        if match is None:
            raise HeadError(400, fault_of_request(received))
        _check_line(match.group(1), match.group(2), limits)
    _check_size(received, limits, 431)


def _check_line(method: bytes, target: bytes, limits: Limits) -> None:
    if len(method) > _METHOD_BYTES_MAX:
        raise HeadError(400, "method too long")
    if len(target) > limits.target_bytes_max:
        raise HeadError(414, "request target too long", "target_bytes_max")


def check_partial_response(received: bytes, limits: Limits, checked: int = 0) -> None:
    """As check_partial_request, for the beginning of a response head."""
    if BROKEN.search(received, max(0, checked - 2)) or not received.startswith(_STATUS_PREFIX[: len(received)]):
        raise HeadError(502, fault_of_response(received))
    _check_size(received, limits, 502)


def _check_size(received: bytes, limits: Limits, over: int) -> None:
    if len(received) > limits.head_bytes_max:
        raise HeadError(over, "head too large", "head_bytes_max")
    if received.count(b"\n") > limits.head_fields_max + 1:
        raise HeadError(over, "too many fields", "head_fields_max")


def parse_request(block: bytes, limits: Limits, pseudonym: bytes = b"sidecar") -> RequestHead:
    """The request head ``block``, which ends in an empty line. Raises HeadError.

    >>> head = parse_request(b"GET http://a/p?x=1 HTTP/1.1\\r\\nHost: b\\r\\n\\r\\n", Limits())
    >>> head.target, head.host
    (b'/p?x=1', b'a')
    """
    if len(block) > limits.head_bytes_max:
        raise HeadError(431, "head too large", "head_bytes_max")
    match = _REQUEST.fullmatch(block)
    if match is None:
        raise HeadError(400, fault_of_request(block))
    method, target, minor_text = match.group(1, 2, 3)
    _check_line(method, target, limits)
    minor = minor_text[0] - 48
    fields, lines, own = _sort_fields(block, match.start(4), _REQUEST_OWN, limits, 431)
    length = _request_length(own, minor, limits)
    trailers = b"te" in own and minor == 1 and accepts_trailers(own[b"te"])
    options = _options(own.get(b"connection", b"")) if b"connection" in own else ()
    if options:
        _drop_nominated(options, fields, lines, own)
    target, host = target_and_host(method, target, own.get(b"host"), minor)
    if b"via" in own:
        refuse_loop(own[b"via"], pseudonym)
    path, _, query = target.decode("ascii").partition("?")
    return RequestHead(
        method=method.decode("ascii"),
        target=target,
        path=path,
        query=query,
        minor=minor,
        host=host,
        length=length,
        keep_alive=minor == 1 and b"close" not in options,
        expects_continue=expects_continue(own.get(b"expect"), minor),
        websocket=minor == 1
        and b"upgrade" in options
        and own.get(b"upgrade", b"").lower() == b"websocket"
        and method == b"GET"
        and length == 0,
        max_forwards=max_forwards(own.get(b"max-forwards")),
        trailers=trailers,
        fields=tuple(fields),
        lines=lines,
        own=own,
    )


def parse_response(block: bytes, limits: Limits, method: str) -> ResponseHead:
    """The head of the response to a request of ``method``. Raises HeadError with status 502."""
    if len(block) > limits.head_bytes_max:
        raise HeadError(502, "head too large", "head_bytes_max")
    match = _RESPONSE.fullmatch(block)
    if match is None:
        raise HeadError(502, fault_of_response(block))
    minor = match.group(1)[0] - 48
    status = int(match.group(2))
    fields, lines, own = _sort_fields(block, match.start(3), _RESPONSE_OWN, limits, 502)
    options = _options(own[b"connection"], 502) if b"connection" in own else ()
    if options:
        _drop_nominated(options, fields, lines, own, 502)
    declared, length = _response_length(own, minor, status, method)
    return ResponseHead(
        status=status,
        minor=minor,
        length=length,
        declared=declared,
        keep_alive=minor == 1
        and b"close" not in options
        and length != UNTIL_CLOSE
        and not (length == 0 and _declares_body(own)),
        idle_s=keep_alive_s(own.get(b"keep-alive", b"")),
        websocket=b"upgrade" in options and own.get(b"upgrade", b"").lower() == b"websocket",
        fields=tuple(fields),
        lines=lines,
        own=own,
    )


def _sort_fields(
    block: bytes, start: int, own_names: frozenset[bytes], limits: Limits, over: int
) -> tuple[list[tuple[bytes, bytes]], list[bytes], dict[bytes, bytes]]:
    received = _FIELD.findall(block, start)
    if len(received) > limits.head_fields_max:
        raise HeadError(over, "too many fields", "head_fields_max")
    fault = 502 if over == 502 else 400
    fields: list[tuple[bytes, bytes]] = []
    lines: list[bytes] = []
    own: dict[bytes, bytes] = {}
    for name, value in received:
        value = value.rstrip(b" \t")
        lower = name.lower()
        if lower in own_names:
            if lower in own:
                if lower in _ONCE:
                    raise HeadError(fault, f"{lower.decode()} given twice")
                value = own[lower] + b", " + value
            own[lower] = value
        elif lower in _FOLDED:
            raise HeadError(fault, f"{lower.decode()} passes for another field")
        else:
            fields.append((lower, value))
            lines.append(b"%b: %b\r\n" % (name, value))
    return fields, lines, own


def _options(value: bytes, fault: int = 400) -> frozenset[bytes]:
    options = frozenset(part.strip(b" \t").lower() for part in value.split(b",")) - {b""}
    if not all(WORD.fullmatch(option) for option in options):
        raise HeadError(fault, "connection: malformed")
    if options & _END_TO_END:
        raise HeadError(fault, "connection names an end-to-end field")
    return options


def _drop_nominated(
    options: Iterable[bytes],
    fields: list[tuple[bytes, bytes]],
    lines: list[bytes],
    own: dict[bytes, bytes],
    fault: int = 400,
) -> None:
    nominated = frozenset(options) - {b"close", b"keep-alive", b"upgrade"}
    for name in nominated:
        own.pop(name, None)
    if nominated:
        kept = [index for index, (name, _) in enumerate(fields) if name not in nominated]
        fields[:], lines[:] = [fields[index] for index in kept], [lines[index] for index in kept]


def _request_length(own: dict[bytes, bytes], minor: int, limits: Limits) -> int:
    coding = own.get(b"transfer-encoding")
    stated = own.get(b"content-length")
    if coding is not None:
        if stated is not None:
            raise HeadError(400, "both content-length and transfer-encoding")
        if minor == 0:
            raise HeadError(400, "transfer-encoding in HTTP/1.0")
        check_coding(coding)
        return CHUNKED
    if stated is None:
        return 0
    if not NUMBER.fullmatch(stated):
        raise HeadError(400, "content-length: not a number")
    length = int(stated)
    if length > limits.body_bytes_max:
        raise HeadError(413, f"body of {length} bytes is over {limits.body_bytes_max}", "body_bytes_max")
    return length


def _response_length(own: dict[bytes, bytes], minor: int, status: int, method: str) -> tuple[int | None, int]:
    coding = own.get(b"transfer-encoding")
    stated = own.get(b"content-length")
    declared = None
    if stated is not None:
        if not NUMBER.fullmatch(stated):
            raise HeadError(502, "content-length: not a number")
        declared = int(stated)
    if status < 200 and _declares_body(own):
        raise HeadError(502, "an interim response with a body")
    if status < 200 or status == 204:
        return None, 0
    if coding is not None and (stated is not None or minor == 0 or coding.lower() != b"chunked"):
        raise HeadError(502, "transfer-encoding: ambiguous framing")
    if method == "HEAD" or status == 304:
        return declared, 0
    if coding is not None:
        return None, CHUNKED
    return declared, UNTIL_CLOSE if declared is None else declared


def _declares_body(own: dict[bytes, bytes]) -> bool:
    """Of a response that has none: a server that sends it all the same would answer another request with it."""
    return b"transfer-encoding" in own or own.get(b"content-length", b"0") != b"0"


def status_line(status: int) -> bytes:
    """The status line with the registered phrase; what an upstream wrote there is not passed on."""
    line = _STATUS_LINES.get(status)
    return line if line is not None else b"HTTP/1.1 %d Status\r\n" % status


_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
