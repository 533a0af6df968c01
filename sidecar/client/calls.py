"""What a call of the API is: what to send, and how to read the answer. No I/O; both clients share these.

The calls themselves are in the ``calls_...`` beside this, a module a topic.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import isfinite
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from sidecar.client.errors import InvalidRequest, ServerError, invalid_field
from sidecar.client.pages import Page
from sidecar.client.results import Record, Records
from sidecar.durations import duration_text

T = TypeVar("T")
R = TypeVar("R", bound=Record)
Filter = str | int | float | datetime | None
Moment = str | float | datetime
"""RFC 3339, epoch seconds, or a datetime with a zone."""
Length = str | float | timedelta
"""Such as ``"2h"``, seconds, or a timedelta."""

SLOW_TIMEOUT_S = 30.0
"""How long a comparison or a freeze may take at least, whatever the client's own timeout."""
SLOWEST_TIMEOUT_S = 120.0
"""The same of a comparison of every slice, and of a test of every channel, each of which may take its time to fail."""
DEPTH_MAX = 20
"""How deep a body is searched for what JSON can't hold."""
WHOSE = "is this a sidecar's admin port?"


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request, and ``read``, which makes its result of the body of a 2xx.

    ``body`` is an object to send as JSON, or bytes that are JSON already. ``timeout_s``, where greater than the
    client's own, bounds its waits instead. ``if_match`` is the ``etag`` of what is to be changed. ``keyed``: a POST
    bears an Idempotency-Key, by which the sidecar knows it again. ``repeatable``: made twice it is as if made once,
    which of a GET, PUT, PATCH or keyed POST goes without saying. ``media_types``: what a file may be; empty: anything.
    ``begins_anew``: a file that breaks off is asked for again, which must give the same.
    """

    method: str
    path: str
    read: Callable[[bytes], T]
    params: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | bytes | None = None
    timeout_s: float = 0.0
    if_match: str | None = None
    keyed: bool = True
    repeatable: bool = False
    media_types: tuple[str, ...] = ()
    begins_anew: bool = True

    @property
    def content(self) -> bytes | None:
        """The body as JSON. Raises InvalidRequest naming the field that can't be."""
        return self.body if self.body is None or isinstance(self.body, bytes) else encoded(self.body)

    @property
    def has_key(self) -> bool:
        """Whether it bears an Idempotency-Key."""
        return self.method == "POST" and self.keyed

    @property
    def is_repeatable(self) -> bool:
        """Whether made twice it is as if made once: reading changes nothing, a key is known again, and what is set is
        set. What was deleted, or changed on a condition, is no more as it was when it is tried again."""
        sets = self.method in ("PUT", "PATCH") and self.if_match is None
        return self.repeatable or self.method == "GET" or self.has_key or sets

    def check_media_type(self, content_type: str | None) -> None:
        """Raises ServerError where an answer that is something else would be saved as a file of a kind."""
        found = (content_type or "").partition(";")[0].strip().lower()
        if self.media_types and found not in self.media_types:
            wanted = " or ".join(self.media_types)
            raise ServerError(f"the answer is {found or 'of no type'}, not {wanted}; {WHOSE}")


def encoded(body: Mapping[str, Any]) -> bytes:
    """``body`` as JSON. Raises InvalidRequest naming the field that JSON can't hold.

    >>> encoded({"share": 0.5})
    b'{"share": 0.5}'
    """
    try:
        return json_of(body)
    except (TypeError, ValueError, RecursionError) as error:
        name, message = _unfit(body, "") or ("body", f"can't be sent as JSON: {error}")
        raise invalid_field(name, message) from error


def json_of(value: Any) -> bytes:
    """``value`` as JSON, a single number of an array library as the number it is. Raises TypeError, ValueError or
    RecursionError where it can't be."""
    return json.dumps(value, allow_nan=False, default=_plain).encode()


