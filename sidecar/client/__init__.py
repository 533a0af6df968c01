"""The Python client of a sidecar's API; a stranger to the server's code: it knows only the documented HTTP.

Key types: ``Client`` and ``AsyncClient`` have the same methods, built on one definition of each call in ``calls`` and
the other ``calls_...`` (a description of a request and a reading of its answer, without I/O). What comes back is a
``Record``, a dict whose keys answer to attributes too. Whatever can go wrong with a sidecar is a ``SidecarError``, with
a file of one's own an OSError.

Invariants: only GETs, and changes that made twice are as if made once, are tried again; a page iterator asks for the
next page when it is needed, not before; a file that is saved stands under its name only once it is complete.

    >>> from sidecar.client import Client
    >>> client = Client("http://127.0.0.1:8081")
    >>> client.close()
"""

from sidecar.client.aio import AsyncClient
from sidecar.client.errors import (
    ConnectionFailed,
    FieldError,
    InvalidRequest,
    NotEnded,
    NotFound,
    ServerError,
    SidecarError,
    Unauthorized,
)
from sidecar.client.results import Page, Record
from sidecar.client.sync import Client

__all__ = [
    "AsyncClient",
    "Client",
    "ConnectionFailed",
    "FieldError",
    "InvalidRequest",
    "NotEnded",
    "NotFound",
    "Page",
    "Record",
    "ServerError",
    "SidecarError",
    "Unauthorized",
]
