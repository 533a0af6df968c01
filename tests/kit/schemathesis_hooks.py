"""What schemathesis is told beside its configuration (SCHEMATHESIS_HOOKS): what makes a request valid that no schema
can say, and a stranger's address for each connection."""

from __future__ import annotations

import itertools
import unicodedata
import uuid
from typing import Any

import schemathesis
from urllib3.util import connection

KEY = "Idempotency-Key"
NOT_PRINTABLE = ("Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs")
_connect = connection.create_connection
_numbers = itertools.count(1)
_cursors: dict[str, str] = {}
"""Path -> the cursor that its last page gave."""


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """What is meant to be valid is made so where the generator can't know."""
    if case.meta is None or case.meta.generation.mode.is_negative:
        return
    # A key that another request had is refused, as it must be; few different ones are generated.
    if case.headers and KEY in case.headers:
        case.headers[KEY] = uuid.uuid4().hex
    query = case.query if isinstance(case.query, dict) else {}
    # Only the cursor of an earlier page is taken.
    if "cursor" in query:
        if case.operation.path in _cursors:
            query["cursor"] = _cursors[case.operation.path]
        else:
            del query["cursor"]
    _reconcile(query)
    # Patterns with \p{C} and \p{Z} are drawn from as if Latin letters were all that Unicode has.
    case.query = _printable(case.query)
    case.body = _printable(case.body)


def _reconcile(query: dict[str, Any]) -> None:
    """An end before the beginning is refused, and no schema can say so of two parameters; so with least and most."""
    if "since" in query and "until" in query:
        del query["until"]
    for of in ("confidence", "latency_ms"):
        if f"min_{of}" in query:
            query.pop(f"max_{of}", None)


@schemathesis.hook
def after_call(context: schemathesis.HookContext, case: schemathesis.Case, response: schemathesis.Response) -> None:
    """Remember the cursors of pages."""
    if response.status_code == 200 and b'"next":"' in response.content:
        _cursors[case.operation.path] = response.json()["next"]


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return "".join("x" if unicodedata.category(c) in NOT_PRINTABLE and c != " " else c for c in value)
    if isinstance(value, dict):
        return {_printable(key): _printable(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_printable(part) for part in value]
    return value


def _from_elsewhere(address: tuple[str, int], *rest: Any, **more: Any) -> Any:
    """Wrong tokens from one address wait longer and longer, and a check sends one to each operation."""
    number = next(_numbers)
    more["source_address"] = (f"127.{number >> 16 & 127 | 1}.{number >> 8 & 255}.{number & 255 or 1}", 0)
    return _connect(address, *rest, **more)


connection.create_connection = _from_elsewhere
