"""The ring of request bodies."""

from __future__ import annotations

from sidecar.proxy.ring import ENTRY_OVERHEAD_BYTES, Ring


def test_full_ring_evicts_the_oldest_unpinned_body() -> None:
    """Room is made at the cost of who is not pinned, and the reason is remembered."""
    ring = Ring(3 * 10_000, 5.0, 30.0)
    for name, pinned in (("p", True), ("a", False), ("b", False), ("c", False)):
        body = ring.open(name, pinned)
        ring.append(body, bytes(9_000))
        ring.end(body, 0.0)
    assert ring.take("a") == "evicted"
    assert ring.take("p") == [bytes(9_000)]
    assert ring.bytes <= 30_000


def test_aged_body_is_missing_and_a_released_pin_ages_like_others() -> None:
    """Pins outlive other bodies until they are released."""
    ring = Ring(1 << 20, 5.0, 30.0)
    for name, pinned in (("a", False), ("p", True)):
        ring.end(ring.open(name, pinned), 0.0)
    ring.expire(6.0)
    assert (ring.take("a"), ring.take("p"), ring.take("x")) == ("aged", [], "unknown")
    ring.release("p", 6.0)
    assert (ring.take("p"), ring.bytes, len(ring)) == ("aged", 0, 0)


def test_small_chunks_are_joined() -> None:
    """A body that trickles in does not cost an object a byte."""
    ring = Ring(1 << 20, 5.0, 30.0)
    body = ring.open("a", False)
    for _ in range(10_000):
        ring.append(body, b"z")
    ring.end(body, 0.0)
    chunks = ring.take("a")
    assert isinstance(chunks, list)
    assert (b"".join(chunks), len(chunks)) == (b"z" * 10_000, 3)
    assert ring.bytes < 10_000 + ENTRY_OVERHEAD_BYTES + 200
