"""Bodies that the monitor asked for."""

from __future__ import annotations

import pytest

from sidecar.link import Frame, FrameDecoder, Kind, unpack_image, unpack_json
from sidecar.proxy import wanted
from sidecar.proxy.ring import Ring
from sidecar.proxy.wanted import WANTED_SHARE, Wanted

LARGE = 600_000
"""More than goes into one frame."""


def ring_of(bodies: dict[str, bytes], bytes_max: int = 1 << 30) -> Ring:
    ring = Ring(bytes_max, 5.0, 30.0)
    for name, content in bodies.items():
        body = ring.open(name, False)
        ring.append(body, content)
        ring.end(body, 0.0)
    return ring


def sent(waiting: Wanted) -> list[Frame]:
    """All that is to be sent."""
    decoder, frames = FrameDecoder(), []
    while frame := waiting.next_frame():
        frames += decoder.feed(frame)
    return frames


def told(frames: list[Frame]) -> list[tuple[str, int] | tuple[str, str]]:
    """Of each frame the id with the bytes in it, or with the reason for which there are none."""
    found: list[tuple[str, int] | tuple[str, str]] = []
    for frame in frames:
        if frame.kind is Kind.MISSING:
            word = unpack_json(frame.payload)
            found.append((word["id"], word["reason"]))
        else:
            name, _, _, part = unpack_image(frame.payload)
            found.append((name, len(part)))
    return found


def test_body_comes_whole_in_parts_and_what_is_not_there_is_told() -> None:
    """In the order in which they were asked for; then nothing waits."""
    content = bytes(range(256)) * (LARGE // 256)
    waiting = Wanted(ring_of({"a": content, "b": b"xyz"}))
    assert [waiting.ask(name) for name in ("a", "nobody", "b")] == [True, True, True]
    assert waiting.bytes == len(content) + 3
    frames = sent(waiting)
    assert told(frames)[-2:] == [("nobody", "unknown"), ("b", 3)]
    parts = [unpack_image(frame.payload) for frame in frames[:-2]]
    assert len(parts) > 1
    assert b"".join(part for _, _, _, part in parts) == content
    assert (waiting.bytes, waiting.next_frame()) == (0, None)


def test_bodies_that_wait_are_bounded_in_bytes() -> None:
    """They are no longer the ring's: what is over their share of it is told as gone, behind what is being sent."""
    waiting = Wanted(ring_of(dict.fromkeys("abc", bytes(LARGE)), WANTED_SHARE * 2 * LARGE))
    assert [waiting.ask(name) for name in "ab"] == [True, True]
    waiting.next_frame()
    assert waiting.ask("c") is False
    names = list(dict.fromkeys(name for name, _ in told(sent(waiting))))
    assert names == ["a", "c", "b"]
    assert (waiting.ask("c"), waiting.bytes) == (True, LARGE)


def test_one_body_may_always_wait() -> None:
    """However large it is: else it could never be had."""
    waiting = Wanted(ring_of({"a": bytes(LARGE)}, LARGE + 10_000))
    assert waiting.ask("a") is True
    assert sum(size for _, size in told(sent(waiting)) if isinstance(size, int)) == LARGE


def test_bodies_that_wait_are_bounded_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small ones too."""
    monkeypatch.setattr(wanted, "WANTED_MAX", 2)
    waiting = Wanted(ring_of(dict.fromkeys("abc", b"x")))
    assert [waiting.ask(name) for name in "abc"] == [True, True, False]
    assert told(sent(waiting)) == [("a", 1), ("c", "evicted"), ("b", 1)]


def test_nothing_waits_for_a_monitor_that_is_gone() -> None:
    """The next one asks for what it wants."""
    waiting = Wanted(ring_of({"a": bytes(LARGE)}))
    waiting.ask("a")
    waiting.next_frame()
    waiting.clear()
    assert (waiting.bytes, waiting.next_frame()) == (0, None)
