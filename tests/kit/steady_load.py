"""Clients that go on asking over connections they keep, in a thread of their own, and what became of every request.

The model server that they reach through a sidecar runs in the same thread: it answers each by its number, so that an
answer to another request, a request that was lost and one that came twice all show.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar

from tests.kit.ports import free_ports

INFER = "/v2/models/det/infer"
ANSWER_S = 60.0
"""Who has no whole answer by then gets none."""
REFUSED_PAUSE_S = 0.02
PER_CLIENT = 1_000_000
FAILURES = ("wrong", "cut", "reset", "unanswered", "silent")
"""Outcomes of a request that was sent and not answered as it should be. ``crossed`` is none of them: the proxy had
ended the kept connection, without a reset and without a byte of an answer, before the request came to it."""
T = TypeVar("T")


def _body(name: str) -> bytes:
    """A KServe V2 answer with one detection."""
    outputs = [
        {"name": "boxes", "shape": [1, 4], "datatype": "FP32", "data": [1.0, 2.0, 30.0, 40.0]},
        {"name": "scores", "shape": [1], "datatype": "FP32", "data": [0.875]},
        {"name": "classes", "shape": [1], "datatype": "BYTES", "data": ["car"]},
    ]
    return json.dumps({"id": name, "model_name": "det", "model_version": "1", "outputs": outputs}).encode()


class Background:
    """A thread with an event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def start(self, work: Coroutine[Any, Any, T]) -> Any:
        """Its future."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        result: T = self.start(work).result(60)
        return result

    def close(self) -> None:
        """Ends what still runs there too."""
        self.run(_cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@dataclass
class Numbered:
    """A model server: the answer has the request's ``X-Number`` as its id. ``seen`` counts whole requests by number.

    ``fault``: it "stalls" (never answers), "resets" (its connection, for an answer) or "trickles" (a byte each
    ``trickle_s``).
    """

    delay_s: Callable[[], float] = lambda: 0.0
    fault: str = ""
    trickle_s: float = 0.003
    seen: Counter[str] = field(default_factory=Counter)
    port: int = field(default_factory=lambda: free_ports(1)[0])
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Takes no more connections and drops those there are."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0.01)

    async def turn(self, fault: str) -> None:
        """Another fault from now on, or none; who waits for an answer gets none."""
        self.fault = fault
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                fields = _fields(await reader.readuntil(b"\r\n\r\n"))
                await reader.readexactly(int(fields.get("content-length", "0")))
                number = fields.get("x-number", "")
                self.seen[number] += 1
                if delay_s := self.delay_s():
                    await asyncio.sleep(delay_s)
                await self._answer(writer, number)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _answer(self, writer: asyncio.StreamWriter, number: str) -> None:
        body = _body(number)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        if self.fault == "stalls":
            await asyncio.sleep(600)
        elif self.fault == "resets":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise ConnectionResetError
        elif self.fault == "trickles":
            writer.write(head)
            for byte in body:
                writer.write(bytes((byte,)))
                await writer.drain()
                await asyncio.sleep(self.trickle_s)
        else:
            writer.write(head + body)
            await writer.drain()


def _fields(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}


@dataclass(frozen=True)
class Habit:
    """How a client asks: so long after the last answer, a body of so many bytes in two parts so long apart; ``fresh``:
    each time over another connection. ``fields`` are lines of the request's head."""

    pause_s: Callable[[], float] = lambda: 0.0
    body_bytes: int = 100
    part_s: float = 0.0
    fresh: bool = False
    fields: str = ""


