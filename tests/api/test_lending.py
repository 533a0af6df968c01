"""A file that lives until it is sent, over real connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, web
from aiohttp.test_utils import TestClient, TestServer

from sidecar.api import lending
from sidecar.api.lending import LentFile
from tests.kit.wait import until

BYTES = 64 * 1024 * 1024
"""More than the buffers between two sockets hold."""


class Lender:
    """Lends a file of BYTES at ``/``; ``given_back`` counts how often it came back."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.given_back = 0
        with path.open("wb") as file:
            file.truncate(BYTES)

    def count(self) -> None:
        self.given_back += 1

    async def answer(self, request: web.Request) -> web.StreamResponse:
        async with AsyncExitStack() as stack:
            stack.callback(self.count)
            return LentFile(self.path, {"Content-Type": "application/zip"}, stack.pop_all())


@pytest.fixture
def lender(tmp_path: Path) -> Lender:
    """What is asked."""
    return Lender(tmp_path / "lent.zip")


@pytest.fixture
async def http(lender: Lender) -> AsyncIterator[TestClient[Any, Any]]:
    """A client of it."""
    app = web.Application()
    app.router.add_get("/", lender.answer)
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_file_comes_back_once_it_is_sent(lender: Lender, http: TestClient[Any, Any]) -> None:
    """All of it, and not before."""
    answer = await http.get("/")
    assert lender.given_back == 0
    assert len(await answer.read()) == BYTES
    await until(lambda: lender.given_back == 1)


async def test_file_comes_back_where_the_asker_leaves(lender: Lender, http: TestClient[Any, Any]) -> None:
    """In the middle of it."""
    answer = await http.get("/")
    await answer.content.read(1_000)
    answer.close()
    await until(lambda: lender.given_back == 1)


async def test_file_comes_back_where_the_asker_does_not_read(
    lender: Lender, http: TestClient[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a time; the connection ends with that, so that nobody takes the part for the whole."""
    monkeypatch.setattr(lending, "SEND_S_MAX", 0.05)
    answer = await http.get("/")
    await until(lambda: lender.given_back == 1)
    with pytest.raises((ClientError, asyncio.TimeoutError)):
        async with asyncio.timeout(10):
            await answer.read()
