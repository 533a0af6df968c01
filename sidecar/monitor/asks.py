"""Clients' questions that came over the link: answered by tasks, a bounded number at a time."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import structlog

from sidecar.link import Kind, pack_frame, pack_reply

log = structlog.get_logger()

OnAsk = Callable[[bytes], Awaitable[tuple[int, str, bytes]]]
"""The body of a question -> status, media type and body of its answer."""

ASKS_MAX = 256
"""Questions that are answered at a time, of all workers."""
ASK_S_MAX = 30.0
"""After this a question is given up; the worker has told its client long before."""

_PROBLEM = "application/problem+json"


async def refuse(body: bytes) -> tuple[int, str, bytes]:
    """Answers where nobody takes what clients ask."""
    return problem(503, "feedback is not taken at present")


def problem(status: int, detail: str) -> tuple[int, str, bytes]:
    """An answer that is an error, as problem details (RFC 9457)."""
    document = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return status, _PROBLEM, json.dumps(document).encode() + b"\n"


class Asks:
    """Has each question answered by ``on_ask`` and counts the answers by status in ``asked``.

    A question that fails is answered with 500, one over the bound with 503. The reply goes where the question came
    from: ``send`` gives False where that is gone, and the reply is nobody's.
    """

    def __init__(self, on_ask: OnAsk) -> None:
        self.on_ask = on_ask
        self.asked: Counter[int] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False

    def __len__(self) -> int:
        return len(self._tasks)

    def ask(self, number: int, body: bytes, send: Callable[[bytes], bool]) -> None:
        if self._stopped or len(self._tasks) >= ASKS_MAX:
            full = "the monitor is stopping" if self._stopped else "as many questions are being answered as may be"
            self._reply(number, problem(503, full), send)
            return
        task = asyncio.get_running_loop().create_task(self._answer(number, body, send))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Ends what is under way, unanswered: the workers tell their clients."""
        self._stopped = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, number: int, body: bytes, send: Callable[[bytes], bool]) -> None:
        try:
            async with asyncio.timeout(ASK_S_MAX):
                answer = await self.on_ask(body)
        except TimeoutError:
            answer = problem(503, "the answer took too long")
        except Exception as error:  # one question that can't be answered must not cost the others
            log.error("ask_failed", error=repr(error))
            answer = problem(500, "the monitor could not answer this")
        self._reply(number, answer, send)

    def _reply(self, number: int, answer: tuple[int, str, bytes], send: Callable[[bytes], bool]) -> None:
        try:
            payload = pack_reply(number, *answer)
        except (TypeError, ValueError) as error:
            log.error("ask_answer_unfit", error=str(error))
            answer = problem(500, "the monitor's answer could not be sent")
            payload = pack_reply(number, *answer)
        self.asked[answer[0]] += 1
        send(pack_frame(Kind.REPLY, payload))
