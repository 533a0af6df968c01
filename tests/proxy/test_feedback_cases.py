"""The hostile HTTP/1.1 requests that lie beside the project, sent to the path of feedback."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from tests.kit.http_judge import LENIENT, PROMPT_S, SPELLINGS, Case, cut, settle
from tests.kit.upstream import until
from tests.proxy.test_feedback import MakeDesk
from tests.proxy.test_http_cases import load


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("case", load("request"))
async def test_hostile_request_is_neither_asked_nor_relayed(case: Case, spelling: str, make_desk: MakeDesk) -> None:
    """What is refused elsewhere is refused here, and what is valid is answered here, each request once, in its turn."""
    raw = case.raw.replace(b"Content-Length:", b"Content-Type: application/json\r\nContent-Length:", 1)
    expected = case.expected
    desk = await make_desk(feedback={"path": "/p"})
    reader, writer = await desk.rig.connect()
    replies = bytearray()

    async def collect() -> None:
        with contextlib.suppress(ConnectionError):
            while part := await reader.read(1 << 16):
                replies.extend(part)

    reading = asyncio.create_task(collect())
    with contextlib.suppress(ConnectionError):
        for piece in cut(raw, spelling):
            writer.write(piece)
            await writer.drain()
        if expected == "incomplete":
            await settle()
        else:
            await until(lambda: replies or reading.done())
        writer.write_eof()
    await asyncio.wait_for(reading, PROMPT_S)
    writer.close()
    statuses = [int(part[:3]) for part in bytes(replies).split(b"HTTP/1.1 ")[1:]]
    assert not [got for got in desk.rig.upstream.requests if got.line.split()[1].partition(b"?")[0] == b"/p"]
    assert desk.rig.proxy.in_flight == desk.rig.proxy.desk.bytes == len(desk.rig.proxy.desk.asks) == 0
    if expected.startswith("reject-"):
        status = int(expected[7:])
        allowed = LENIENT.get(status, (status,))
        assert statuses[-1:] in [[code] for code in allowed] or (status == 400 and not statuses)
        assert desk.asked == []
    elif expected == "incomplete":
        assert desk.asked == []
        assert set(statuses) <= {100, 400, 408}
    else:
        number = int(expected[8:]) if expected[8:].isdigit() else 1
        answered = [status for status in statuses if status >= 200]
        assert len(answered) >= number
        too_large = {413} if len(raw) > desk.rig.proxy.settings.limits.feedback_bytes_max else set()
        assert set(answered[:number]) <= {200, 405, 415} | too_large
        assert len(desk.asked) <= answered.count(200)
