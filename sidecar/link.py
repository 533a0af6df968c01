"""The frames that pass between a proxy worker and the monitor, both ways, over one Unix socket.

Layout of a frame, little-endian: ``u32 length`` of what follows, ``u8 kind``, ``u64 sequence``, payload.
Sequenced kinds (EXCHANGES, COUNTS) carry 1, 2, 3 ... within a worker's epoch (its start, in nanoseconds); the
monitor commits them and then acknowledges the highest; the worker sends again what was not acknowledged. All
other kinds carry sequence 0 and may be lost. An ASK that the worker has no REPLY to when the connection is lost is
not sent again: its client is told to.

    worker -> monitor                               monitor -> worker
    HELLO     json {worker, epoch, pid, settings}   ACK       (sequence only)
    EXCHANGES packed exchanges, see shipping         SETTINGS  json, see settings_to_json
    COUNTS    json list of RequestCounts            WANT      prediction id (utf-8): send that request's body
    STATUS    json gauges and cumulative drops      RELEASE   prediction id: its body is not wanted
    IMAGE     see pack_image: one part of a request body
    MISSING   json {id, reason}: a wanted body that is no longer there
    LOG       json {level, event, ...}
    ASK       see pack_ask: a client's question     REPLY     see pack_reply: what that client is answered

The socket lives in a folder only its owner may enter; frames are still checked for size, never trusted with code.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any

from sidecar.types import (
    Experiment,
    FeedbackPath,
    Limits,
    ListenTls,
    Pin,
    ProxySettings,
    RequestCounts,
    RoutePattern,
    Shadow,
    UpstreamTls,
    Variant,
)

FRAME_BYTES_MAX = 80 << 20
IMAGE_PART_BYTES = 256 << 10
REPLY_BYTES_MAX = 256 << 10
MEDIA_TYPES = ("application/json", "application/problem+json")
"""What a reply may be; the link carries the place in this list."""
_HEAD = struct.Struct("<IBQ")
_IMAGE = struct.Struct("<HQQ")
_ASK = struct.Struct("<Q")
_REPLY = struct.Struct("<QHB")
_NO_CONTENT = frozenset((204, 205, 304))


class Kind(IntEnum):
    HELLO = 1
    EXCHANGES = 2
    COUNTS = 3
    STATUS = 4
    IMAGE = 5
    MISSING = 6
    LOG = 7
    ASK = 8
    ACK = 64
    SETTINGS = 65
    WANT = 66
    RELEASE = 67
    REPLY = 68


class FrameError(ValueError):
    """The peer sent what is no frame; the connection can't go on."""


@dataclass(frozen=True, slots=True)
class Frame:
    kind: Kind
    sequence: int
    payload: bytes


def pack_frame(kind: Kind, payload: bytes = b"", sequence: int = 0) -> bytes:
    return _HEAD.pack(9 + len(payload), kind, sequence) + payload


class FrameDecoder:
    """Cuts a byte stream into frames.

    >>> decoder = FrameDecoder()
    >>> frame = pack_frame(Kind.ACK, sequence=7)
    >>> list(decoder.feed(frame[:5])), [f.sequence for f in decoder.feed(frame[5:])]
    ([], [7])
    """

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, received: bytes) -> Iterator[Frame]:
        """Frames that ``received`` completes. Raises FrameError on an oversized or unknown one."""
        buffer = self._buffer
        buffer += received
        start = 0
        try:
            while len(buffer) - start >= 4:
                length = int.from_bytes(buffer[start : start + 4], "little")
                if not 9 <= length <= FRAME_BYTES_MAX:
                    raise FrameError(f"frame of {length} bytes, expected 9 to {FRAME_BYTES_MAX}")
                end = start + 4 + length
                if len(buffer) < end:
                    break
                _, kind, sequence = _HEAD.unpack_from(buffer, start)
                try:
                    frame = Frame(Kind(kind), sequence, bytes(memoryview(buffer)[start + 13 : end]))
                except ValueError:
                    raise FrameError(f"unknown kind of frame {kind}") from None
                start = end
                yield frame
        finally:
            if start:
                del buffer[:start]


def pack_image(prediction_id: str, offset: int, total: int, part: bytes) -> bytes:
    """One part of the request body of ``prediction_id``: ``part`` stands at ``offset`` of ``total`` bytes."""
    name = prediction_id.encode()
    return _IMAGE.pack(len(name), offset, total) + name + part


