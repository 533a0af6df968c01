"""Errors as problem details (RFC 9457), with one entry per faulty field, and JSON that survives hostile text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web
from pydantic import ValidationError

FieldError = dict[str, str]


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

    def response(self) -> web.Response:
        """This problem as a response of type application/problem+json."""
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = self.errors
        return web.Response(
            status=self.status,
            body=dumps(document),
            content_type="application/problem+json",
            headers={"Cache-Control": "no-store", **self.headers},
        )


def invalid(error: ValidationError, place: str) -> Problem:
    """The 422 of a query or body pydantic refused; ``place`` (query, body) is what the fields belong to."""
    errors = [
        {
            "field": ".".join(str(part) for part in fault["loc"]) or place,
            "message": fault["msg"].removeprefix("Value error, "),
        }
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return Problem(422, f"{place}: " + "; ".join(f"{fault['field']}: {fault['message']}" for fault in errors), errors)


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
        return json.dumps(document, separators=(",", ":"), default=str).encode("ascii")


def json_response(document: Any, status: int = 200) -> web.Response:
    """``document`` as a JSON response that no cache keeps."""
    return web.Response(
        status=status, body=dumps(document), content_type="application/json", headers={"Cache-Control": "no-store"}
    )
