"""Archives and folders: whole or not at all, and anybody can check what is in them."""

from __future__ import annotations

import hashlib
import json
import resource
import shutil
import subprocess
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from sidecar.datasets import FORMATS, Export, ExportError, file_checksum, write_folder, write_zip
from tests.datasets.making import export_of, item, label, with_images


@pytest.fixture
def export(tmp_path: Path) -> Export:
    """Nine images of three media types in three splits."""
    data = tmp_path / "data"
    data.mkdir()
    kinds = ("image/png", "image/jpeg", "image/webp")
    splits = ("train", "val", "test")
    labels = [label("cat", 10, 10, 50, 50), label("dog", 1, 1, 9.5, 9)]
    items = [item(f"s{n}", labels[: n % 3], media_type=kinds[n % 3], split=splits[n // 3]) for n in range(9)]
    return export_of(data, with_images(data, items))


@pytest.mark.parametrize("name", FORMATS)
def test_a_zip_is_complete_and_its_sums_are_right(name: str, export: Export, tmp_path: Path) -> None:
    """Every image is in it byte for byte, stored; text is packed; SHA256SUMS is of all other files."""
    written = write_zip(export, name, tmp_path / "out.zip")
    assert (written.bytes, written.images) == ((tmp_path / "out.zip").stat().st_size, 9)
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.testzip() is None
        files = {about.filename: about for about in archive.infolist() if not about.is_dir()}
        content = {one: archive.read(one) for one in files}
    sums = dict(line.split("  ")[::-1] for line in content.pop("SHA256SUMS").decode().splitlines())
    assert sums == {one: hashlib.sha256(text).hexdigest() for one, text in content.items()}
    images = {Path(one).stem: one for one in content if one.endswith(("png", "jpg", "webp"))}
    for one in export.items:
        assert sums[images[one.sample_id]] == one.checksum
        assert files[images[one.sample_id]].compress_type == zipfile.ZIP_STORED
    assert files["manifest.jsonl"].compress_type == zipfile.ZIP_DEFLATED
    assert sums["manifest.jsonl"] == export.version.content
    assert json.loads(content["version.json"])["id"] == export.version.version_id


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_version_is_the_same_bytes(name: str, export: Export, tmp_path: Path) -> None:
    """An archive that is made again can be compared by its hash."""
    write_zip(export, name, tmp_path / "one.zip")
    write_zip(export, name, tmp_path / "two.zip")
    assert file_checksum(tmp_path / "one.zip") == file_checksum(tmp_path / "two.zip")


@pytest.mark.parametrize("name", FORMATS)
def test_a_folder_holds_what_the_zip_does(name: str, export: Export, tmp_path: Path) -> None:
    """Trainers get the same files; sha256sum checks them."""
    write_folder(export, name, tmp_path / "folder")
    write_zip(export, name, tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        packed = {one.rstrip("/") for one in archive.namelist()}
        for one in archive.infolist():
            path = tmp_path / "folder" / one.filename
            assert path.is_dir() if one.is_dir() else path.read_bytes() == archive.read(one)
    files = {str(path.relative_to(tmp_path / "folder")) for path in (tmp_path / "folder").rglob("*") if path.is_file()}
    assert files <= packed
    program = shutil.which("sha256sum")
    if program:
        subprocess.run([program, "--check", "--quiet", "SHA256SUMS"], cwd=tmp_path / "folder", check=True)


def test_links_cost_no_room_and_copies_do_not_share(export: Export, tmp_path: Path) -> None:
    """Where asked for, images are the kept files themselves; else a trainer may write into its own."""
    write_folder(export, "coco", tmp_path / "links", link=True)
    write_folder(export, "coco", tmp_path / "copies")
    kept = export.file(export.items[0])
    assert (tmp_path / "links/images/train/s0.png").samefile(kept)
    assert not (tmp_path / "copies/images/train/s0.png").samefile(kept)
    with Image.open(tmp_path / "copies/images/train/s0.png") as image:
        assert image.size == (320, 240)


def test_images_that_are_gone_or_altered_are_told(export: Export, tmp_path: Path) -> None:
    """A file that is not there is left out of documents too; one that changed is in it and named."""
    export.file(export.items[0]).unlink()
    changed = export.file(export.items[1])
    changed.write_bytes(changed.read_bytes() + b"x")
    written = write_folder(export, "coco", tmp_path / "out")
    assert (written.images, written.left_out, written.altered) == (8, {"s0": "file_missing"}, ("s1",))
    listed = json.loads((tmp_path / "out/annotations/instances_train.json").read_text())["images"]
    assert [one["sample_id"] for one in listed] == ["s1", "s2"]


@contextmanager
def _files_up_to(size: int) -> Iterator[None]:
    """As on a disk without room: no file may grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_without_room_nothing_stays_and_the_error_says_so(export: Export, tmp_path: Path) -> None:
    """What was there before is as it was; no part of the new is left."""
    target = tmp_path / "out" / "out.zip"
    target.parent.mkdir()
    target.write_bytes(b"the one before")
    with _files_up_to(100_000), pytest.raises(ExportError, match="no room left") as caught:
        write_zip(export, "coco", target)
    assert caught.value.reason == "full"
    assert target.read_bytes() == b"the one before"
    with _files_up_to(100_000), pytest.raises(ExportError, match="no room left"):
        write_folder(export, "coco", tmp_path / "out" / "folder")
    assert [path.name for path in target.parent.iterdir()] == ["out.zip"]


def test_places_that_can_not_be_written_to_are_named(export: Export, tmp_path: Path) -> None:
    """A folder that is there already is not overwritten; one above that isn't there is missing."""
    with pytest.raises(ExportError, match="is there already") as caught:
        write_folder(export, "coco", tmp_path)
    assert caught.value.reason == "exists"
    with pytest.raises(ExportError) as caught:
        write_zip(export, "coco", tmp_path / "nowhere" / "out.zip")
    assert caught.value.reason == "missing"


def test_an_image_deleted_meanwhile_ends_the_export(export: Export, tmp_path: Path) -> None:
    """Documents list it already by then: better no archive than one that lies."""

    def url(item: object) -> str:  # called while the documents are written, after the look at the disk
        export.file(export.items[8]).unlink(missing_ok=True)
        return "here"

    with pytest.raises(ExportError, match="deleted while the export was written") as caught:
        write_zip(replace(export, image_url=url), "label_studio", tmp_path / "out.zip")
    assert caught.value.reason == "missing"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_memory_does_not_grow_with_images(tmp_path: Path) -> None:
    """64 MB of images and 60,000 boxes pass through in pieces."""
    big = tmp_path / "big.bin"
    big.write_bytes(bytes(16 << 20))
    boxes = [label("cat", n % 100, 1, n % 100 + 9.5, 50) for n in range(1_000)]
    digest = file_checksum(big)
    items = [item(f"s{n:02}", boxes, path="big.bin" if n < 4 else "", checksum=digest) for n in range(60)]
    export = export_of(tmp_path, items)
    small = tmp_path / "small"
    small.write_bytes(b"")
    export = replace(export, items=tuple(replace(one, path=one.path or "small") for one in export.items))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        write_zip(export, "coco", tmp_path / "out.zip")
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert (tmp_path / "out.zip").stat().st_size > 64 << 20
    assert peak < 8 << 20
