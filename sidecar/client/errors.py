"""What can go wrong with a call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class FieldError(NamedTuple):
    """One part of a request that was wrong, and why."""

    field: str
    message: str


class SidecarError(Exception):
    """The base of all errors of the client. ``status`` is the HTTP status, None where there was no answer."""

    def __init__(self, message: str, status: int | None = None, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.errors = tuple(errors)


class ConnectionFailed(SidecarError):
    """No answer: the sidecar can't be reached, was too slow, or the connection broke."""


class NotEnded(SidecarError):
    """What was waited for had not ended by the time given; it goes on."""


class NotFound(SidecarError):
    """Nothing has that id or name."""


class InvalidRequest(SidecarError):
    """The request was refused as it stands; ``errors`` names the faulty fields."""


class Unauthorized(SidecarError):
    """The token is missing or wrong, or the sidecar does not answer under this host name."""


class ServerError(SidecarError):
    """The sidecar could not do it, or what answered is no sidecar."""
