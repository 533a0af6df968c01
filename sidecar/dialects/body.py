"""Bodies as bytes: content codings undone and JSON parsed, both within named bounds."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from typing import Any

import orjson

from sidecar.dialects.terms import Undecodable

INFLATED_BYTES_MAX = 64 << 20
"""What a compressed body may grow to."""
JSON_BYTES_MAX = 32 << 20
"""As much as the tap ships; a parsed body may take twenty times its bytes."""
JSON_DEPTH_MAX = 64
CODINGS_MAX = 3
"""Content codings applied one over the other."""

_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
# A string that never ends is taken to the end of the body: to look again at each quote in it would be quadratic.
_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)


def field_value(fields: Iterable[tuple[str, str]], name: str) -> str:
    """The first value of the header field ``name`` (lower case), empty where there is none."""
    for key, value in fields:
        if key == name or key.lower() == name:
            return value
    return ""


def plain(body: bytes, content_encoding: str, bytes_max: int = INFLATED_BYTES_MAX) -> bytes:
    """``body`` without its content codings (RFC 9110, 8.4). Raises Undecodable: encoding, too_large."""
    codings = [coding.strip().lower() for coding in content_encoding.split(",") if coding.strip()]
    if len(codings) > CODINGS_MAX:
        raise Undecodable("encoding", f"{len(codings)} content codings, at most {CODINGS_MAX}")
    for coding in reversed(codings):
        if coding in ("gzip", "x-gzip"):
            body = _inflate_members(body, bytes_max)
        elif coding == "deflate":
            # Some servers send bare deflate under this name; a zlib header is a multiple of 31 with method 8.
            zlib_wrapped = len(body) >= 2 and body[0] & 15 == 8 and (body[0] << 8 | body[1]) % 31 == 0
            body = _inflate(body, zlib.MAX_WBITS if zlib_wrapped else -zlib.MAX_WBITS, bytes_max)[0]
        elif coding != "identity":
            raise Undecodable("encoding", f"content coding {coding[:40]!r} is not supported")
    return body


def _inflate_members(body: bytes, bytes_max: int) -> bytes:
    """A gzip body is one member or several in a row (RFC 1952, 2.2)."""
    inflated, rest = _inflate(body, 16 + zlib.MAX_WBITS, bytes_max)
    if not rest.startswith(b"\x1f\x8b"):
        return inflated
    parts, left = [inflated], bytes_max - len(inflated)
    while rest.startswith(b"\x1f\x8b"):
        inflated, rest = _inflate(rest, 16 + zlib.MAX_WBITS, left)
        parts.append(inflated)
        # An empty member costs the reader too: it counts as one byte, so that a body of nothing else ends.
        left -= max(1, len(inflated))
        if left <= 0:
            raise Undecodable("too_large", f"inflates to more than {bytes_max} bytes")
    return b"".join(parts)


def _inflate(body: bytes, window_bits: int, bytes_max: int) -> tuple[bytes, bytes]:
    inflater = zlib.decompressobj(window_bits)
    try:
        inflated = inflater.decompress(body, bytes_max + 1)
    except zlib.error as error:
        raise Undecodable("encoding", str(error)) from None
    if len(inflated) > bytes_max:
        raise Undecodable("too_large", f"inflates to more than {bytes_max} bytes")
    if not inflater.eof:
        raise Undecodable("encoding", "the compressed body is cut off")
    return inflated, inflater.unused_data


def inflated_head(head: bytes, content_encoding: str, bytes_max: int = 65_536) -> bytes:
    """What can be had of the first bytes of a compressed body: as much as inflates, or nothing."""
    coding = content_encoding.strip().lower()
    if coding in ("", "identity"):
        return head
    if coding not in ("gzip", "x-gzip", "deflate"):
        return b""
    try:
        return zlib.decompressobj(zlib.MAX_WBITS if coding == "deflate" else 47).decompress(head, bytes_max)
    except zlib.error:
        return b""


def parse_json(body: bytes) -> Any:
    """The value of a JSON body. Raises Undecodable: too_large, too_deep, not_json."""
    if len(body) > JSON_BYTES_MAX:
        raise Undecodable("too_large", f"JSON of {len(body)} bytes, at most {JSON_BYTES_MAX}")
    if body.count(b"[") + body.count(b"{") > JSON_DEPTH_MAX and _too_deep(body):
        raise Undecodable("too_deep", f"nested deeper than {JSON_DEPTH_MAX}")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Undecodable("not_json", str(error)[:200]) from None


def _too_deep(body: bytes) -> bool:
    """Peel the innermost pairs of brackets off, a level a pass; what is left after the last pass is too deep.

    Brackets inside strings can hold the peeling up; only then are the strings cut out first. Where brackets still
    don't pair up it is no JSON: the parser says so, and has a bound of its own.
    """
    left, stuck = _peel(body)
    if left and stuck:
        left, stuck = _peel(_STRINGS.sub(b"", body))
    return left and not stuck


def _peel(text: bytes) -> tuple[bool, bool]:
    """(brackets are left after JSON_DEPTH_MAX passes, a pass found no pair)."""
    brackets = text.translate(None, _NOT_BRACKETS)
    for _ in range(JSON_DEPTH_MAX):
        peeled = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(peeled) == len(brackets):
            return bool(brackets), True
        brackets = peeled
    return bool(brackets), False
