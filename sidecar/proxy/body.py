"""Framing of message bodies, without I/O: a counter for Content-Length, a strict decoder for the chunked coding.

Each takes received bytes by ``feed`` and gives content back, sets ``ended`` at the last byte and leaves in ``rest``
what came after it.
"""

from __future__ import annotations

import re
from typing import Protocol

from sidecar.proxy.broken import BROKEN_LINE, fault_of_trailers
from sidecar.proxy.fields import TOKEN
from sidecar.proxy.head import CHUNKED, UNTIL_CLOSE
from sidecar.proxy.trailers import passing_trailers
from sidecar.types import Limits

_EXTENSION = (
    rb"(?:[ \t]*;[ \t]*" + TOKEN + rb"(?:[ \t]*=[ \t]*(?:" + TOKEN + rb'|"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]'
    rb'|\\[\t \x21-\x7e\x80-\xff])*"))?)*'
)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,20})(" + _EXTENSION + rb")\r\n")
_CHUNK_BEGUN = re.compile(rb"[0-9A-Fa-f]{0,20}(?:(?<=[0-9A-Fa-f])[ \t;][\t\x20-\x7e\x80-\xff]*)?\r?")
_TRAILERS = re.compile(rb"(?:" + TOKEN + rb":[\t\x20-\x7e\x80-\xff]*\r\n)*")
_FRAMING_TRAILER = re.compile(rb"(?:^|\n)(?:content-length|transfer-encoding)[ \t]*:", re.IGNORECASE)


class BodyError(ValueError):
    """A body that breaks its framing or a bound: ``status`` is the answer if the client is to blame (400, 413, 431).

    ``limit`` names the bound of Limits, if it was one.
    """

    def __init__(self, status: int, reason: str, limit: str = "") -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.limit = limit


class Framing(Protocol):
    """``trailers``, once ``ended``: the lines of the trailer section that may be sent on."""

    ended: bool
    rest: bytes
    trailers: bytes

    def feed(self, received: bytes) -> bytes: ...


def framing_for(length: int, limits: Limits, bytes_max: int) -> Framing:
    """The framing of a body of ``length`` (bytes, CHUNKED or UNTIL_CLOSE)."""
    if length == CHUNKED:
        return ChunkedDecoder(bytes_max, limits)
    if length == UNTIL_CLOSE:
        return UntilClose()
    return LengthCounter(length)


class LengthCounter:
    """A body of a known number of bytes."""

    __slots__ = ("_left", "ended", "rest", "trailers")

    def __init__(self, length: int) -> None:
        self._left = length
        self.ended = length == 0
        self.rest = self.trailers = b""

    def feed(self, received: bytes) -> bytes:
        """The part of ``received`` that belongs to the body, uncopied where that is all of it."""
        if len(received) > self._left:
            received, self.rest = received[: self._left], received[self._left :]
        self._left -= len(received)
        self.ended = not self._left
        return received


class UntilClose:
    """A body that ends with its connection; whoever owns the connection knows when."""

    __slots__ = ("ended", "rest", "trailers")

    def __init__(self) -> None:
        self.ended = False
        self.rest = self.trailers = b""

    def feed(self, received: bytes) -> bytes:
        return received


