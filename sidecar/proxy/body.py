"""Framing of message bodies, without I/O: a counter for Content-Length, a strict decoder for the chunked coding.

Each takes received bytes by ``feed`` and gives content back, sets ``ended`` at the last byte and leaves in ``rest``
what came after it.
"""

from __future__ import annotations

import re
from typing import Protocol

from sidecar.proxy.head import CHUNKED, UNTIL_CLOSE
from sidecar.types import Limits

TRAILER_BYTES_MAX = 16_384
TRAILER_FIELDS_MAX = 100

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_EXTENSION = (
    rb"(?:[ \t]*;[ \t]*" + _TOKEN + rb"(?:[ \t]*=[ \t]*(?:" + _TOKEN + rb'|"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]'
    rb'|\\[\t \x21-\x7e\x80-\xff])*"))?)*'
)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,20})(" + _EXTENSION + rb")\r\n")
_CHUNK_BEGUN = re.compile(rb"[0-9A-Fa-f]{0,20}(?:(?<=[0-9A-Fa-f])[ \t;][\t\x20-\x7e\x80-\xff]*)?\r?")
_TRAILERS = re.compile(rb"(?:" + _TOKEN + rb":[\t\x20-\x7e\x80-\xff]*\r\n)*")
_TRAILER_BROKEN = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|(?<!\r)\n|\r(?!\n|\Z)")
_FRAMING_TRAILER = re.compile(rb"(?:^|\n)(?:content-length|transfer-encoding)[ \t]*:", re.IGNORECASE)


class BodyError(ValueError):
    """A body that breaks its framing or a bound: ``status`` is the answer if the client is to blame (400, 413, 431)."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Framing(Protocol):
    ended: bool
    rest: bytes

    def feed(self, received: bytes) -> bytes: ...


def framing_for(length: int, limits: Limits, bytes_max: int) -> Framing:
    """The framing of a body of ``length`` (bytes, CHUNKED or UNTIL_CLOSE)."""
    if length == CHUNKED:
        return ChunkedDecoder(bytes_max, limits.chunk_extension_bytes_max)
    if length == UNTIL_CLOSE:
        return UntilClose()
    return LengthCounter(length)


class LengthCounter:
    """A body of a known number of bytes."""

    __slots__ = ("_left", "ended", "rest")

    def __init__(self, length: int) -> None:
        self._left = length
        self.ended = length == 0
        self.rest = b""

    def feed(self, received: bytes) -> bytes:
        """The part of ``received`` that belongs to the body, uncopied where that is all of it."""
        if len(received) > self._left:
            received, self.rest = received[: self._left], received[self._left :]
        self._left -= len(received)
        self.ended = not self._left
        return received


class UntilClose:
    """A body that ends with its connection; whoever owns the connection knows when."""

    __slots__ = ("ended", "rest")

    def __init__(self) -> None:
        self.ended = False
        self.rest = b""

    def feed(self, received: bytes) -> bytes:
        return received


class ChunkedDecoder:
    """The chunked coding (RFC 9112, 7.1). Extensions and trailers are checked and dropped.

    >>> decoder = ChunkedDecoder(100, 100)
    >>> decoder.feed(b"3;a=b\\r\\nfoo\\r\\n0\\r"), decoder.feed(b"\\n\\r\\nGET"), decoder.ended, decoder.rest
    (b'foo', b'', True, b'GET')
    """

    __slots__ = ("_bytes", "_bytes_max", "_extension", "_extension_max", "_held", "_left", "_state", "ended", "rest")

    def __init__(self, bytes_max: int, extension_max: int) -> None:
        self._bytes_max = bytes_max
        self._extension_max = extension_max
        self._extension = self._bytes = self._left = 0
        self._held = b""
        self._state = "size"
        self.ended = False
        self.rest = b""

    def feed(self, received: bytes) -> bytes:
        """The content that ``received`` holds. Raises BodyError."""
        data = self._held + received if self._held else received
        self._held = b""
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
        self._extension += extension_bytes
        self._bytes += size
        if self._extension > self._extension_max:
            raise BodyError(400, f"chunk extensions are over {self._extension_max} bytes")
        if self._bytes > self._bytes_max:
            raise BodyError(413, f"body is over {self._bytes_max} bytes")
        self._left = size
        self._state = "data" if size else "trailers"

    def _check_begun(self, data: bytes, position: int) -> None:
        if len(data) - position > self._extension_max - self._extension + 32:
            raise BodyError(400, f"chunk extensions are over {self._extension_max} bytes")
        if _CHUNK_BEGUN.fullmatch(data, position) is None:
            raise BodyError(400, "malformed chunk size")

    def _take_trailers(self, data: bytes, position: int) -> int:
        if data.startswith(b"\r\n", position):
            return self._end(data, position + 2)
        stop = data.find(b"\r\n\r\n", position)
        block = data[position : stop + 2] if stop >= 0 else data[position:]
        if len(block) > TRAILER_BYTES_MAX or block.count(b"\n") > TRAILER_FIELDS_MAX:
            raise BodyError(431, "trailers too large")
        whole = block[: block.rfind(b"\n") + 1]
        if _TRAILER_BROKEN.search(block) or _TRAILERS.fullmatch(whole) is None or _FRAMING_TRAILER.search(whole):
            raise BodyError(400, "malformed trailer")
        if stop < 0:
            return position
        return self._end(data, stop + 4)

    def _end(self, data: bytes, position: int) -> int:
        self.ended = True
        self.rest = data[position:]
        return len(data)


def frame_chunk(content: bytes, last: bool) -> list[bytes]:
    """``content`` as one chunk, followed by the end of the body where it is the ``last``."""
    parts = [b"%x\r\n" % len(content), content, b"\r\n"] if content else []
    if last:
        parts.append(b"0\r\n\r\n")
    return parts
