"""Errors as problem details (RFC 9457), with one entry per faulty field, and JSON that survives hostile text."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError

FieldError = dict[str, str]

_TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}
"""Titles of RFC 9110 that Python called otherwise before 3.13: the same answer, whatever runs the sidecar."""


class Problem(Exception):
    """An answer that is an error. ``errors`` are {field, message}, one per faulty field."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Iterable[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})

    def content(self) -> bytes:
        """This problem as a document of type application/problem+json."""
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": _TITLES.get(self.status) or HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = self.errors
        return dumps(document)

    def response(self) -> web.Response:
        """This problem as a response."""
        return web.Response(
            status=self.status,
            body=self.content(),
            content_type="application/problem+json",
            headers={"Cache-Control": "no-store", **self.headers},
        )


def invalid(error: ValidationError, place: str, model: type[BaseModel] | None = None) -> Problem:
    """The 422 of a query or body pydantic refused; ``place`` (query, body) is what the fields belong to, and ``model``
    the type that refused it, whose fields are named where one is unknown."""
    errors = field_errors(error, place, model)
    words = (
        f"{fault['field']}: {fault['message']}" if fault["field"] != place else fault["message"] for fault in errors
    )
    return Problem(422, f"{place}: " + "; ".join(words), errors)


def field_errors(error: ValidationError, place: str, model: type[BaseModel] | None = None) -> list[FieldError]:
    """What pydantic refused, by field; ``place`` where it is the whole."""
    return [
        {"field": ".".join(str(part) for part in fault["loc"]) or place, "message": _message(fault, model)}
        for fault in error.errors(include_url=False)
    ]


_BY_TYPE: dict[str, str] = {
    "missing": "is needed",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "is too great a number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "list_type": "must be a list",
    "dict_type": "must be a JSON object",
    "model_type": "must be a JSON object",
    "model_attributes_type": "must be a JSON object",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "too_long": "must have at most {max_length} items",
    "too_short": "must have at least {min_length} items",
    "greater_than_equal": "must be at least {ge:g}",
    "greater_than": "must be more than {gt:g}",
    "less_than_equal": "must be at most {le:g}",
    "less_than": "must be less than {lt:g}",
    "literal_error": "must be {expected}",
    "string_pattern_mismatch": "must match {pattern}",
}
"""What is wrong, in our words, by pydantic's name of the fault; the braces are of its context."""


def _message(fault: Mapping[str, Any], model: type[BaseModel] | None) -> str:
    """One fault in the words of this API; what has none here keeps pydantic's."""
    kind, context = fault["type"], fault.get("ctx") or {}
    if kind == "extra_forbidden":
        known = [] if model is None else _names(model)
        return f"unknown field; there are {', '.join(known)}" if known else "unknown field; there are none here"
    if kind in ("string_too_short", "too_short") and context.get("min_length") == 1:
        return "must not be empty"
    if kind == "string_pattern_mismatch" and model is not None and (meaning := _meaning(model, fault["loc"])):
        return f"must be {meaning}"
    if kind in ("float_parsing", "float_type") and "%" in str(fault["input"]):
        return "must be a number; shares are 0 to 1: 5 % is 0.05"
    if kind == "literal_error":
        return f"must be {str(context['expected']).replace(chr(39), '')}"
    if kind in _BY_TYPE:
        return _BY_TYPE[kind].format(**context)
    return str(fault["msg"]).removeprefix("Value error, ")


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _meaning(model: type[BaseModel], place: tuple[int | str, ...]) -> str | None:
    field = model.model_fields.get(str(place[0])) if place else None
    return field.description if field else None


def invalid_field(field: str, message: str, status: int = 422) -> Problem:
    """A problem with one field."""
    return Problem(status, f"{field}: {message}", [{"field": field, "message": message}])


def dumps(document: Any) -> bytes:
    """``document`` as JSON. Numbers that are not finite become null; a lone surrogate stays an escape.

    >>> dumps({"a": float("nan"), "b": "é"})
    b'{"a":null,"b":"\\xc3\\xa9"}'
    """
    try:
        return orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY)
    except (orjson.JSONEncodeError, UnicodeEncodeError):
        # orjson refuses lone surrogates, which JSON of a model server can hold as escapes.
        return json.dumps(_plain(document), separators=(",", ":"), default=str).encode("ascii")


def _plain(value: Any) -> Any:
    """As orjson has it: null for what is not finite, lists for arrays."""
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


PACKED_APART_BYTES = 32 * 1024
"""What is larger is packed in a thread, where it is packed."""


def json_response(document: Any, status: int = 200) -> web.Response:
    """``document`` as a JSON response that no cache keeps."""
    return web.Response(
        status=status,
        body=dumps(document),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
        zlib_executor_size=PACKED_APART_BYTES,
    )
