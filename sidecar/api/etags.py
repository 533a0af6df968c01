"""Entity tags of what people edit (RFC 9110, sections 8.8.3 and 13.1).

A tag changes with what a person set or decided, not with live figures: so who edits is stopped only where somebody else
edited meanwhile, and a 304 says that nothing was edited, whatever the figures are by now.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakValueDictionary

from aiohttp import web

from sidecar.api.problems import Problem

Document = Mapping[str, Any]
DIGEST_BYTES = 12


class Tagged:
    """A kind of document with a tag, made of its ``fields``.

    >>> kind = Tagged("alert", ("name",))
    >>> kind.tag({"name": "a", "value": 1}) == kind.tag({"name": "a", "value": 2}), len(kind.tag({"name": "a"}))
    (True, 26)
    """

    def __init__(self, name: str, fields: Iterable[str]) -> None:
        self.name = name
        self.fields = tuple(fields)

    def tag(self, document: Document) -> str:
        """The tag of a document, with its quotes."""
        chosen = [document.get(field) for field in self.fields]
        # Not orjson: what a configuration file holds may have lone surrogates in it.
        content = json.dumps(chosen, sort_keys=True, separators=(",", ":")).encode("ascii")
        return f'"{hashlib.blake2b(content, digest_size=DIGEST_BYTES, person=self.name.encode()[:16]).hexdigest()}"'

    def check_unchanged(self, seen: Document, present: Document) -> None:
        """Raises a 412 Problem where somebody edited it since it was seen."""
        check_match(self.tag(seen), self.tag(present))

    def with_tag(self, document: Document) -> dict[str, Any]:
        """The document with its ``etag``."""
        return {**document, "etag": self.tag(document)}


class Locks:
    """One lock for each thing that is edited, as long as anybody edits it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, name: str) -> AsyncIterator[None]:
        """Nobody else edits ``name`` within the block."""
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            yield


def condition_of(request: web.Request, name: str) -> str | None:
    """An ``If-Match`` or ``If-None-Match``, which may stand on several lines; None where there is none."""
    lines = request.headers.getall(name, [])
    return ", ".join(lines) if lines else None


def matches(condition: str, tag: str, *, weak: bool = False) -> bool:
    """Whether an ``If-Match`` or, with ``weak`` comparison, an ``If-None-Match`` names the tag.

    >>> matches('"a", "b"', '"b"'), matches("*", '"b"'), matches('W/"b"', '"b"'), matches('W/"b"', '"b"', weak=True)
    (True, True, False, True)
    """
    named = [part.strip() for part in condition.split(",")]
    if weak:
        named = [part.removeprefix("W/") for part in named]
    return "*" in named or tag in named


def check_match(condition: str, tag: str) -> None:
    """Raises a 412 Problem where somebody edited it since it was read."""
    if not matches(condition, tag):
        message = f"it was changed meanwhile: it is at {tag} now, read it again"
        raise Problem(412, f"If-Match: {message}", [{"field": "If-Match", "message": message}], headers={"ETag": tag})
