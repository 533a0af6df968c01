"""Requests that are done once, however often they are sent: ``Idempotency-Key`` on POST.

A key is taken in the store before anything is done, and the answer kept before it is given. So a repetition gets the
first answer; one that comes too early is told so; and where a process was killed in between, a repetition is told that
it is not known whether the first took effect, rather than doing it twice. What changed nothing frees its key.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from sidecar.api.problems import Problem, invalid_field
from sidecar.recording import KeyRow, StoreError

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replay"
ANSWER_BYTES_MAX = 64 * 1024
"""The longest answer that is kept."""
OUTCOMES = ("begun", "replayed", "in_flight", "other_request", "unknown", "too_long")
_log = logging.getLogger(__name__)
Answer = Callable[[], Awaitable[web.StreamResponse]]


class Keys(Protocol):
    """Where keys are kept; each method raises StoreError where the store can't. ``forgotten`` counts keys that went
    before their time for want of room, ``let_go`` answers of keys that stayed."""

    @property
    def forgotten(self) -> int: ...

    @property
    def let_go(self) -> int: ...

    async def begin(self, asker: str, key: str, fingerprint: str, now: float) -> KeyRow | None:
        """Take a key; what is known of it where it is taken already."""
        ...

    async def finish(self, asker: str, key: str, fingerprint: str, now: float, status: int, body: bytes | None) -> None:
        """Keep the answer."""
        ...

    async def free(self, asker: str, key: str) -> None:
        """Let the key be used again."""
        ...


@dataclass(slots=True)
class Once:
    """Keys in use. ``counts`` are requests with a key, by what became of them; of those begun ``too_long`` had an
    answer that was not kept."""

    keys: Keys
    clock: Callable[[], float]
    counts: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(OUTCOMES, 0)))
    _in_flight: dict[tuple[str, str], str] = field(default_factory=dict)

    async def answer(self, asker: str, key: str, fingerprint: str, run: Answer) -> web.StreamResponse:
        """The answer of ``run``, or the one that was given before. Raises a Problem: 409, or 422 for another request
        under the same key."""
        of = (asker, key)
        at_work = self._in_flight.get(of)
        if at_work is not None:
            self._check_same(at_work, fingerprint)
            self.counts["in_flight"] += 1
            raise Problem(
                409, f"{HEADER}: the first request with this key is still at work", headers={"Retry-After": "1"}
            )
        self._in_flight[of] = fingerprint
        try:
            begun_at = self.clock()
            known = await self.keys.begin(asker, key, fingerprint, begun_at)
            if known is not None:
                return self._replay(known, fingerprint)
            return await self._run(of, fingerprint, begun_at, run)
        finally:
            del self._in_flight[of]

    async def _run(self, of: tuple[str, str], fingerprint: str, begun_at: float, run: Answer) -> web.StreamResponse:
        self.counts["begun"] += 1
        try:
            response = await run()
        except asyncio.CancelledError:
            raise  # nobody knows how far it came: the key stays begun
        except BaseException:
            await self._free(of)
            raise
        if not 200 <= response.status < 300:
            await self._free(of)
            return response
        body = response.body if isinstance(response, web.Response) else None
        kept = body if isinstance(body, bytes) and len(body) <= ANSWER_BYTES_MAX else None
        self.counts["too_long"] += kept is None
        try:
            await self.keys.finish(*of, fingerprint, begun_at, response.status, kept)
        except StoreError:
            _log.exception("the answer to %s was not kept", HEADER)  # it took effect all the same
        return response

    async def _free(self, of: tuple[str, str]) -> None:
        try:
            await self.keys.free(*of)
        except StoreError:
            _log.exception("%s was not freed", HEADER)  # why the request failed is what the asker should hear

    def _check_same(self, known: str, fingerprint: str) -> None:
        if known != fingerprint:
            self.counts["other_request"] += 1
            raise invalid_field(HEADER, "was used for another request; each request needs a key of its own")

    def _replay(self, known: KeyRow, fingerprint: str) -> web.Response:
        self._check_same(known.fingerprint, fingerprint)
        if known.status is None:
            self.counts["unknown"] += 1
            raise Problem(
                409,
                f"{HEADER}: the first request with this key was begun and its end is not known, as when the sidecar is"
                " killed; whether it took effect is not known: look, then use another key",
            )
        self.counts["replayed"] += 1
        if known.body is None:
            raise Problem(
                409,
                f"{HEADER}: the first request took effect; its answer was too long to be kept, or went for newer ones",
            )
        headers = {"Cache-Control": "no-store", REPLAYED: "true", **_tag_in(known.body)}
        return web.Response(status=known.status, body=known.body, content_type="application/json", headers=headers)


def _tag_in(body: bytes) -> dict[str, str]:
    """The header with the tag that a document bears."""
    document = json.loads(body)  # as tolerant as what wrote it: of lone surrogates
    tag = document.get("etag") if isinstance(document, dict) else None
    return {"ETag": tag} if isinstance(tag, str) else {}


def key_of(request: web.Request) -> str | None:
    """The key of a request; None where it has none. Raises a 422 Problem where it is no key."""
    given = request.headers.getall(HEADER, [])
    if not given:
        return None
    if len(given) > 1:
        raise invalid_field(HEADER, "given more than once")
    if not re.fullmatch(r"[!-~]{1,200}", given[0]):
        raise invalid_field(HEADER, "must be 1 to 200 printable ASCII characters without spaces")
    return given[0]


class Fingerprint:
    """What tells one request from another; its body is added as it comes.

    >>> one, other = Fingerprint("POST", "/a?b"), Fingerprint("POST", "/a")
    >>> one.add(b"c"), other.add(b"?bc"), one.hex == other.hex
    (None, None, False)
    """

    def __init__(self, method: str, path_and_query: str) -> None:
        self._hash = hashlib.sha256(f"{method} {path_and_query}\0".encode("utf-8", "surrogateescape"))

    def add(self, part: bytes) -> None:
        """The next part of the body."""
        self._hash.update(part)

    @property
    def hex(self) -> str:
        """64 digits."""
        return self._hash.hexdigest()