def _plain(value: Any) -> Any:
    """What numpy, torch or pandas hand out in place of Python's own numbers."""
    if getattr(value, "ndim", None) == 0 and callable(getattr(value, "item", None)):
        return value.item()
    raise TypeError(f"a {type(value).__name__} can't be sent as JSON")


def _unfit(value: Any, name: str, depth: int = 0) -> tuple[str, str] | None:
    """The first part of ``value`` that JSON can't hold, and why. None where it is too deep to tell."""
    with suppress(TypeError):
        value = _plain(value)
    if depth > DEPTH_MAX or value is None or isinstance(value, str | int):
        return None
    if isinstance(value, float):
        return None if isfinite(value) else (name, f"must be a finite number, not {value}")
    parts: Iterable[tuple[Any, Any]]
    if isinstance(value, Mapping):
        parts = value.items()
    elif isinstance(value, list | tuple):
        parts = enumerate(value)
    else:
        return name, f"a {type(value).__name__} can't be sent as JSON"
    inner = (_unfit(part, f"{name}.{key}" if name else str(key), depth + 1) for key, part in parts)
    return next((found for found in inner if found), None)


def reading(kind: type[R]) -> Callable[[bytes], R]:
    """Reads one record. What is read raises ServerError where the answer is something else.

    >>> reading(Record)(b'{"id": "a1"}')
    Record(id='a1')
    """
    return lambda body: kind.of(_object(body))


def listing(kind: type[R], name: str = "items") -> Callable[[bytes], Records[R]]:
    """Reads the list in an object, under ``name``."""
    return lambda body: _list(_object(body), name, kind)


def paging(kind: type[R]) -> Callable[[bytes], Page[R]]:
    """Reads a page of a list."""

    def read(body: bytes) -> Page[R]:
        document = _object(body)
        cursor = document.get("next")
        return Page(_list(document, "items", kind), None if cursor is None else str(cursor))

    return read


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ServerError(f"the answer is not JSON ({error}); {WHOSE}") from error
    if not isinstance(document, dict):
        raise ServerError(f"the answer is no JSON object; {WHOSE}")
    return document


def _list(document: Mapping[str, Any], name: str, kind: type[R]) -> Records[R]:
    items = document.get(name)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ServerError(f"the answer has no {name}; {WHOSE}")
    return Records(map(kind.of, items), kind)


def params_of(filters: Mapping[str, Filter]) -> dict[str, str]:
    """Filters as query parameters: None is left out, times become RFC 3339.

    >>> params_of({"model": "m", "label": None, "limit": 5})
    {'model': 'm', 'limit': '5'}
    """
    return {name: param(name, value) for name, value in filters.items() if value is not None}


def param(name: str, value: Filter) -> str:
    """One parameter as text. Raises InvalidRequest for a time without a zone.

    >>> param("by_slice", True), param("limit", 5)
    ('true', '5')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise invalid_field(name, "the time must carry a zone")
        return value.isoformat()
    return str(value)


def length_text(length: Any, field: str) -> Any:
    """A timedelta as the text the API takes; anything else as it is. Raises InvalidRequest where it is negative.

    >>> length_text(timedelta(hours=2), "for"), length_text("5m", "for")
    ('2h', '5m')
    """
    if not isinstance(length, timedelta):
        return length
    if length < timedelta():
        raise invalid_field(field, "must not be negative")
    return duration_text(length.total_seconds())


def segment(value: str, name: str) -> str:
    """``value`` as one segment of a path. Raises InvalidRequest where it would lead elsewhere, and where it is no text,
    such as None or what has the id."""
    if not isinstance(value, str):
        raise invalid_field(name, f"must be text, not {type(value).__name__}")
    try:
        quoted = quote(value, safe="")
    except UnicodeEncodeError:  # half a character
        quoted = ""
    if quoted in {"", ".", ".."}:
        raise InvalidRequest(f"{name}: {value!r} is none", errors=invalid_field(name, "is none").errors)
    return quoted
