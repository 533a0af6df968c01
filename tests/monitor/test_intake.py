"""The monitor's end of the link, over a real socket."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidecar.link import FrameDecoder, Kind, pack_ask, pack_frame, pack_image, pack_json, unpack_reply
from sidecar.monitor import asks
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
            received = await asyncio.wait_for(self.reader.read(65536), 30)
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
            self.on_ask,
        )
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = self.ended = 0

    async def on_ask(self, body: bytes) -> tuple[int, str, bytes]:
        """Replies with the body; ``!`` fails, ``?`` is an answer that no client can be sent."""
        self.begun += 1
        try:
            await self.gate.wait()
        finally:
            self.ended += 1
        if body == b"!":
            raise LookupError("no such thing")
        return (204 if body == b"?" else 200), "application/json", body

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


async def test_lives_of_a_worker_and_what_waits_are_counted(bench: Bench) -> None:
    """A connection that was lost and came back is no new start; frames wait until they are taken."""
    for epoch in (5, 5, 6):
        peer = await bench.peer({**HELLO, "epoch": epoch})
        peer.send(Kind.COUNTS, b"[]", sequence=9)
        (received,) = await bench.intake.take(5, 1)
        assert received.epoch == epoch
    assert dict(bench.intake.starts) == {0: 2}
    peer.send(Kind.COUNTS, b"[]", sequence=10)
    await until(lambda: bench.intake.queued == (1, 2))


async def test_what_workers_counted_stays_in_the_sum_when_their_lives_are_let_go(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A counter never falls, nor counts twice what a worker brings that only lost its connection."""
    monkeypatch.setattr(module, "WORKERS_REMEMBERED_MAX", 3)
    intake = bench.intake

    async def lived(worker: int, epoch: int, dropped: int, limits: int = 0) -> None:
        peer = await bench.peer({**HELLO, "worker": worker, "epoch": epoch})
        status = {"dropped": {"tap/full": dropped}, "limits_hit": {"body_bytes_max": limits}}
        peer.send(Kind.STATUS, pack_json(status))
        await until(lambda: (worker, epoch) in intake.workers and intake.workers[worker, epoch].status == status)
        peer.writer.close()
        await until(lambda: not intake.workers[worker, epoch].connected)

    await lived(1, 5, dropped=100)
    for epoch in range(6, 11):
        await lived(0, epoch, dropped=epoch, limits=1)
    assert set(intake.workers) == {(1, 5), (0, 9), (0, 10)}
    assert intake.counted("dropped") == {"tap/full": 100 + 6 + 7 + 8 + 9 + 10}
    assert intake.counted("limits_hit") == {"body_bytes_max": 5}
    await lived(1, 5, dropped=101)
    assert intake.counted("dropped") == {"tap/full": 101 + 6 + 7 + 8 + 9 + 10}


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
    assert await asyncio.wait_for(reader.read(), 30) == b""
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


async def replied(peer: Peer) -> tuple[int, int, str, bytes]:
    kind, sequence, payload = await peer.receive()
    assert (kind, sequence) == (Kind.REPLY, 0)
    return unpack_reply(payload)


async def test_questions_are_answered_where_they_came_from_and_counted(bench: Bench) -> None:
    """Two workers may use the same number; a question that fails, or whose answer is unfit, costs only itself."""
    first, second = await bench.peer(), await bench.peer({**HELLO, "worker": 1})
    second.send(Kind.ASK, pack_ask(1, b"second"))
    first.send(Kind.ASK, pack_ask(1, b"first"))
    assert await replied(first) == (1, 200, "application/json", b"first")
    assert await replied(second) == (1, 200, "application/json", b"second")
    for number, body in ((2, b"!"), (3, b"?")):
        first.send(Kind.ASK, pack_ask(number, body))
        found, status, media_type, problem = await replied(first)
        assert (found, status, media_type) == (number, 500, "application/problem+json")
        assert b"no such thing" not in problem
    assert bench.intake.asked == {200: 2, 500: 2}
    assert not bench.intake.dropped


async def test_slow_questions_hold_up_nothing(bench: Bench) -> None:
    """Frames pass while a question waits, and a later question may be answered before it."""
    peer = await bench.peer()
    bench.gate.clear()
    peer.send(Kind.ASK, pack_ask(1, b"slow"))
    peer.send(Kind.COUNTS, b"[]", sequence=4)
    assert len(await bench.intake.take(5, 10)) == 1
    bench.gate.set()
    assert (await replied(peer))[0] == 1


async def test_questions_over_the_bound_are_told_to_come_back(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A monitor that answers slowly holds a bounded number of questions."""
    monkeypatch.setattr(asks, "ASKS_MAX", 2)
    peer = await bench.peer()
    bench.gate.clear()
    for number in (1, 2, 3):
        peer.send(Kind.ASK, pack_ask(number, b"x"))
    assert (await replied(peer))[:2] == (3, 503)
    bench.gate.set()
    assert sorted([(await replied(peer))[0], (await replied(peer))[0]]) == [1, 2]


async def test_question_that_takes_too_long_is_given_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that hangs does not collect questions for ever."""
    monkeypatch.setattr(asks, "ASK_S_MAX", 0.01)
    peer = await bench.peer()
    bench.gate.clear()
    peer.send(Kind.ASK, pack_ask(1, b"x"))
    assert (await replied(peer))[:2] == (1, 503)
    assert bench.ended == 1


async def test_questions_of_a_worker_that_dies_are_finished(bench: Bench) -> None:
    """What was asked is done all the same; the reply goes to nobody, not to the next life."""
    peer = await bench.peer()
    bench.gate.clear()
    peer.send(Kind.ASK, pack_ask(1, b"x"))
    await until(lambda: bench.begun)
    peer.writer.transport.abort()
    await until(lambda: bench.intake.is_quiet)
    again = await bench.peer()
    bench.gate.set()
    await until(lambda: bench.intake.asked[200])
    again.send(Kind.ASK, pack_ask(2, b"y"))
    assert (await replied(again))[0] == 2


async def test_stopping_ends_the_questions_under_way(bench: Bench) -> None:
    """They are cancelled and unanswered; the worker sees the link end."""
    peer = await bench.peer()
    bench.gate.clear()
    peer.send(Kind.ASK, pack_ask(1, b"x"))
    await until(lambda: bench.begun)
    await bench.intake.stop()
    assert (bench.ended, len(bench.intake.asks), bench.intake.asked) == (1, 0, {})
    with pytest.raises((AssertionError, ConnectionError)):
        await peer.receive()


async def test_questions_nobody_takes_are_refused(tmp_path: Path) -> None:
    """A monitor without feedback says so rather than keep a client waiting."""
    status, media_type, _ = await Intake(tmp_path / "m", SETTINGS, {}, print, print).asks.on_ask(b"x")
    assert (status, media_type) == (503, "application/problem+json")
