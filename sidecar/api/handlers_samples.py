"""The endpoints of images that were kept."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from aiohttp import web

from sidecar.api import render, schemas
from sidecar.api.etags import condition_of, matches
from sidecar.api.problems import Problem
from sidecar.api.routes import IF_NONE_MATCH, Call, Route
from sidecar.data_engine import TooMany
from sidecar.recording import Sample

IMAGE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp")
DIGEST_BYTES = 12
THUMBNAILS_MADE = 1
"""Changes with how thumbnails are made: one that was cached is then another's."""
# Bytes of strangers: nothing in them may run, whatever a browser takes them for.
_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"


async def samples(call: Call) -> dict[str, Any]:
    """Samples, newest first, a page at a time."""
    query: schemas.SamplesQuery = call.query
    page = await call.services.reader.samples(**query.model_dump(exclude={"cursor"}), before=query.cursor)
    return {"items": [render.sample_document(item) for item in page.items], "next": page.next}


async def sample(call: Call) -> dict[str, Any]:
    """One sample."""
    return render.sample_document(await _named(call))


async def sample_image(call: Call) -> web.StreamResponse:
    """The image of a sample, or a small copy of it; where none can be made, the image as it was kept."""
    found = await _named(call)
    root = call.services.data_dir.resolve()
    path = (root / found.path).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise Problem(404, f"the image of sample {found.sample_id!r} is gone")
    query: schemas.SampleImageQuery = call.query
    smaller = None if query.width is None else await _thumbnail(call, found, path, int(query.width))
    if smaller is not None:
        return smaller
    media_type = found.media_type if found.media_type in IMAGE_TYPES else "application/octet-stream"
    return web.FileResponse(path, headers={"Content-Type": media_type, **_headers()})


async def _named(call: Call) -> Sample:
    found = await call.services.reader.sample(call.path["sample_id"])
    if found is None:
        raise Problem(404, f"no sample has the id {call.path['sample_id']!r}")
    return found


async def _thumbnail(call: Call, found: Sample, path: Path, width: int) -> web.StreamResponse | None:
    """None where the image itself is as good, or nothing smaller can be had."""
    thumbnails = call.services.thumbnails
    if thumbnails is None or 0 < found.width <= width:
        return None
    tag = _tag(found, width)
    known = condition_of(call.request, IF_NONE_MATCH)
    if known is not None and matches(known, tag, weak=True):
        return web.Response(status=304, headers={"ETag": tag, **_headers()})
    try:
        made = await thumbnails.of(tag, path, found.media_type, width)
    except TooMany as error:
        call.services.turned_away["thumbnails"] += 1
        raise Problem(503, "too many thumbnails are waited for; try again", headers={"Retry-After": "1"}) from error
    if made is None:
        return None
    return web.Response(body=made, headers={"Content-Type": "image/jpeg", "ETag": tag, **_headers()})


def _tag(found: Sample, width: int) -> str:
    """The entity tag of a thumbnail: a kept image never changes."""
    what = f"{THUMBNAILS_MADE} {width} {found.bytes} {found.checksum} {found.sample_id}"
    return f'"{hashlib.blake2b(what.encode("utf-8", "surrogateescape"), digest_size=DIGEST_BYTES).hexdigest()}"'


def _headers() -> dict[str, str]:
    return {"Content-Security-Policy": _POLICY, "Cache-Control": "private, max-age=86400, immutable"}


ROUTES: tuple[Route, ...] = (
    Route("GET", "/api/v1/samples", "Samples", samples, query=schemas.SamplesQuery, gives=schemas.SamplesPage),
    Route(
        "GET",
        "/api/v1/samples/{sample_id}",
        "One sample",
        sample,
        gives=schemas.SampleOut,
        operation="get_sample",
    ),
    Route(
        "GET",
        "/api/v1/samples/{sample_id}/image",
        "A sample's image",
        sample_image,
        query=schemas.SampleImageQuery,
        media_type="image/*",
        statuses={503: "Too many thumbnails are waited for, or the store can't be used."},
    ),
)
