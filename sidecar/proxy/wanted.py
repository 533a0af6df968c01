"""Bodies that the monitor asked for, until they are sent. Pure.

The ring counts what it holds, and no longer what it has handed out: so what waits here has bounds of its own, in number
and in bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from sidecar.link import IMAGE_PART_BYTES, Kind, pack_frame, pack_image, pack_json
from sidecar.proxy.ring import Ring

WANTED_MAX = 1_024
WANTED_SHARE = 4
"""The part of the ring's bytes that may wait here is one by this; one body may always."""


class Wanted:
    """Answers what is asked for in its order; that there is no room for something is told before. ``bytes`` wait."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring
        self._waiting: deque[_Parts | tuple[str, str]] = deque()
        self.bytes = 0

    def ask(self, prediction_id: str) -> bool:
        """Takes what there is of a body. False: it is there and there is no room for it."""
        found = self._ring.take(prediction_id)
        if isinstance(found, str):
            self._waiting.append((prediction_id, found))
            return True
        body = _Parts(prediction_id, found)
        room = self._ring.bytes_max // WANTED_SHARE - self.bytes
        if len(self._waiting) >= WANTED_MAX or (self.bytes and body.total > room):
            self._waiting.insert(1, (prediction_id, "evicted"))  # behind the body whose parts are being sent
            return False
        self._waiting.append(body)
        self.bytes += body.total
        return True

    def next_frame(self) -> bytes | None:
        """A part of the first body, or word of one that is not there; None where nothing waits."""
        if not self._waiting:
            return None
        first = self._waiting[0]
        if isinstance(first, tuple):
            self._waiting.popleft()
            prediction_id, reason = first
            return pack_frame(Kind.MISSING, pack_json({"id": prediction_id, "reason": reason}))
        payload = first.next_part()
        if first.ended:
            self._waiting.popleft()
            self.bytes -= first.total
        return pack_frame(Kind.IMAGE, payload)

    def clear(self) -> None:
        """Nobody asks for it any more."""
        self._waiting.clear()
        self.bytes = 0


class _Parts:
    """Cuts a body, as it was received, into parts for the link."""

    def __init__(self, prediction_id: str, chunks: Sequence[bytes]) -> None:
        self._prediction_id = prediction_id
        self._chunks = deque(chunks)
        self._offset = self._within = 0
        self.total = sum(map(len, chunks))
        self.ended = False

    def next_part(self) -> bytes:
        parts: list[bytes] = []
        room = IMAGE_PART_BYTES
        while room and self._chunks:
            piece = self._chunks[0][self._within : self._within + room]
            parts.append(piece)
            room -= len(piece)
            self._within += len(piece)
            if self._within == len(self._chunks[0]):
                self._chunks.popleft()
                self._within = 0
        part = b"".join(parts)
        payload = pack_image(self._prediction_id, self._offset, self.total, part)
        self._offset += len(part)
        self.ended = not self._chunks
        return payload
