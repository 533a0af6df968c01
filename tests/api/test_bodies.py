"""Bodies of requests: how deep they are nested, and those that are compressed, never come or break off."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from hypothesis import given
from hypothesis import strategies as st

from sidecar.api import Services, bodies
from sidecar.api.bodies import BODY_BYTES_MAX, DEPTH_MAX, is_deeper_than
from tests.api.running import running

Http = TestClient[Any, Any]
TEXT = st.text(st.sampled_from('[]{}"\\\\a\u00e9'), max_size=8)
DOCUMENTS = st.recursive(
    st.none() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=30,
)


def depth_of(document: Any) -> int:
    """Levels of lists and objects."""
    if isinstance(document, dict | list):
        inner = document.values() if isinstance(document, dict) else document
        return 1 + max(map(depth_of, inner), default=0)
    return 0


@given(DOCUMENTS, st.integers(0, 6), st.booleans(), st.integers(0, 3))
def test_depth_is_that_of_the_document(document: Any, levels: int, ascii_only: bool, more: int) -> None:
    """Whatever brackets, quotes and backslashes stand in its texts and names."""
    for _ in range(more):
        document = [document, {"]": document}]
    content = json.dumps(document, ensure_ascii=ascii_only).encode()
    assert is_deeper_than(content, levels) == (depth_of(document) > levels)


@given(st.binary(max_size=200) | st.text(st.sampled_from('[]{}"\\'), max_size=60).map(str.encode))
def test_what_is_no_json_is_told_something(content: bytes) -> None:
    """It is for the parser to refuse."""
    assert is_deeper_than(content, 2) in (True, False)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (
            b"[" * 70 + b'"' + rb"\"" * (BODY_BYTES_MAX // 2 - 40),
            400,
        ),  # a text without an end, full of others' beginnings
        (b"[" * BODY_BYTES_MAX, 400),
        (b"]" * BODY_BYTES_MAX, 400),
        (b"{[" * (BODY_BYTES_MAX // 2), 400),
        (b"[" + b"[]," * (BODY_BYTES_MAX // 3 - 1) + b"[]]", 422),
        (b"[" * DEPTH_MAX + b"]" * DEPTH_MAX, 422),
        (b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1), 422),
    ],
)
async def test_body_made_to_cost_much_is_refused(http: Http, content: bytes, status: int) -> None:
    """Each is looked at once: what hangs on it is the whole admin port."""
    answer = await http.post(
        "/api/v1/feedback", data=content[:BODY_BYTES_MAX], headers={"Content-Type": "application/json"}
    )
    assert answer.status == status


@pytest.mark.parametrize(("levels", "said"), [(DEPTH_MAX, False), (DEPTH_MAX + 1, True)])
async def test_bound_is_named_only_beyond_it(http: Http, levels: int, said: bool) -> None:
    """A body of as many levels as may be is judged by its fields."""
    content = b'{"x":' * (levels - 1) + b"{}" + b"}" * (levels - 1)
    for path in ("feedback", "training-jobs/x/report"):
        answer = await http.post(f"/api/v1/{path}", data=content, headers={"Content-Type": "application/json"})
        assert answer.status in (404, 422)
        assert ("levels deep" in (await answer.json())["detail"]) == said, path


@pytest.mark.parametrize("content", [gzip.compress(b'{"name": "Night"}', mtime=0), b'{"name": "Night"}'])
@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_compressed_body_is_refused(services: Services, content: bytes, coding: str) -> None:
    """Whether it is what it says or not: it is named, what would be right is said, and nothing is done."""
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    async with running(services) as (http, _):
        answer = await http.post("/api/v1/datasets", data=content, headers=headers)
        assert (answer.status, answer.headers["Accept-Encoding"]) == (415, "identity")
        assert (await answer.json(content_type=None))["errors"][0]["field"] == "Content-Encoding"
        plain = {"Content-Type": "application/json", "Content-Encoding": "identity"}
        assert (await http.post("/api/v1/datasets", data=b'{"name": "Day"}', headers=plain)).status == 200
        assert [item["name"] for item in (await (await http.get("/api/v1/datasets")).json())["items"]] == ["Day"]


@pytest.mark.parametrize(
    ("head", "content", "status"),
    [
        (b"Content-Length: 5", b"", 415),
        (b"Content-Length: 0", b"", 200),
        (b"Transfer-Encoding: chunked", b"", 415),
        (b"Transfer-Encoding: chunked", b"1\r\na", 415),
        (b"Transfer-Encoding: chunked", b"0\r\n\r\n", 200),
    ],
)
async def test_body_where_there_must_be_none_is_not_waited_for(
    services: Services, monkeypatch: pytest.MonkeyPatch, head: bytes, content: bytes, status: int
) -> None:
    """One that is announced and never comes would keep the request for ever."""
    monkeypatch.setattr(bodies, "NO_BODY_S_MAX", 0.1)
    async with running(services) as (_, runner):
        reading, writing = await asyncio.open_connection(*runner.addresses[0])
        writing.write(b"GET /api/v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\n" + head + b"\r\n\r\n" + content)
        line = await asyncio.wait_for(reading.readline(), 20)
        assert int(line.split()[1]) == status
        writing.close()


async def test_sender_that_breaks_off_is_no_fault_of_the_sidecar(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is there to be told, and the log must not fill with what clients do."""
    async with running(services) as (_, runner):
        reading, writing = await asyncio.open_connection(*runner.addresses[0])
        head = b"POST /api/v1/datasets HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        writing.write(head + b'Content-Length: 50\r\n\r\n{"na')
        await asyncio.sleep(0.1)
        writing.close()
        await reading.read()
        await asyncio.sleep(0.1)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
