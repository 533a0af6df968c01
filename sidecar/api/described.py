"""The API as it describes itself: its OpenAPI document, and the page that is made of it."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import NamedTuple

from sidecar.api.handlers import ROUTES
from sidecar.api.openapi import openapi_document
from sidecar.api.problems import dumps
from sidecar.api.reference import reference_page


class Description(NamedTuple):
    """Both as they are sent: JSON, and HTML in UTF-8."""

    document: bytes
    page: bytes


async def description(version: str, *, token_demanded: bool) -> Description:
    """Of the sidecar of that version, made when somebody first asks: it takes 0.2 s, which no start need wait for."""
    return await asyncio.to_thread(_made, version, token_demanded)


@lru_cache(maxsize=2)
def _made(version: str, token_demanded: bool) -> Description:
    document = openapi_document(ROUTES, version, token_demanded=token_demanded)
    return Description(dumps(document), reference_page(document).encode())