class ChunkedDecoder:
    """The chunked coding (RFC 9112, 7.1). Extensions are checked and dropped, trailers kept apart.

    >>> decoder = ChunkedDecoder(100, Limits())
    >>> decoder.feed(b"3;a=b\\r\\nfoo\\r\\n0\\r") + decoder.feed(b"\\nX: 1\\r\\n\\r\\nGET")
    b'foo'
    >>> decoder.ended, decoder.trailers, decoder.rest
    (True, b'X: 1\\r\\n', b'GET')
    """

    __slots__ = (
        "_bytes",
        "_bytes_max",
        "_extension",
        "_held",
        "_left",
        "_limits",
        "_state",
        "ended",
        "rest",
        "trailers",
    )

    def __init__(self, bytes_max: int, limits: Limits) -> None:
        self._bytes_max = bytes_max
        self._limits = limits
        self._extension = self._bytes = self._left = 0
        self._held = b""
        self._state = "size"
        self.ended = False
        self.rest = self.trailers = b""

    def feed(self, received: bytes) -> bytes:
        """The content that ``received`` holds. Raises BodyError."""
        data = received
        if self._held:
            data, self._held = self._held + received, b""
            if self._state == "size" and b"\n" not in received:
                # a match would be tried anew for each byte that trickles in
                self._check_begun(data, 0)
                self._held = data
                return b""
        content: list[bytes] = []
        position = 0
        end = len(data)
        while position < end:
            if self._state == "data":
                piece = data if not position and self._left >= end else data[position : position + self._left]
                content.append(piece)
                position += len(piece)
                self._left -= len(piece)
                if self._left:
                    break
                self._state = "data_end"
            elif self._state == "data_end":
                if data.startswith(b"\r\n", position):
                    position += 2
                    self._state = "size"
                elif data[position:] == b"\r":
                    break
                else:
                    raise BodyError(400, "chunk does not end in CRLF")
            elif self._state == "size":
                match = _CHUNK.match(data, position)
                if match is None:
                    self._check_begun(data, position)
                    break
                position = match.end()
                self._begin_chunk(match.group(1), len(match.group(2)))
            else:
                position = self._take_trailers(data, position)
                break
        if not self.ended and position < end:
            self._held = data[position:]
        return content[0] if len(content) == 1 else b"".join(content)

    def _begin_chunk(self, digits: bytes, extension_bytes: int) -> None:
        size = int(digits, 16)
        self._bytes += size
        if extension_bytes:
            self._extension += extension_bytes
            if self._extension > self._limits.chunk_extension_bytes_max:
                raise self._extensions_too_large()
        if self._bytes > self._bytes_max:
            raise BodyError(413, f"body is over {self._bytes_max} bytes", "body_bytes_max")
        self._left = size
        self._state = "data" if size else "trailers"

    def _check_begun(self, data: bytes, position: int) -> None:
        if len(data) - position > self._limits.chunk_extension_bytes_max - self._extension + 32:
            raise self._extensions_too_large()
        if _CHUNK_BEGUN.fullmatch(data, position) is None:
            raise BodyError(400, "malformed chunk size")

    def _extensions_too_large(self) -> BodyError:
        bound = self._limits.chunk_extension_bytes_max
        return BodyError(400, f"chunk extensions are over {bound} bytes", "chunk_extension_bytes_max")

    def _take_trailers(self, data: bytes, position: int) -> int:
        if data.startswith(b"\r\n", position):
            return self._end(data, position + 2)
        stop = data.find(b"\r\n\r\n", position)
        block = data[position : stop + 2] if stop >= 0 else data[position:]
        limits = self._limits
        if len(block) > limits.trailer_bytes_max or block.count(b"\n") > limits.head_fields_max:
            raise BodyError(431, "trailers too large", "trailer_bytes_max")
        whole = block[: block.rfind(b"\n") + 1]
        if BROKEN_LINE.search(block) or _TRAILERS.fullmatch(whole) is None or _FRAMING_TRAILER.search(whole):
            raise BodyError(400, fault_of_trailers(block))
        if stop < 0:
            return position
        self.trailers = passing_trailers(whole)
        return self._end(data, stop + 4)

    def _end(self, data: bytes, position: int) -> int:
        self.ended = True
        self.rest = data[position:]
        return len(data)


def frame_chunk(content: bytes, last: bool, trailers: bytes = b"") -> list[bytes]:
    """``content`` as one chunk, followed by the end of the body and its ``trailers`` where it is the ``last``."""
    parts = [b"%x\r\n" % len(content), content, b"\r\n"] if content else []
    if last:
        parts.append(b"0\r\n%b\r\n" % trailers if trailers else b"0\r\n\r\n")
    return parts
