"""The monitor's end of the link, over a real socket."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidecar.link import FrameDecoder, Kind, pack_frame, pack_image, pack_json
from sidecar.monitor import intake as module
from sidecar.monitor.intake import Intake
from sidecar.types import ProxySettings, Variant
from tests.kit.wait import until

SETTINGS = ProxySettings(version=2, variants=(Variant("A", "http://a:1"),), default="A")
HELLO = {"worker": 0, "epoch": 5, "pid": 77, "settings": 2}


class Peer:
    """A worker's side of the socket, written by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer, self.decoder = reader, writer, FrameDecoder()
        self.got: list[tuple[Kind, int, bytes]] = []

    def send(self, kind: Kind, payload: bytes = b"", sequence: int = 0) -> None:
        self.writer.write(pack_frame(kind, payload, sequence))

    async def receive(self) -> tuple[Kind, int, bytes]:
        while not self.got:
            received = await asyncio.wait_for(self.reader.read(65536), 5)
            assert received, "the monitor closed the connection"
            self.got += [(frame.kind, frame.sequence, frame.payload) for frame in self.decoder.feed(received)]
        return self.got.pop(0)


class Bench:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.images: list[tuple[str, bytes]] = []
        self.missing: list[tuple[str, str]] = []
        self.intake = Intake(
            path,
            SETTINGS,
            {(0, 5): 3},
            lambda name, body: self.images.append((name, body)),
            lambda name, reason: self.missing.append((name, reason)),
        )

    async def peer(self, hello: dict[str, int] = HELLO) -> Peer:
        peer = Peer(*await asyncio.open_unix_connection(str(self.path)))
        peer.send(Kind.HELLO, pack_json(hello))
        return peer


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path / "l")
    await bench.intake.start()
    yield bench
    await bench.intake.stop()


async def test_new_frames_are_taken_and_acknowledged_after_the_commit(bench: Bench) -> None:
    """A frame waits for the pipeline; only ``acknowledge`` tells the worker."""
    peer = await bench.peer()
    peer.send(Kind.COUNTS, b"[]", sequence=4)
    (received,) = await bench.intake.take(5, 10)
    assert (received.worker, received.epoch, received.frame.sequence) == (0, 5, 4)
    bench.intake.acknowledge({(0, 5): 4})
    assert await peer.receive() == (Kind.ACK, 4, b"")


async def test_committed_frames_are_acknowledged_at_once_and_not_taken(bench: Bench) -> None:
    """What a worker sends again after a crash is recorded once."""
    peer = await bench.peer()
    peer.send(Kind.COUNTS, b"[]", sequence=2)
    assert await peer.receive() == (Kind.ACK, 3, b"")
    assert await bench.intake.take(0.01, 10) == []


async def test_worker_with_old_settings_gets_the_present_ones(bench: Bench) -> None:
    """A worker started while the monitor was away catches up."""
    peer = await bench.peer({**HELLO, "settings": 1})
    kind, _, payload = await peer.receive()
    assert kind is Kind.SETTINGS
    assert b'"version":2' in payload


async def test_image_parts_are_joined(bench: Bench) -> None:
    """A body that came in parts is handed on whole."""
    peer = await bench.peer()
    peer.send(Kind.IMAGE, pack_image("p", 0, 5, b"abc"))
    peer.send(Kind.IMAGE, pack_image("p", 3, 5, b"de"))
    await until(lambda: bench.images)
    assert bench.images == [("p", b"abcde")]
    assert bench.intake.images_bytes == 0


async def test_image_out_of_order_or_over_the_bound_is_missing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gap or a body over the assembly's bound is a counted miss, never half an image."""
    monkeypatch.setattr(module, "IMAGES_BYTES_MAX", 10)
    peer = await bench.peer()
    peer.send(Kind.IMAGE, pack_image("p", 0, 5, b"ab"))
    peer.send(Kind.IMAGE, pack_image("p", 3, 5, b"de"))
    peer.send(Kind.IMAGE, pack_image("q", 0, 11, b"ab"))
    await until(lambda: len(bench.missing) == 2)
    assert bench.missing == [("p", "out_of_order"), ("q", "assembly_full")]


@pytest.mark.parametrize("rubbish", [b"\xff" * 40, pack_frame(Kind.COUNTS, b"[]", 9), pack_frame(Kind.HELLO, b"{}")])
async def test_rubbish_ends_the_connection_and_nothing_else(bench: Bench, rubbish: bytes) -> None:
    """A broken peer is cut off and counted; the next one is served."""
    reader, writer = await asyncio.open_unix_connection(str(bench.path))
    writer.write(rubbish)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    assert bench.intake.dropped["link", "bad_frame"] == 1
    peer = await bench.peer()
    peer.send(Kind.COUNTS, b"[]", sequence=4)
    assert len(await bench.intake.take(5, 10)) == 1


async def test_full_queue_stops_reading_until_it_is_taken(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A monitor that falls behind leaves frames with the worker, whose own bound drops and counts."""
    monkeypatch.setattr(module, "QUEUE_BYTES_MAX", 100)
    peer = await bench.peer()
    big = b"[" + b" " * 200_000 + b"]"
    for sequence in range(4, 24):
        peer.send(Kind.COUNTS, big, sequence)
    taken = 0
    while taken < 20:
        received = await bench.intake.take(5, 1)
        assert len(bench.intake._queue) < 19
        taken += len(received)
    assert taken == 20


async def test_image_of_a_worker_that_dies_is_missing_and_frees_its_room(bench: Bench) -> None:
    """Half an image of a dead worker never takes the room of the next one's."""
    peer = await bench.peer()
    peer.send(Kind.IMAGE, pack_image("p", 0, 5, b"ab"))
    await until(lambda: bench.intake.images_bytes)
    peer.writer.close()
    await until(lambda: bench.missing)
    assert (bench.missing, bench.intake.images_bytes) == ([("p", "worker_gone")], 0)
