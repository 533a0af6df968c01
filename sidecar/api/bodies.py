"""Bodies of requests: bounded in bytes, in time, in number and in depth, and JSON."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web

from sidecar.api.problems import Problem, invalid_field

BODY_BYTES_MAX = 64 * 1024
"""The body of a route that asks for no more."""
BODY_S_MAX = 300.0
"""How long a body may take to come."""
NO_BODY_S_MAX = 10.0
"""How long a body in chunks that must be empty may take to end."""
AS_IT_IS = {"Accept-Encoding": "identity"}
"""What a 415 says of codings (RFC 9110, section 12.5.3)."""
LARGE_BODIES_MAX = 2
"""Bodies over BODY_BYTES_MAX that are taken at a time: what is made of one takes several times its bytes."""
DEPTH_MAX = 64
"""How deep JSON may be nested."""
LARGE_BODIES = web.AppKey("large_bodies", asyncio.Semaphore)
_PART_BYTES = 64 * 1024
_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
"""One that does not end reaches to the end, so that no byte is looked at twice."""
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_AS_SQUARE = bytes.maketrans(b"{}", b"[]")


@asynccontextmanager
async def room_for_body(request: web.Request, bytes_max: int, turned_away: Counter[str]) -> AsyncIterator[None]:
    """Room for a large body and what is made of it. Raises a 503 Problem where there is none just now, counted."""
    length = request.content_length
    if bytes_max <= BODY_BYTES_MAX or (length is not None and length <= BODY_BYTES_MAX):
        yield
        return
    room = request.app[LARGE_BODIES]
    if room.locked():
        turned_away["large_bodies"] += 1
        raise Problem(503, f"{LARGE_BODIES_MAX} large bodies are being read; try again", headers={"Retry-After": "1"})
    async with room:
        yield


async def no_content(request: web.Request) -> bytes:
    """Nothing. Raises a 415 Problem where there is something, or is said to be: it is not waited for."""
    if not request.can_read_body:
        return b""
    if not request.content_length:  # it comes in chunks, of which the first may be the last
        try:
            async with _in_time(NO_BODY_S_MAX):
                if not await request.content.read(1):
                    return b""
        except Problem:
            pass
    raise Problem(415, "this endpoint takes no body")


async def json_content(request: web.Request, bytes_max: int, each: Callable[[bytes], object] | None = None) -> bytes:
    """The bytes of a body that says it is JSON; ``each`` is called with every part as it comes. Raises a Problem: 415,
    413 once it is too large, 408 where it takes too long, 400 where it breaks off."""
    if request.content_type != "application/json":
        raise invalid_field("Content-Type", "must be application/json", 415)
    coding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if coding != "identity":  # what is bounded is what comes, not what it might grow to
        refused = invalid_field("Content-Encoding", "must be left out, a body is sent as it is", 415)
        refused.headers |= AS_IT_IS
        raise refused
    if (request.content_length or 0) > bytes_max:
        raise Problem(413, f"body: over {bytes_max} bytes")
    content = bytearray()
    async with _in_time(BODY_S_MAX):
        while part := await request.content.read(_PART_BYTES):
            content += part
            if len(content) > bytes_max:
                raise Problem(413, f"body: over {bytes_max} bytes")
            if each is not None:
                each(part)
    return bytes(content)


@asynccontextmanager
async def _in_time(seconds: float) -> AsyncIterator[None]:
    """Read a body within that time. Raises a Problem: 408 where it takes longer, 400 where the sender breaks it off,
    which is no fault of the sidecar's."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise Problem(408, f"body: took over {seconds:g} s to come") from error
    except (ConnectionError, web.RequestPayloadError) as error:
        raise Problem(400, "body: broke off before its end") from error


def document_of(content: bytes) -> Any:
    """The JSON in a body. Raises a Problem: 400 where it is none, 422 where it is nested too deeply."""
    check_depth(content)
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Problem(400, f"body: not JSON: {error}") from error


def check_depth(content: bytes) -> None:
    """Raises a 422 Problem where JSON is nested too deeply, before anything is made of it."""
    if is_deeper_than(content, DEPTH_MAX):
        raise invalid_field("body", f"is nested more than {DEPTH_MAX} levels deep")


def is_deeper_than(content: bytes, levels: int) -> bool:
    """Whether JSON is nested deeper, told without parsing it, in a time that grows with its length alone; of what is no
    JSON it may say anything.

    >>> is_deeper_than(b'[[1], "[[["]', 2), is_deeper_than(b'[[1], "[[["]', 1)
    (False, True)
    """
    if content.count(b"[") + content.count(b"{") <= levels:
        return False
    brackets = _STRINGS.sub(b"", content).translate(_AS_SQUARE, _NOT_BRACKETS)
    for _ in range(levels):
        # What holds nothing goes, so that each round takes the innermost level, of the whole body at a time.
        left = brackets.replace(b"[]", b"")
        if len(left) == len(brackets):
            break
        brackets = left
    return b"[]" in brackets