class Asking:
    """One client of ``load``."""

    def __init__(self, load: Load, habit: Habit) -> None:
        self._load = load
        self._habit = habit
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def run(self, numbers: Iterator[int], over: asyncio.Event) -> None:
        while not over.is_set():
            await asyncio.sleep(self._habit.pause_s())
            number = next(numbers)
            try:
                async with asyncio.timeout(ANSWER_S):
                    outcome = await self._ask(number)
            except TimeoutError:
                outcome = "silent"
            self._load.outcomes[outcome] += 1
            if outcome == "crossed":
                self._load.crossed.append(str(number))
            if outcome != "answered" or self._habit.fresh:
                self._leave()
            if outcome == "refused":
                await asyncio.sleep(REFUSED_PAUSE_S)
        self._leave()

    async def _ask(self, number: int) -> str:
        reused = self._reader is not None
        if self._reader is not None and self._reader.at_eof():
            self._load.connections["ended_idle"] += 1
            self._leave()
            reused = False
        if self._reader is None or self._writer is None:
            try:
                port, tls = self._load.port, self._load.tls
                self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
            except ConnectionRefusedError:
                return "refused"
            except OSError:  # accepted, and left before TLS stood
                return "reset"
            self._load.connections["opened"] += 1
        head = b""
        try:
            await self._send(self._writer, number)
            head = await self._reader.readuntil(b"\r\n\r\n")
            fields = _fields(head)
            body = await self._reader.readexactly(int(fields["content-length"]))
        except asyncio.IncompleteReadError as error:
            if head or error.partial:
                return "cut"
            return "crossed" if reused else "unanswered"
        except ConnectionError:
            return "reset"
        if not head.startswith(b"HTTP/1.1 200") or json.loads(body).get("id") != str(number):
            return "wrong"
        if fields.get("connection") == "close":
            self._load.connections["told_to_close"] += 1
            self._leave()
        return "answered"

    async def _send(self, writer: asyncio.StreamWriter, number: int) -> None:
        habit = self._habit
        lines = f"POST {INFER} HTTP/1.1\r\nHost: load\r\nX-Number: {number}\r\n{habit.fields}"
        message = f"{lines}Content-Length: {habit.body_bytes}\r\n\r\n".encode() + bytes(habit.body_bytes)
        half = len(message) // 2 if habit.part_s else len(message)
        writer.write(message[:half])
        if habit.part_s:
            await asyncio.sleep(habit.part_s)
            writer.write(message[half:])
        await writer.drain()

    def _leave(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


class Load:
    """``outcomes``: answered, refused (nothing was sent), crossed and FAILURES. ``connections``: opened, told_to_close,
    ended_idle (the client saw its end before it sent anything). Requests bear numbers from ``first`` on, a million for
    each client; ``crossed`` has those of such requests. With ``tls`` they speak HTTPS."""

    def __init__(
        self,
        background: Background,
        port: int,
        habits: Sequence[Habit],
        first: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.port = port
        self.tls = tls
        self.outcomes: Counter[str] = Counter()
        self.connections: Counter[str] = Counter()
        self.crossed: list[str] = []
        self._background = background
        self._over = asyncio.Event()
        self._ended = background.start(self._run([Asking(self, habit) for habit in habits], first))

    async def _run(self, clients: Sequence[Asking], first: int) -> None:
        starts = range(first, first + len(clients) * PER_CLIENT, PER_CLIENT)
        await asyncio.gather(
            *(client.run(count(start), self._over) for client, start in zip(clients, starts, strict=True))
        )

    @property
    def failed(self) -> dict[str, int]:
        return {name: self.outcomes[name] for name in FAILURES if self.outcomes[name]}

    def stop(self) -> None:
        """Once each has the answer it waits for."""

        async def end() -> None:
            self._over.set()

        self._background.run(end())
        self._ended.result(2 * ANSWER_S)


@contextmanager
def load(
    background: Background, port: int, habits: Sequence[Habit], first: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Load]:
    """Asks while the block runs."""
    asking = Load(background, port, habits, first, tls)
    try:
        yield asking
    finally:
        asking.stop()


def up_to(most_s: float) -> Callable[[], float]:
    """Anything between nothing and ``most_s``."""
    draw = random.Random()
    return lambda: draw.uniform(0, most_s)
