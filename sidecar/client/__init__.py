"""The Python client of a sidecar's API; a stranger to the server's code: it knows only the documented HTTP.

Key types: ``Client`` and ``AsyncClient`` have the same methods. What comes back is a ``Record`` of some kind
(``records``): a dict whose keys answer to attributes too; lists of them are ``Records``, lists over pages ``Pages`` or
``AsyncPages``. Whatever can go wrong with a sidecar is a ``SidecarError``, with a file of one's own an OSError.

How it is made, in the order of a call:

    aio_...        the methods, a module a topic; aio.py puts them together as AsyncClient
    calls_...      what a method sends, and how its answer is read: pure; calls.py has what these share
    aio_asking     sends it: settings (where to), attempts (how often), errors (or else), saving (into files)
    results        Record, Records;  pages  Pages;  records  the kinds of records, made of the API's types
    showing        how records look in terminals and notebooks;  frames  as frames of pandas
    sync...        the same without asyncio: made of aio... word by word, by a program among the tests

Invariants: a call is made again only where twice is as if once (a POST bears a key by which the sidecar knows it
again); a list over pages asks for the next page when it is needed, not before; a file that is saved stands under its
name only once it is complete; a token is in no text that anybody sees.

    >>> from sidecar.client import Client
    >>> client = Client("http://127.0.0.1:8081")
    >>> client
    Client('http://127.0.0.1:8081')
    >>> client.close()
"""

from sidecar.client.aio import AsyncClient
from sidecar.client.errors import (
    Busy,
    Changed,
    Conflict,
    ConnectionFailed,
    FieldError,
    Forbidden,
    InvalidRequest,
    NotEnded,
    NotFound,
    ServerError,
    SidecarError,
    Unauthorized,
)
from sidecar.client.pages import AsyncPages, Pages
from sidecar.client.results import ByName, Document, Record, Records
from sidecar.client.sync import Client

__all__ = [
    "AsyncClient",
    "AsyncPages",
    "Busy",
    "ByName",
    "Changed",
    "Client",
    "Conflict",
    "ConnectionFailed",
    "Document",
    "FieldError",
    "Forbidden",
    "InvalidRequest",
    "NotEnded",
    "NotFound",
    "Pages",
    "Record",
    "Records",
    "ServerError",
    "SidecarError",
    "Unauthorized",
]
