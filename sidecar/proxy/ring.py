"""The request bodies of the last moments, kept by reference, bounded in bytes and age."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

ENTRY_OVERHEAD_BYTES = 640
CHUNK_OVERHEAD_BYTES = 64
JOINED_BYTES_MAX = 4_096
GONE_MAX = 4_096


@dataclass(slots=True, eq=False)
class Body:
    """A request's body as it came. ``ended_at`` (monotonic seconds) is None while its exchange goes on."""

    prediction_id: str
    pinned: bool
    chunks: list[bytes] = field(default_factory=list)
    tail: bytearray = field(default_factory=bytearray)
    size: int = 0
    charged: int = ENTRY_OVERHEAD_BYTES
    ended_at: float | None = None
    held: bool = True


class Ring:
    """Bodies by prediction id, oldest first. Why one went, for room or by age, is remembered for a while."""

    def __init__(self, bytes_max: int, age_s: float, pin_age_s: float) -> None:
        self._open: OrderedDict[str, Body] = OrderedDict()
        self._pinned: OrderedDict[str, Body] = OrderedDict()
        self._gone: OrderedDict[str, str] = OrderedDict()
        self.bytes = 0
        self.evicted = 0
        self.configure(bytes_max, age_s, pin_age_s)

    def __len__(self) -> int:
        return len(self._open) + len(self._pinned)

    def configure(self, bytes_max: int, age_s: float, pin_age_s: float) -> None:
        self.bytes_max = bytes_max
        self._age_s = age_s
        self._pin_age_s = pin_age_s
        self._make_room()

    def open(self, prediction_id: str, pinned: bool) -> Body:
        """A body to which chunks will be appended."""
        body = Body(prediction_id, pinned)
        (self._pinned if pinned else self._open)[prediction_id] = body
        self.bytes += body.charged
        self._make_room()
        return body

    def append(self, body: Body, chunk: bytes) -> None:
        """Keeps ``chunk`` by reference; small ones are joined, for their overhead would outweigh them."""
        if not body.held:
            return
        if len(chunk) < JOINED_BYTES_MAX // 4:
            cost = len(chunk)
            body.tail += chunk
            if len(body.tail) >= JOINED_BYTES_MAX:
                cost += self._close_tail(body)
        else:
            cost = len(chunk) + CHUNK_OVERHEAD_BYTES
            if body.tail:
                cost += self._close_tail(body)
            body.chunks.append(chunk)
        body.size += len(chunk)
        body.charged += cost
        self.bytes += cost
        if self.bytes > self.bytes_max:
            self._make_room()

    @staticmethod
    def _close_tail(body: Body) -> int:
        body.chunks.append(bytes(body.tail))
        body.tail = bytearray()
        return CHUNK_OVERHEAD_BYTES

    def end(self, body: Body, now: float) -> None:
        """The exchange is over: from ``now`` on the body ages."""
        if body.held:
            body.ended_at = now
            (self._pinned if body.pinned else self._open).move_to_end(body.prediction_id)

    def discard(self, body: Body) -> None:
        """Forgets a body that never became whole."""
        self._remove(body, None)

    def release(self, prediction_id: str, now: float) -> None:
        """Frees a pin: the body is an ordinary one again."""
        body = self._pinned.get(prediction_id)
        if body is None:
            return
        if body.ended_at is not None and now - body.ended_at > self._age_s:
            self._remove(body, "aged")
            return
        del self._pinned[prediction_id]
        body.pinned = False
        self._open[prediction_id] = body

    def take(self, prediction_id: str) -> list[bytes] | str:
        """The chunks of a body, or the reason why it is missing: ``evicted``, ``aged`` or ``unknown``."""
        body = self._open.get(prediction_id) or self._pinned.get(prediction_id)
        if body is None or body.ended_at is None:
            return self._gone.get(prediction_id, "unknown")
        return self.chunks(body) or []

    @staticmethod
    def chunks(body: Body) -> list[bytes] | None:
        """What came of a body so far, None where the ring has let it go."""
        if not body.held:
            return None
        return [*body.chunks, bytes(body.tail)] if body.tail else list(body.chunks)

    def expire(self, now: float) -> None:
        """Drops what is over its age."""
        for bodies, age_s in ((self._open, self._age_s), (self._pinned, self._pin_age_s)):
            aged = []
            for body in bodies.values():  # those that ended stand in the order in which they did
                if body.ended_at is not None:
                    if now - body.ended_at <= age_s:
                        break
                    aged.append(body)
            for body in aged:
                self._remove(body, "aged")

    def _make_room(self) -> None:
        while self.bytes > self.bytes_max and (self._open or self._pinned):
            bodies = self._open or self._pinned
            self.evicted += 1
            self._remove(next(iter(bodies.values())), "evicted")

    def _remove(self, body: Body, reason: str | None) -> None:
        if not body.held:
            return
        body.held = False
        del (self._pinned if body.pinned else self._open)[body.prediction_id]
        self.bytes -= body.charged
        body.chunks = []
        body.tail = bytearray()
        if reason is not None:
            self._gone[body.prediction_id] = reason
            if len(self._gone) > GONE_MAX:
                self._gone.popitem(last=False)
