"""Saving many images, one file each; what was saved before is not asked for again."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sidecar.cli.progress import items_bar

if TYPE_CHECKING:
    from sidecar.client import Client

PAGE_MAX = 1_000
_ENDINGS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/bmp": ".bmp",
    "image/tiff": ".tif",
}
_UNFIT = re.compile(r"[^A-Za-z0-9._-]")


class Came(NamedTuple):
    """What came of it: images that were found, saved, there already, and gone; ``bytes`` of those that were saved."""

    found: int
    saved: int
    skipped: int
    gone: int
    bytes: int


def saved(client: Client, folder: Path, limit: int | None, **filters: Any) -> Came:
    """Save the images of the samples that all ``filters`` hold for, the newest ``limit`` of them (None: all).

    Raises SidecarError, and OSError where one can't be written; files stand under their names only whole.
    """
    from sidecar.client import NotFound
    from sidecar.client.saving import Saving

    folder.mkdir(parents=True, exist_ok=True)
    size = PAGE_MAX if limit is None else min(limit, PAGE_MAX)
    # All of them first: while they are saved, others may come, and the bar needs to know how many there are.
    wanted = [(item.sample_id, item.media_type) for item in islice(client.samples(**filters, limit=size), limit)]
    kept = skipped = gone = total = 0
    with items_bar("saving images", len(wanted)) as went_on:
        for sample_id, media_type in wanted:
            path = folder / file_name(sample_id, media_type)
            if path.exists():
                skipped += 1
            else:
                try:
                    content = client.sample_image(sample_id)
                except NotFound:
                    gone += 1
                else:
                    with Saving(path) as saving:
                        saving.write(content)
                    kept, total = kept + 1, total + len(content)
            went_on(1)
    return Came(len(wanted), kept, skipped, gone, total)


def file_name(sample_id: str, media_type: str) -> str:
    """A name for a file that leads nowhere else.

    >>> file_name("01a2.0", "image/jpeg"), file_name("../x", "text/html")
    ('01a2.0.jpg', '_._x.bin')
    """
    name = _UNFIT.sub("_", sample_id)
    return (f"_{name[1:]}" if name.startswith(".") else name) + _ENDINGS.get(media_type, ".bin")
