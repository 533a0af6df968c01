"""Thumbnails of kept images, made by the real image process."""

from __future__ import annotations

import asyncio
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sidecar.data_engine import ImageProcess, Thumbnails, TooMany
from sidecar.data_engine.images import thumbnail
from sidecar.data_engine.process import NotStarted

RED, BLUE = (200, 30, 30), (30, 30, 200)


def save(path: Path, picture: Any, kind: str = "PNG", **options: Any) -> Path:
    picture.save(path, kind, **options)
    return path


def halves(width: int, height: int) -> Any:
    """Red on the left, blue on the right."""
    picture = Image.new("RGB", (width, height), RED)
    picture.paste(BLUE, (width // 2, 0, width, height))
    return picture


def opened(content: Any) -> Any:
    assert isinstance(content, bytes), content
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


def near(pixel: tuple[int, ...], colour: tuple[int, ...]) -> bool:
    return max(abs(a - b) for a, b in zip(pixel, colour, strict=True)) < 16


@pytest.mark.parametrize(("kind", "media_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")])
def test_thumbnail_is_a_jpeg_of_the_same_shape(tmp_path: Path, kind: str, media_type: str) -> None:
    """Of each kind that is kept; a fraction of a pixel is all that is lost of the shape."""
    made = opened(thumbnail(str(save(tmp_path / "a", halves(1_000, 610), kind)), media_type, 320))
    assert (made.format, made.size) == ("JPEG", (320, 195))
    assert near(made.getpixel((20, 100)), RED)
    assert near(made.getpixel((300, 100)), BLUE)


def test_thumbnail_is_not_turned_as_exif_says(tmp_path: Path) -> None:
    """The boxes are in the pixels that are stored, and so is what the model saw."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save(tmp_path / "a.jpg", halves(800, 400), "JPEG", exif=exif)
    made = opened(thumbnail(str(path), "image/jpeg", 160))
    assert made.size == (160, 80)
    assert near(made.getpixel((10, 40)), RED)
    assert not made.getexif(), "or a browser would turn it"


def test_transparent_and_deep_images_are_shown_as_browsers_do(tmp_path: Path) -> None:
    """What is clear is white; of 16 bits the upper eight count; a palette is no more than its colours."""
    clear = save(tmp_path / "clear.png", Image.new("RGBA", (400, 300), (0, 0, 0, 0)))
    assert near(opened(thumbnail(str(clear), "image/png", 160)).getpixel((80, 60)), (255, 255, 255))
    deep = save(tmp_path / "deep.png", Image.fromarray(np.full((300, 400), 0x8000, np.uint16)))
    assert near(opened(thumbnail(str(deep), "image/png", 160)).getpixel((80, 60)), (128, 128, 128))
    few = save(tmp_path / "few.png", halves(400, 300).quantize(4))
    assert near(opened(thumbnail(str(few), "image/png", 160)).getpixel((10, 60)), RED)


def test_thumbnail_of_a_strip_is_bounded_in_height(tmp_path: Path) -> None:
    """Four times as high as wide at most."""
    path = save(tmp_path / "a.png", halves(400, 8_000))
    assert opened(thumbnail(str(path), "image/png", 320)).size == (64, 1_280)


async def test_thumbnail_is_made_once_and_remembered_within_its_bound(tmp_path: Path, process: ImageProcess) -> None:
    """Those asked for last stay; the count of bytes is that of what is there."""
    path = save(tmp_path / "a.png", Image.effect_noise((400, 300), 90))
    size = len(await Thumbnails(process).of("", path, "image/png", 160) or b"")
    thumbnails = Thumbnails(process, bytes_max=size * 5 // 2)
    for key in ("a", "b", "a", "c", "a", "b"):
        assert await thumbnails.of(key, path, "image/png", 160)
    assert thumbnails.counts == {"made": 4, "remembered": 2, "failed": 0}, "b was let go of for c"
    assert thumbnails.bytes == 2 * size


async def test_image_that_none_can_be_made_of_is_tried_once(tmp_path: Path, process: ImageProcess) -> None:
    """It is counted by its reason, and what takes the process down does so once, not at every look."""
    (tmp_path / "broken").write_bytes(b"no image")
    thumbnails = Thumbnails(process)
    for _ in range(3):
        assert await thumbnails.of("a", tmp_path / "broken", "image/png", 160) is None
        assert await thumbnails.of("b", tmp_path / "gone", "image/png", 160) is None
        assert await thumbnails.of("c", tmp_path / "broken", "image/gif", 160) is None
    assert thumbnails.failed == {"broken": 1, "no_image": 1, "format": 1}
    assert thumbnails.counts["failed"] == 3


async def test_process_that_dies_costs_one_thumbnail(
    tmp_path: Path, process: ImageProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one is made by a new process."""
    path = save(tmp_path / "a.png", halves(400, 300))
    thumbnails = Thumbnails(process)
    with monkeypatch.context() as patch:
        patch.setattr("sidecar.data_engine.thumbnails.thumbnail", _dies)
        assert await thumbnails.of("a", path, "image/png", 160) is None
    assert thumbnails.failed == {"crashed": 1}
    assert await thumbnails.of("b", path, "image/png", 160)


async def test_start_that_fails_is_no_fault_of_the_image(
    tmp_path: Path, process: ImageProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not remembered: the image is asked for again once the process may have started, which is not tried for
    each image of a page."""
    tries: list[object] = []

    async def refused(*arguments: object) -> bytes:
        tries.append(arguments)
        raise NotStarted("no memory")

    path = save(tmp_path / "a.png", halves(400, 300))
    thumbnails = Thumbnails(process)
    with monkeypatch.context() as patch:
        patch.setattr(process, "call", refused)
        assert [await thumbnails.of(key, path, "image/png", 160) for key in ("a", "b", "a")] == [None] * 3
    assert (len(tries), thumbnails.failed, thumbnails.bytes) == (1, {"not_started": 3}, 0)
    thumbnails._start_after = 0.0
    assert await thumbnails.of("a", path, "image/png", 160)


async def test_more_than_may_wait_are_refused(tmp_path: Path, process: ImageProcess) -> None:
    """Those that wait get theirs; one that is asked for twice meanwhile is made once."""
    path = save(tmp_path / "a.png", halves(400, 300))
    thumbnails = Thumbnails(process, waiting_max=3)
    asked = [thumbnails.of(key, path, "image/png", 160) for key in ("a", "a", "b", "c")]
    made = await asyncio.gather(*asked, return_exceptions=True)
    assert [isinstance(one, bytes) for one in made] == [True, True, True, False]
    assert isinstance(made[3], TooMany)
    assert thumbnails.counts["made"] == 2
    assert await thumbnails.of("c", path, "image/png", 160)


def _dies(*_: Any) -> None:
    os._exit(3)
