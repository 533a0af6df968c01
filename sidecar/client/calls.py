"""Calls of the API: what to send and how to read the answer. No I/O; both clients share these.

Those about baselines, drift and alerts are in ``calls_watch``, those about tests of versions in ``calls_trials``, those
of the improvement loop in ``calls_feedback``, ``calls_datasets`` and ``calls_training``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from sidecar.client.errors import (
    FieldError,
    InvalidRequest,
    NotFound,
    ServerError,
    SidecarError,
    Unauthorized,
)
from sidecar.client.results import Page, Record

T = TypeVar("T")
Filter = str | int | float | datetime | None

ATTEMPTS_MAX = 3
BACKOFF_S = 0.1
RETRY_AFTER_S_MAX = 5.0
DEPTH_MAX = 20
"""How deep a body is searched for what JSON can't hold."""
_PASSING = (429, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request, and ``read``, which makes its result of the body of a 2xx.

    ``body`` is an object to send as JSON, or bytes that are JSON already. ``timeout_s``, where greater than the
    client's own, bounds its waits instead. ``repeatable``: a change that made twice is as if made once.
    """

    method: str
    path: str
    read: Callable[[bytes], T]
    params: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | bytes | None = None
    timeout_s: float = 0.0
    repeatable: bool = False

    @property
    def content(self) -> bytes | None:
        """The body as JSON. Raises InvalidRequest naming the field that can't be."""
        return self.body if self.body is None or isinstance(self.body, bytes) else encoded(self.body)

    @property
    def headers(self) -> dict[str, str]:
        """What the body is."""
        return {} if self.body is None else {"Content-Type": "application/json"}

    @property
    def is_idempotent(self) -> bool:
        """Whether it may be tried again: reading changes nothing."""
        return self.method == "GET" or self.repeatable


def encoded(body: Mapping[str, Any]) -> bytes:
    """``body`` as JSON. Raises InvalidRequest naming the field that JSON can't hold.

    >>> encoded({"share": 0.5})
    b'{"share": 0.5}'
    """
    try:
        return json.dumps(body, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        name, message = _unfit(body, "") or ("body", f"can't be sent as JSON: {error}")
        raise InvalidRequest(f"{name}: {message}", errors=[FieldError(name, message)]) from error


def _unfit(value: Any, name: str, depth: int = 0) -> tuple[str, str] | None:
    """The first part of ``value`` that JSON can't hold, and why. None where it is too deep to tell."""
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


def record_of(body: bytes) -> Record:
    """A JSON object as a Record. Raises ServerError where the answer is something else."""
    try:
        document = json.loads(body)
    except ValueError as error:
        raise ServerError(f"the answer is not JSON ({error}); is this a sidecar's admin port?") from error
    if not isinstance(document, dict):
        raise ServerError("the answer is no JSON object; is this a sidecar's admin port?")
    return Record.of(document)


def page_of(body: bytes) -> Page:
    """A page of a list."""
    document = record_of(body)
    try:
        return Page(document["items"], document["next"])
    except KeyError as error:
        raise ServerError(f"the answer has no {error}; is this a sidecar's admin port?") from error


def items_of(body: bytes, name: str = "items") -> list[Record]:
    """The list in an object, under ``name``."""
    document = record_of(body)
    if not isinstance(document.get(name), list):
        raise ServerError(f"the answer has no {name}; is this a sidecar's admin port?")
    items: list[Record] = document[name]
    return items


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
            raise InvalidRequest(
                f"{name}: the time must carry a zone", errors=[FieldError(name, "the time must carry a zone")]
            )
        return value.isoformat()
    return str(value)


def segment(value: str, name: str) -> str:
    """``value`` as one segment of a path. Raises InvalidRequest where it would lead elsewhere."""
    if value in {"", ".", ".."}:
        raise InvalidRequest(f"{name}: {value!r} is none", errors=[FieldError(name, "is none")])
    return quote(value, safe="")


def status() -> Call[Record]:
    """How the sidecar is."""
    return Call("GET", "/api/v1/status", record_of)


def models() -> Call[Record]:
    """Models and their figures."""
    return Call("GET", "/api/v1/models", record_of)


def settings() -> Call[Record]:
    """The effective configuration."""
    return Call("GET", "/api/v1/settings", record_of)


def predictions_page(filters: Mapping[str, Filter]) -> Call[Page]:
    """One page of predictions."""
    return Call("GET", "/api/v1/predictions", page_of, params_of(filters))


def prediction(prediction_id: str) -> Call[Record]:
    """One prediction."""
    return Call("GET", f"/api/v1/predictions/{segment(prediction_id, 'prediction_id')}", record_of)


def summaries(filters: Mapping[str, Filter]) -> Call[Record]:
    """Time series of summaries."""
    return Call("GET", "/api/v1/summaries", record_of, params_of(filters))


def samples_page(filters: Mapping[str, Filter]) -> Call[Page]:
    """One page of samples."""
    return Call("GET", "/api/v1/samples", page_of, params_of(filters))


def sample(sample_id: str) -> Call[Record]:
    """One sample."""
    return Call("GET", f"/api/v1/samples/{segment(sample_id, 'sample_id')}", record_of)


def sample_image(sample_id: str) -> Call[bytes]:
    """The image of a sample."""
    return Call("GET", f"/api/v1/samples/{segment(sample_id, 'sample_id')}/image", bytes)


def error_of(status: int, body: bytes) -> SidecarError:
    """The error of an answer outside 2xx, with the problem document's words where it is one."""
    try:
        problem = json.loads(body)
    except ValueError:
        problem = None
    # Everything a sidecar refuses is a problem document; an application's own 404 is none.
    if not (isinstance(problem, dict) and "type" in problem) and status in (404, 405, 501):
        return ServerError(f"this is no admin port of a sidecar: it answered {status}", status)
    problem = problem if isinstance(problem, dict) else {}
    detail = str(problem.get("detail") or problem.get("title") or f"the sidecar answered {status}")
    found = problem.get("errors")
    errors = [
        FieldError(str(entry.get("field", "")), str(entry.get("message", "")))
        for entry in (found if isinstance(found, list) else [])
        if isinstance(entry, dict)
    ]
    kind: type[SidecarError] = ServerError
    if status == 404:
        kind = NotFound
    elif status in (401, 403, 421):
        kind = Unauthorized
    elif 400 <= status < 500 and status != 429:
        kind = InvalidRequest
    return kind(detail, status, errors)


def retry_delay_s(
    call: Call[Any], attempt: int, status: int | None, retry_after: str | None, *, timed_out: bool = False
) -> float | None:
    """How long to wait before attempt ``attempt + 1``; None: don't. ``status`` None means there was no answer.

    A slow call that timed out is not made again: the sidecar may still be working at it.

    >>> retry_delay_s(status(), 1, None, None), retry_delay_s(status(), 1, 404, None)
    (0.1, None)
    """
    if not call.is_idempotent or attempt >= ATTEMPTS_MAX or (status is not None and status not in _PASSING):
        return None
    if timed_out and call.timeout_s:
        return None
    if retry_after is not None and retry_after.isascii() and retry_after.isdigit():
        return min(float(retry_after), RETRY_AFTER_S_MAX)
    return BACKOFF_S * 2.0 ** (attempt - 1)
