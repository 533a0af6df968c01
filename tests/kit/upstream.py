"""A relay in this process, between raw clients and a scripted raw upstream, all on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from sidecar.proxy.relay import Proxy
from sidecar.types import Exchange

WAIT_S = 30.0


@dataclass
class Received:
    """A whole request as the upstream read it, after ``connection`` others were accepted."""

    head: bytes
    body: bytes
    connection: int
    trailers: bytes = b""

    @property
    def line(self) -> bytes:
        return self.head.split(b"\r\n", 1)[0]

    def values(self, name: bytes) -> list[bytes]:
        lines = self.head.split(b"\r\n")[1:]
        return [line.partition(b":")[2].strip() for line in lines if line.partition(b":")[0].lower() == name]


@dataclass
class Upstream:
    """A server that answers each whole request by ``reply`` (None: closes without a byte) and keeps what it got; of
    ``answered`` it has sent all."""

    port: int = 0
    reply: Callable[[Received], bytes | None] = lambda received: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    early: bytes = b""
    pieces: Callable[[bytes], list[bytes]] = lambda raw: [raw]
    close_when: Callable[[Received], bool] = lambda received: False
    requests: list[Received] = field(default_factory=list)
    raw: dict[int, bytearray] = field(default_factory=dict)
    closed: set[int] = field(default_factory=set)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    gated: bool = False
    answered: int = 0
    writers: dict[int, asyncio.StreamWriter] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(1)
        if not first:
            writer.close()
            return
        number = len(self.raw)
        self.raw[number] = bytearray(first)
        self.writers[number] = writer
        try:
            await self._serve(number, first, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.closed.add(number)
            writer.close()

    async def _serve(
        self, number: int, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        raw = self.raw[number]

        async def take(awaitable: Awaitable[bytes]) -> bytes:
            part = await awaitable
            raw.extend(part)
            return part

        while True:
            head = first
            head += await take(reader.readuntil(b"\r\n\r\n"))
            first = b""
            received = Received(head, b"", number)
            if self.early:
                writer.write(self.early)
            coding = received.values(b"transfer-encoding")
            length = received.values(b"content-length")
            if coding:
                while size := int((await take(reader.readuntil(b"\r\n"))).strip(), 16):
                    received.body += (await take(reader.readexactly(size + 2)))[:-2]
                while (line := await take(reader.readuntil(b"\r\n"))) != b"\r\n":
                    received.trailers += line
            elif length:
                received.body = await take(reader.readexactly(int(length[0])))
            self.requests.append(received)
            if self.gated:
                await self.gate.wait()
            if self.early:
                continue
            answer = self.reply(received)
            for piece in self.pieces(answer or b""):
                writer.write(piece)
                await writer.drain()
                if len(piece) != len(answer or b""):
                    await asyncio.sleep(0)
            self.answered += 1
            if answer is None or self.close_when(received):
                return


@dataclass
class Recorded:
    """A tap that keeps what it is told."""

    exchanges: list[Exchange] = field(default_factory=list)

    def exchange(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)


@dataclass
class Rig:
    proxy: Proxy
    upstream: Upstream
    tap: Recorded
    port: int

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 22)

    async def send(self, *pieces: bytes, method: str = "GET") -> tuple[int, dict[bytes, bytes], bytes]:
        """One request over a connection of its own; its answer as status, fields and body."""
        reader, writer = await self.connect()
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            return await read_answer(reader, method)
        finally:
            writer.close()


async def read_answer(reader: asyncio.StreamReader, method: str = "GET") -> tuple[int, dict[bytes, bytes], bytes]:
    """The next final answer; its trailers are read over. Raises IncompleteReadError where it has no valid end."""
    async with asyncio.timeout(WAIT_S):
        status, fields = await read_head(reader)
        while status < 200:
            status, fields = await read_head(reader)
        if method == "HEAD" or status in (204, 304):
            return status, fields, b""
        if b"transfer-encoding" in fields:
            body = b""
            while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
                body += (await reader.readexactly(size + 2))[:-2]
            while await reader.readuntil(b"\r\n") != b"\r\n":
                pass
            return status, fields, body
        if b"content-length" in fields:
            return status, fields, await reader.readexactly(int(fields[b"content-length"]))
        return status, fields, await reader.read()


async def read_head(reader: asyncio.StreamReader) -> tuple[int, dict[bytes, bytes]]:
    lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[:-2]
    fields = {}
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        fields[name.lower()] = value.strip()
    return int(lines[0].split()[1]), fields


async def until(condition: Callable[[], Any]) -> None:
    """Lets the loop run until ``condition`` holds."""
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.002)
