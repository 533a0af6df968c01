"""A model server that goes wrong at a stage of a request, and counts the requests of which any byte reached it."""

from __future__ import annotations

import asyncio
import socket
import struct

STAGES = ("accept", "request_head", "request_body", "request", "response_head", "response", "response_body")
"""Where it goes wrong: as soon as it has accepted; within the head of the request; once it has that; within its body;
when it has all of it; within the head of its answer; after that; within the answer's body."""
BODY = b"x" * 300_000
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nanswered"


class Faulty:
    """Answers ``good`` requests of each connection, then goes wrong at ``stage``; an empty stage: never.

    ``begun`` counts requests of which a byte came in, ``whole`` those that did in full.
    """

    def __init__(self, stage: str = "", good: int = 0, answer: bytes = OK) -> None:
        self.stage = stage
        self.good = good
        self.answer = answer
        self.begun = self.whole = self.accepted = 0
        self.checks = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self.stage == "accept" and not self.good:
            writer.write_eof()  # and reads on, so that whatever is sent all the same is counted
        served = 0
        while first := await reader.read(1):
            faulty = self.stage if served >= self.good else ""
            self.begun += 1
            if await self._take(first, reader, faulty):
                await self._answer(writer, faulty)
            if faulty:
                reset(writer)
                return
            served += 1

    async def _take(self, first: bytes, reader: asyncio.StreamReader, faulty: str) -> bool:
        """Reads a request up to where it goes wrong; whether it has all of it."""
        if faulty == "request_head":
            await reader.readexactly(10)
            return False
        head = first + await reader.readuntil(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")), 0)
        if faulty == "request_body":
            await reader.readexactly(min(length, 1_000))
            return False
        await reader.readexactly(length)
        self.whole += 1
        return True

    async def _answer(self, writer: asyncio.StreamWriter, faulty: str) -> None:
        cut = {
            "request": 0,
            "accept": 0,
            "response_head": 20,
            "response": self.answer.index(b"\r\n\r\n") + 4,
            "response_body": len(self.answer) - 3,
        }
        writer.write(self.answer[: cut[faulty]] if faulty else self.answer)
        await writer.drain()


def reset(writer: asyncio.StreamWriter) -> None:
    """Ends a connection by RST."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
