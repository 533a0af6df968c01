"""What every format is written from, and what an archive is made of."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sidecar.recording import Sample
from sidecar.recording.loop_rows import VersionItem, VersionRow

Content = bytes | Path | Iterable[bytes]
"""What a file of an archive holds: bytes, a copy of a file, or pieces one after the other."""
Entry = tuple[str, Content]
"""(the name in the archive, what it holds). A name that ends in ``/`` is an empty folder."""

EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
_SAFE_STEM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True)
class Export:
    """A version and where its images are: ``folder`` is the data folder, which the paths of items are relative to.

    ``items`` are all of the version's, by sample id. ``samples`` are those items as they are now, for what the model
    predicted; it may lack any. ``image_url`` makes the address of an image for Label Studio, where the archive's own
    isn't wanted. ``left_out`` says of some sample ids why their images are not in the export.
    """

    version: VersionRow
    items: tuple[VersionItem, ...]
    folder: Path
    samples: Mapping[str, Sample] = field(default_factory=dict)
    image_url: Callable[[VersionItem], str] | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def images(self) -> Iterator[tuple[int, VersionItem]]:
        """The items that are exported, each with its number among all of the version, from 1: it never changes."""
        return (
            (number, item)
            for number, item in enumerate(self.items, 1)
            if item.deleted_at is None and item.sample_id not in self.left_out
        )

    @property
    def classes(self) -> list[str]:
        """The names of all classes, sorted by their characters. Deleted images count, so that numbers stay."""
        return sorted({one.label for item in self.items for one in item.labels})

    def file(self, item: VersionItem) -> Path:
        """The image on the disk."""
        return self.folder / item.path


Exporter = Callable[[Export], Iterator[Entry]]


def stem_of(sample_id: str) -> str:
    """The name of an item's files without ending: its id, or a hash of it where the id is no safe name.

    >>> stem_of("018f.0"), stem_of("../etc") == stem_of("../etc"), "/" in stem_of("../etc")
    ('018f.0', True, False)
    """
    if _SAFE_STEM.fullmatch(sample_id):
        return sample_id
    return "x-" + hashlib.sha256(sample_id.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def image_name(item: VersionItem | Sample) -> str:
    """The name of an item's image, from its id and media type alone."""
    return f"{stem_of(item.sample_id)}.{EXTENSIONS.get(item.media_type, 'bin')}"


def present(export: Export, needs_size: bool) -> Export:
    """The export with the sizes of images looked up where they were not known, and ``left_out`` filled in.

    Left out are images that were deleted, whose file is not there, and, where the format ``needs_size``, whose size
    can't be read.
    """
    left_out = dict(export.left_out)
    items = []
    for item in export.items:
        if item.deleted_at is not None:
            left_out[item.sample_id] = "deleted"
        elif not export.file(item).is_file():
            left_out[item.sample_id] = "file_missing"
        elif min(item.width, item.height) <= 0:
            width, height = _size_of(export.file(item))
            item = replace(item, width=width, height=height)
            if needs_size and not width:
                left_out[item.sample_id] = "size_unknown"
        items.append(item)
    return replace(export, items=tuple(items), left_out=left_out)


def _size_of(file: Path) -> tuple[int, int]:
    """Width and height by the image's header, (0, 0) where it can't be read. Nothing is decoded."""
    from PIL import Image  # 2 MB that a monitor rarely needs

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(file) as image:
                return image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return 0, 0
