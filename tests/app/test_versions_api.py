"""Versions of datasets behind the API: what comes between an export and its images."""

from __future__ import annotations

import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from sidecar.app import versions_api
from sidecar.datasets import ExportError
from sidecar.recording import StoreError
from tests.api.looped import add_items
from tests.app.looping import Life, living


@pytest.fixture
async def life(tmp_path: Path) -> AsyncIterator[Life]:
    async with living(tmp_path) as life:
        await add_items(tmp_path, life.store, 3)
        for index in range(3):
            await life.loop.review.confirm(f"i{index}", "ann")
        yield life


def deleting(write: Callable[..., Any], picture: Path, times: int) -> Callable[..., Any]:
    """``write``, that finds an image gone that was there when it began, so many times."""
    left = [times]

    def writing(export: Any, format: str, path: Path) -> Any:
        if left[0]:
            left[0] -= 1
            picture.unlink(missing_ok=True)
            raise ExportError("missing", picture.name)
        return write(export, format, path)

    return writing


async def test_image_that_is_deleted_while_an_export_is_written_is_left_out_of_it(
    life: Life, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is written once more with what is there, as a zip and for a trainer."""
    version = await life.loop.versions.create("det", None, "one", "ann")
    for name, picture in (("write_zip", "i0.png"), ("write_folder", "i1.png")):
        once = deleting(getattr(versions_api, name), tmp_path / "samples" / picture, 1)
        monkeypatch.setattr(versions_api, name, once)
    async with life.loop.versions.export(version["id"], "coco") as path:
        names = zipfile.ZipFile(path).namelist()
    assert sorted(Path(name).name for name in names if name.endswith(".png")) == ["i1.png", "i2.png"]
    await life.loop.versions.export_to(version["id"], "coco", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").rglob("*.png")) == ["i2.png"]


async def test_export_that_fails_again_fails(life: Life, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left of it, and the next may be asked for."""
    version = await life.loop.versions.create("det", None, "one", "ann")
    never = deleting(versions_api.write_zip, tmp_path / "samples" / "i0.png", 2)
    monkeypatch.setattr(versions_api, "write_zip", never)
    with pytest.raises(StoreError, match="missing"):
        async with life.loop.versions.export(version["id"], "coco"):
            pass
    assert list((tmp_path / "exports").iterdir()) == []
    async with life.loop.versions.export(version["id"], "coco") as path:
        assert path.stat().st_size > 0
