"""The configuration of feedback on the data port."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from sidecar.app.parts import Part, like
from sidecar.dialects.routes import ROUTES
from sidecar.proxy.routing import compile_path

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def _origin(text: str) -> str:
    """As a browser writes it (RFC 6454, 6.2): lower case, without the port that the scheme has by itself."""
    if text == "*":
        return text
    found = _ORIGIN.fullmatch(text.lower())
    if found is None:
        raise ValueError(f"{text!r} is no origin, expected e.g. https://app.example.com, with no / at its end, or *")
    scheme, host, port = found.groups()
    return f"{scheme}://{host}" + (f":{port}" if port and port != _DEFAULT_PORTS.get(scheme) else "")


class FeedbackConfig(Part):
    """Feedback on the data port: what is sent to ``path`` is recorded, not relayed. Empty: closed, all is relayed.

    Pages of ``origins`` may send it from a browser. A client address may send ``per_minute`` to each worker, 0: any
    number.
    """

    path: Annotated[
        str, like(r"(/[A-Za-z0-9._~!$&'()*+,;=:@/-]+)?", "a path such as /feedback, without % or a query, or empty")
    ] = ""
    origins: tuple[Annotated[str, AfterValidator(_origin)], ...] = ()
    per_minute: Annotated[int, Field(ge=0, le=1_000_000)] = 60


def feedback_faults(feedback: FeedbackConfig, routes: Iterable[str]) -> Iterator[str]:
    """A path that predictions have, by ``routes`` of the configuration or by those of a known model server."""
    for path in (*routes, *(route.path for route in ROUTES)):
        if compile_path(path).fullmatch(feedback.path):
            yield f"feedback.path: {feedback.path!r} is a prediction route ({path}), expected another, e.g. /feedback"
            return
