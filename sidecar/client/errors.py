"""What can go wrong with a call.

SidecarError
├── ConnectionFailed   no answer
├── NotEnded           what was waited for goes on
├── InvalidRequest     refused as it stands; ``errors`` names the faulty fields
│   └── Conflict       something is in the way, such as a test that runs already
│       └── Changed    somebody edited it since it was read
├── NotFound           nothing has that id
├── Unauthorized       no token, or none that is worth anything
│   └── Forbidden      the token's scopes do not reach so far
└── ServerError        the sidecar could not, or it is none
    └── Busy           it has too much to do, or was asked too often
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


class FieldError(NamedTuple):
    """One part of a request that was wrong, and why."""

    field: str
    message: str


class SidecarError(Exception):
    """The base of all errors of the client. ``status`` is the HTTP status, None where there was no answer; ``errors``
    say of each faulty field what is wrong, and so does the text of the error."""

    def __init__(self, message: str, status: int | None = None, errors: Iterable[FieldError] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.errors = tuple(errors)

    def __str__(self) -> str:
        said = super().__str__()
        untold = [f"{error.field}: {error.message}" for error in self.errors if error.message not in said]
        return "\n  ".join([said, *untold])


class ConnectionFailed(SidecarError):
    """No answer: the sidecar can't be reached, was too slow, or the connection broke."""


class NotEnded(SidecarError):
    """What was waited for had not ended by the time given; it goes on."""


class NotFound(SidecarError):
    """Nothing has that id or name."""


class InvalidRequest(SidecarError):
    """The request was refused as it stands; ``errors`` names the faulty fields."""


class Conflict(InvalidRequest):
    """Something is in the way: another test, a name that is taken, an item that another holds (status 409)."""


class Changed(Conflict):
    """Somebody edited it since it was read: ``if_match`` is not its ``etag`` any more (status 412)."""


class Unauthorized(SidecarError):
    """The token is missing, wrong, expired or revoked, or the sidecar does not answer under this host name."""


class Forbidden(Unauthorized):
    """The token is good, but its scopes do not reach so far (status 403)."""


class ServerError(SidecarError):
    """The sidecar could not do it, or what answered is no sidecar."""


class Busy(ServerError):
    """The sidecar has too much to do, or was asked too often, and said when to come back (status 429 or 503)."""


KINDS: Mapping[int, type[SidecarError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: Changed,
    421: Unauthorized,
    429: Busy,
}
"""The error of a status; of another 4xx it is InvalidRequest, of anything else ServerError."""


def invalid_field(field: str, message: str) -> InvalidRequest:
    """The error of a part of a request that was not sent, since it can't be right.

    >>> str(invalid_field("limit", "must be at least 1"))
    'limit: must be at least 1'
    """
    return InvalidRequest(f"{field}: {message}", errors=[FieldError(field, message)])


def error_of(status: int, body: bytes, retry_after: str | None = None, location: str | None = None) -> SidecarError:
    """The error of an answer outside 2xx, with the problem document's words where it is one. ``retry_after`` is what it
    says of coming back, ``location`` where it sends one instead.

    >>> error_of(404, b'{"type": "about:blank", "detail": "no alert a9"}')
    NotFound('no alert a9')
    """
    try:
        problem = json.loads(body)
    except (ValueError, RecursionError):
        problem = None
    # Everything a sidecar refuses is a problem document; an application's own 404 is none.
    if not (isinstance(problem, dict) and "type" in problem) and status in (404, 405, 501):
        return ServerError(f"this is no admin port of a sidecar: it answered {status}", status)
    if 300 <= status < 400:
        there = f" to {location.partition('?')[0]}" if location else ""
        # whom it names is somebody else's choice, and would be told the token
        return ServerError(f"the answer is {status}, a redirect{there}, not followed: is base_url right?", status)
    problem = problem if isinstance(problem, dict) else {}
    detail = str(problem.get("detail") or problem.get("title") or f"the answer is {status}, without a word of why")
    kind = KINDS.get(status, InvalidRequest if 400 <= status < 500 else ServerError)
    if status == 503 and retry_after is not None:
        kind = Busy
    return kind(detail, status, _field_errors(problem.get("errors")))


def _field_errors(found: Any) -> list[FieldError]:
    return [
        FieldError(str(entry.get("field", "")), str(entry.get("message", "")))
        for entry in (found if isinstance(found, list) else [])
        if isinstance(entry, dict)
    ]