def unpack_image(payload: bytes) -> tuple[str, int, int, bytes]:
    """(prediction id, offset, total, part) of an IMAGE frame."""
    try:
        length, offset, total = _IMAGE.unpack_from(payload)
        start = _IMAGE.size + length
        name, part = payload[_IMAGE.size : start].decode(), payload[start:]
    except (struct.error, UnicodeDecodeError) as error:
        raise FrameError(f"image part: {error}") from error
    if offset + len(part) > total:
        raise FrameError(f"image part of {len(part)} bytes at {offset} passes the total of {total}")
    return name, offset, total, part


def pack_ask(number: int, body: bytes) -> bytes:
    """A client's question: ``number`` is the worker's own, and comes back with the reply; ``body`` as received."""
    return _ASK.pack(number) + body


def unpack_ask(payload: bytes) -> tuple[int, bytes]:
    """(number, body) of an ASK frame."""
    if len(payload) < _ASK.size:
        raise FrameError(f"ask of {len(payload)} bytes has no number")
    return _ASK.unpack_from(payload)[0], payload[_ASK.size :]


def pack_reply(number: int, status: int, media_type: str, body: bytes) -> bytes:
    """What the client of ask ``number`` is answered. Raises ValueError for what no client can be sent."""
    if not 200 <= status <= 599 or status in _NO_CONTENT:
        raise ValueError(f"reply: status {status} is no final one with content")
    if media_type not in MEDIA_TYPES:
        raise ValueError(f"reply: {media_type!r} is none of {', '.join(MEDIA_TYPES)}")
    if len(body) > REPLY_BYTES_MAX:
        raise ValueError(f"reply: {len(body)} bytes are over {REPLY_BYTES_MAX}")
    return _REPLY.pack(number, status, MEDIA_TYPES.index(media_type)) + body


def unpack_reply(payload: bytes) -> tuple[int, int, str, bytes]:
    """(number, status, media type, body) of a REPLY frame."""
    try:
        number, status, place = _REPLY.unpack_from(payload)
        media_type = MEDIA_TYPES[place]
    except (struct.error, IndexError) as error:
        raise FrameError(f"reply: {error}") from error
    if not 200 <= status <= 599 or status in _NO_CONTENT:
        raise FrameError(f"reply with status {status}")
    return number, status, media_type, payload[_REPLY.size :]


def pack_json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def unpack_json(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError as error:
        raise FrameError(f"not JSON: {error}") from error


def pack_counts(counts: Iterable[RequestCounts]) -> bytes:
    return pack_json([asdict(count) for count in counts])


def unpack_counts(payload: bytes) -> list[RequestCounts]:
    """The counts of a COUNTS frame; JSON made the integer keys text, here they are integers again."""
    rows = unpack_json(payload)
    for row in rows:
        for name in ("statuses", "latency", "upstream"):
            row[name] = {int(key): value for key, value in row[name].items()}
    return [RequestCounts(**row) for row in rows]


def settings_to_json(settings: ProxySettings) -> bytes:
    return pack_json(asdict(settings))


def settings_from_json(text: bytes) -> ProxySettings:
    """The settings that settings_to_json wrote."""
    row = unpack_json(text)
    row["variants"] = tuple(
        Variant(**{**item, "urls": tuple(item["urls"]), "tls": UpstreamTls(**item["tls"])}) for item in row["variants"]
    )
    row["routes"] = tuple(RoutePattern(**{**item, "methods": tuple(item["methods"])}) for item in row["routes"])
    row["experiments"] = tuple(
        Experiment(**{**item, "treatments": tuple(item["treatments"]), "shares": tuple(item["shares"])})
        for item in row["experiments"]
    )
    row["shadows"] = tuple(Shadow(**item) for item in row["shadows"])
    row["production"] = tuple((model, variant) for model, variant in row["production"])
    row["pins"] = tuple(Pin(**item) for item in row["pins"])
    row["limits"] = Limits(**row["limits"])
    row["tls"] = ListenTls(**row["tls"])
    row["trusted_proxies"] = tuple(row["trusted_proxies"])
    row["feedback"] = FeedbackPath(**{**row["feedback"], "origins": tuple(row["feedback"]["origins"])})
    return ProxySettings(**row)
