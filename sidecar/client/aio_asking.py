"""How the client for asyncio asks: what all its methods rest on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self, TypeVar

import httpx2

from sidecar.client.attempts import Attempts
from sidecar.client.calls import Call, Filter
from sidecar.client.errors import ConnectionFailed, invalid_field
from sidecar.client.pages import AsyncPages, Page
from sidecar.client.results import Record
from sidecar.client.saving import Progress, Saving, Target
from sidecar.client.settings import FilePath, address, checked_timeout

T = TypeVar("T")
R = TypeVar("R", bound=Record)


class AsyncAsking:
    """The connection to a sidecar, and the ways to ask it."""

    def __init__(
        self,
        base_url: str | None = None,
        token: str | None = None,
        timeout_s: float = 10,
        *,
        ca_file: FilePath | None = None,
        cert_file: FilePath | None = None,
        key_file: FilePath | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._at = address(base_url, token, ca_file, cert_file, key_file)
        self._timeout_s = checked_timeout(timeout_s)
        self._sleep = sleep
        self._http, self._process = self._opened(), os.getpid()

    def _opened(self) -> httpx2.AsyncClient:
        at = self._at
        try:
            return httpx2.AsyncClient(base_url=at.url, headers=at.headers, verify=at.tls, trust_env=at.proxied)
        except (ImportError, ValueError, httpx2.InvalidURL) as error:
            told = f"the proxy that the environment names for it can't be used ({error}); NO_PROXY leaves it out"
            raise invalid_field("base_url", told) from error

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._at.url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _run(self, call: Call[T]) -> T:
        """Ask, and give what the answer holds."""
        attempts = self._attempts(call)
        while True:
            try:
                answer = await self._send(attempts)
            except httpx2.RequestError as error:
                delay_s = attempts.after_no_answer(error)
            else:
                if answer.is_success:
                    return call.read(answer.content)
                delay_s = attempts.after_refusal(answer.status_code, answer.headers, answer.content)
            await self._sleep(delay_s)

    def _pages(
        self, page: Callable[[Mapping[str, Filter]], Call[Page[R]]], filters: Mapping[str, Filter]
    ) -> AsyncPages[R]:
        """Ask for page after page as they are needed."""

        async def ask(cursor: str | None) -> Page[R]:
            return await self._run(page(filters if cursor is None else {**filters, "cursor": cursor}))

        return AsyncPages(ask)

    async def _save(self, call: Call[bytes], target: Target, progress: Progress | None = None) -> None:
        """Ask, and save what the answer holds."""
        attempts = self._attempts(call)
        with Saving(target, progress) as saving:
            while True:
                try:
                    answer = await self._send(attempts, stream=True)
                    try:
                        if answer.is_success:
                            call.check_media_type(answer.headers.get("Content-Type"))
                            async for chunk in answer.aiter_bytes():
                                await asyncio.to_thread(saving.write, chunk)
                            return
                        body = await answer.aread()
                    finally:
                        await answer.aclose()
                    delay_s = attempts.after_refusal(answer.status_code, answer.headers, body)
                except httpx2.RequestError as error:
                    begun = saving.written > 0
                    delay_s = attempts.after_no_answer(error, is_last=begun and not call.begins_anew)
                saving.restart()
                await self._sleep(delay_s)

    async def _listen(self, call: Call[T]) -> AsyncIterator[T]:
        """Ask, and give what each event holds. A stream that breaks off is asked for again."""
        attempts = self._attempts(call)
        while True:
            try:
                answer = await self._send(attempts, stream=True)
                try:
                    if answer.is_success:
                        call.check_media_type(answer.headers.get("Content-Type"))
                        async for event in httpx2.EventSource(answer):
                            attempts.begin_anew()
                            if event.data:  # else it is there to say when to come back, or nothing
                                yield call.read(event.data.encode())
                        raise httpx2.ReadError("the stream ended")
                    body = await answer.aread()
                finally:
                    await answer.aclose()
                delay_s = attempts.after_refusal(answer.status_code, answer.headers, body)
            except httpx2.RequestError as error:
                delay_s = attempts.after_no_answer(error, is_stream=True)
            await self._sleep(delay_s)

    async def _wait(self, seconds: float) -> None:
        """Let so much time pass."""
        await self._sleep(seconds)

    async def _send(self, attempts: Attempts[T], *, stream: bool = False) -> httpx2.Response:
        if self._process != os.getpid() and not self._http.is_closed:
            # the connections are those of the process this one was forked off, and each would read the other's answers
            self._http, self._process = self._opened(), os.getpid()
        call = attempts.call
        try:
            request = self._http.build_request(
                call.method,
                call.path,
                params=call.params,
                content=attempts.content,
                headers=attempts.headers,
                timeout=attempts.timeout_s,
            )
        except httpx2.InvalidURL as error:
            raise ConnectionFailed(f"{self._at.url}: {error}") from error
        return await self._http.send(request, stream=stream)

    def _attempts(self, call: Call[T]) -> Attempts[T]:
        return Attempts(call, self._at.url, self._timeout_s)
