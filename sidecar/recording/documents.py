"""JSON columns: documents as text that every database can hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import orjson

from sidecar.recording.rows import StoreError


def document_text(document: Any) -> str:
    """``document`` as JSON; text that UTF-8 can't hold is replaced, NaN is null.

    Raises StoreError("invalid") for what is no JSON, whole numbers over 64 bits among it.

    >>> document_text({"caf\\udce9": float("nan")})
    '{"caf?":null}'
    """
    try:
        return orjson.dumps(document).decode()
    except TypeError:
        pass
    try:
        return orjson.dumps(_storable(document)).decode()
    except (TypeError, RecursionError) as error:
        raise StoreError("invalid", f"a document that is no JSON: {error}") from error


def document_of(text: str) -> Any:
    """What document_text was given."""
    return orjson.loads(text)


def number_or_none(value: float | None) -> float | None:
    """A number for a column that may be empty: NaN is none, as SQLite has it by itself.

    >>> number_or_none(float("nan")), number_or_none(0.5)
    (None, 0.5)
    """
    return None if value is None or math.isnan(value) else value


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_storable(key): _storable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_storable(item) for item in value]
    return value
