"""Writing an export to the disk: as a zip to hand out, or as a folder to train from. Whole or not at all.

Beside the format's own files stand ``manifest.jsonl`` (all items of the version; its SHA-256 is the version's content),
``version.json``, ``left_out.jsonl`` (what is not in it, and why) and ``SHA256SUMS``. Both functions read and write for
long: call them in a thread.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from sidecar.datasets.export import Content, Entry, Export, image_name, present
from sidecar.datasets.formats.table import format_of
from sidecar.datasets.manifest import checksum_lines, manifest_lines, version_document

PART = ".part"
"""The ending of what is being written still; what a killed process left behind has it."""
PIECE_BYTES = 1 << 20
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest a zip can tell: the same version gives the same bytes."""
_ZIP_MODE = 0o644 << 16
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class ExportError(Exception):
    """It could not be written, and nothing is left of it. ``reason`` is one of full, missing, exists, io."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"export {reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Written:
    """What was written. ``images`` are in it, ``left_out`` is why others are not, by sample id, and ``altered`` are
    images whose file is not what it was when the version was made."""

    path: Path
    bytes: int
    images: int
    left_out: dict[str, str]
    altered: tuple[str, ...]


def write_zip(export: Export, format_name: str, target: Path) -> Written:
    """Writes ``target``, over what is there, a piece at a time. Raises ExportError, and UnknownFormat."""
    export = _prepared(export, format_name)
    with _described(target):
        handle, name = tempfile.mkstemp(PART, f".{target.name}.", target.parent)
        part = Path(name)
        try:
            with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w") as archive:
                altered = _write_all(export, format_name, lambda entry, note: _into_zip(archive, entry, note))
            size = part.stat().st_size
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    return _written(export, target, size, altered)


def write_folder(export: Export, format_name: str, target: Path, *, link: bool = False) -> Written:
    """Makes the folder ``target``, which must not be there. Raises ExportError, and UnknownFormat.

    ``link``: images are hard links where the file system can, which costs no space; but who writes into one then
    changes the kept image itself, as Ultralytics does when it mends a damaged JPEG.
    """
    export = _prepared(export, format_name)
    if target.exists():
        raise ExportError("exists", f"{target} is there already")
    with _described(target):
        part = Path(tempfile.mkdtemp(PART, f".{target.name}.", target.parent))
        try:
            altered = _write_all(export, format_name, lambda entry, note: _into_folder(part, link, entry, note))
            size = sum(file.stat().st_size for file in part.rglob("*") if file.is_file())
            part.rename(target)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return _written(export, target, size, altered)


def file_checksum(path: Path) -> str:
    """The SHA-256 of a file in hex, as items have it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _prepared(export: Export, format_name: str) -> Export:
    return present(export, format_of(format_name).needs_size)


def _written(export: Export, target: Path, size: int, altered: tuple[str, ...]) -> Written:
    return Written(target, size, sum(1 for _ in export.images), dict(export.left_out), altered)


def _write_all(
    export: Export, format_name: str, write: Callable[[Entry, Callable[[bytes], None]], None]
) -> tuple[str, ...]:
    """Writes every entry and then SHA256SUMS; gives the sample ids of altered images."""
    expected = {image_name(item): item for _, item in export.images}
    altered = []
    sums = []
    for name, content in _entries(export, format_name):
        digest = hashlib.sha256()
        write((name, content), digest.update)
        if name.endswith("/"):
            continue
        sums.append((name, digest.hexdigest()))
        item = expected.get(name.rpartition("/")[2]) if isinstance(content, Path) else None
        if item is not None and digest.hexdigest() != item.checksum:
            altered.append(item.sample_id)
    write(("SHA256SUMS", checksum_lines(sums)), lambda piece: None)
    return tuple(altered)


def _entries(export: Export, format_name: str) -> Iterator[Entry]:
    yield from format_of(format_name).exporter(export)
    yield "manifest.jsonl", manifest_lines(export.items)
    deleted = sum(reason == "deleted" for reason in export.left_out.values())
    yield "version.json", orjson.dumps(version_document(export.version, deleted), option=orjson.OPT_INDENT_2)
    documents = ({"sample_id": name, "reason": reason} for name, reason in sorted(export.left_out.items()))
    yield "left_out.jsonl", (orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE) for one in documents)


def _into_zip(archive: zipfile.ZipFile, entry: Entry, note: Callable[[bytes], None]) -> None:
    name, content = entry
    about = zipfile.ZipInfo(name, _ZIP_TIME)
    about.external_attr = _ZIP_MODE
    about.compress_type = zipfile.ZIP_STORED if isinstance(content, Path) else zipfile.ZIP_DEFLATED
    unbounded = not isinstance(content, bytes)  # only then may it pass the 2 GiB of the older headers
    with archive.open(about, "w", force_zip64=unbounded) as file:
        for piece in _pieces(content):
            note(piece)
            file.write(piece)


def _into_folder(folder: Path, link: bool, entry: Entry, note: Callable[[bytes], None]) -> None:
    name, content = entry
    target = folder / name
    if name.endswith("/"):
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if link and isinstance(content, Path) and _linked(content, target):
        for piece in _pieces(target):
            note(piece)
        return
    with target.open("wb") as file:
        for piece in _pieces(content):
            note(piece)
            file.write(piece)


def _linked(source: Path, target: Path) -> bool:
    """False where the file system can't: another device, or one without links, or too many of them."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        return False
    return True


def _pieces(content: Content) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
    elif isinstance(content, Path):
        with content.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                yield piece
    else:
        yield from content


@contextmanager
def _described(target: Path) -> Iterator[None]:
    """Says in an ExportError what the operating system meant."""
    try:
        yield
    except FileNotFoundError as error:
        detail = f"{error.filename}: deleted while the export was written, or the folder for it is not there"
        raise ExportError("missing", detail) from error
    except OSError as error:
        reason = "full" if error.errno in _FULL else "io"
        words = "no room left" if reason == "full" else str(error)
        raise ExportError(reason, f"{target.name}: {words}") from error
