"""What the API asks about versions of datasets: made, compared, exported, and labels that come back."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sidecar.api.datasets import ExportFormat, ImportFormat
from sidecar.api.errors import Conflict, ControlError, NotThere
from sidecar.app.importing import LabelImport
from sidecar.app.review_api import answered
from sidecar.datasets import (
    Export,
    ExportError,
    VersionError,
    diff_versions,
    file_checksum,
    make_version,
    version_document,
    write_folder,
    write_zip,
)
from sidecar.recording import (
    Datasets,
    Items,
    Reader,
    Sample,
    StoreError,
    VersionItem,
    VersionRow,
    Versions,
)

EXPORTS_MAX = 4
"""Exports under way at once."""
EXPORTS_FOLDER = "exports"
PAGE = 1_000
Document = dict[str, Any]


class VersionsApi:
    """``api.datasets.DatasetVersions`` over the store and the images in the data folder."""

    def __init__(
        self,
        datasets: Datasets,
        items: Items,
        versions: Versions,
        reader: Reader,
        data_dir: Path,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._datasets = datasets
        self._imports = LabelImport(items, reader, clock)
        self._versions = versions
        self._reader = reader
        self._data_dir = data_dir
        self._clock = clock
        self._under_way = 0

    async def clear(self) -> None:
        """What a killed process left of exports goes. Before any is asked for."""
        await asyncio.to_thread(_remove_all, self._data_dir / EXPORTS_FOLDER)

    @answered
    async def create(self, dataset_id: str, parent_version_id: str | None, name: str, by: str) -> Document:
        await self._check_dataset(dataset_id)
        parent_id = ""
        if parent_version_id:
            parent = await self._versions.get(parent_version_id)
            if parent is None or parent.dataset_id != dataset_id:
                known = ", ".join(row.version_id for row in (await self._versions.all(dataset_id))[:20]) or "none yet"
                raise ControlError(
                    "parent_version_id", f"{parent_version_id!r} is no version of {dataset_id!r}; there are: {known}"
                )
            parent_id = parent.version_id
        labeled = await self._labeled(dataset_id)
        try:
            row, items, splits = await asyncio.to_thread(
                make_version, labeled, dataset_id, parent_id, name, by, self._clock()
            )
        except VersionError as error:
            raise Conflict("items", "; ".join(error.faults)) from error
        await self._versions.add(row, items, splits)
        return await self.get(row.version_id)

    @answered
    async def list(self, dataset_id: str) -> Sequence[Document]:
        await self._check_dataset(dataset_id)
        return [await self._document(row) for row in await self._versions.all(dataset_id)]

    async def get(self, version_id: str) -> Document:
        return await self._document(await self._row(version_id, "version_id"))

    async def diff(self, version_id: str, base_id: str | None) -> Document:
        row = await self._row(version_id, "version_id")
        if base_id is None and not row.parent_id:
            raise ControlError("base", f"{version_id!r} has no parent: say which version to compare it with")
        base = await self._versions.get(base_id or row.parent_id)
        if base is None or base.dataset_id != row.dataset_id:
            raise ControlError("base", f"{base_id or row.parent_id!r} is no version of {row.dataset_id!r}")
        before, after = await self.items(base.version_id), await self.items(row.version_id)
        return await asyncio.to_thread(diff_versions, base.version_id, before, row.version_id, after)

    def export(self, version_id: str, format: ExportFormat) -> AbstractAsyncContextManager[Path]:
        return self._exported(version_id, format)

    @contextlib.asynccontextmanager
    async def _exported(self, version_id: str, format: str) -> AsyncIterator[Path]:
        row = await self._row(version_id, "version_id")
        if self._under_way >= EXPORTS_MAX:
            raise Conflict("version_id", f"{EXPORTS_MAX} exports are under way, as many as may: try again later")
        self._under_way += 1
        try:
            exports = self._data_dir / EXPORTS_FOLDER
            await asyncio.to_thread(exports.mkdir, parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryDirectory(dir=exports, prefix="export-") as folder:
                path = Path(folder) / f"{row.dataset_id}-{row.version_id}-{format}.zip"
                await self._write(write_zip, row, format, path)
                yield path
        finally:
            self._under_way -= 1

    async def export_to(self, version_id: str, format: str, folder: Path) -> None:
        """Make ``folder`` with a version in it, for a trainer. Raises NotThere, StoreError, and ValueError where the
        version holds nothing."""
        row = await self._row(version_id, "version_id")
        if not row.items:
            raise ValueError("the version has no images: label some, then make a version of those")
        await self._write(write_folder, row, format, folder)

    async def _write(
        self, write: Callable[[Export, str, Path], object], row: VersionRow, format: str, path: Path
    ) -> None:
        """Write a version out; once more where an image was deleted meanwhile, without it."""
        for is_last in (False, True):
            items = await self.items(row.version_id)
            samples = await self._kept(items) if format == "label_studio" else {}
            export = Export(row, tuple(items), self._data_dir, samples)
            try:
                await asyncio.to_thread(write, export, format, path)
                return
            except ExportError as error:
                if error.reason == "missing" and not is_last:
                    continue
                raise StoreError("full" if error.reason == "full" else "io", str(error)) from error

    @answered
    async def import_labels(
        self, dataset_id: str, format: ImportFormat, document: Mapping[str, Any] | Sequence[Any], by: str
    ) -> Document:
        await self._check_dataset(dataset_id)
        return await self._imports.run(dataset_id, format, document, by)

    async def items(self, version_id: str) -> Sequence[VersionItem]:
        """All items of a version."""
        found: Sequence[VersionItem] = []
        while True:
            page = await self._versions.items(version_id, found[-1].sample_id if found else "", PAGE)
            found = [*found, *page]
            if len(page) < PAGE:
                return found

    async def _labeled(self, dataset_id: str) -> Sequence[Sample]:
        found: Sequence[Sample] = []
        while True:
            page = await self._reader.labeled(dataset_id, found[-1].sample_id if found else "", PAGE)
            found = [*found, *page]
            if len(page) < PAGE:
                return await asyncio.to_thread(_with_checksums, found, self._data_dir)

    async def _kept(self, items: Sequence[VersionItem]) -> dict[str, Sample]:
        """The images of a version with what the model had said: pre-labels for a tool of labelling."""
        found = {}
        for item in items:
            sample = await self._reader.sample(item.sample_id)
            if sample is not None:
                found[item.sample_id] = sample
        return found

    async def _document(self, row: VersionRow) -> Document:
        return version_document(row, await self._versions.deleted(row.version_id))

    async def _row(self, version_id: str, field: str) -> VersionRow:
        row = await self._versions.get(version_id)
        if row is None:
            raise NotThere(field, f"no version of a dataset has the id {version_id!r}")
        return row

    async def _check_dataset(self, dataset_id: str) -> None:
        if await self._datasets.get(dataset_id) is None:
            raise NotThere("dataset_id", f"no dataset has the id {dataset_id!r}")


def _remove_all(folder: Path) -> None:
    for left in folder.glob("*"):
        shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)


def _with_checksums(samples: Sequence[Sample], data_dir: Path) -> Sequence[Sample]:
    """Images that an earlier release kept have none; one whose file is gone is left out."""
    found = []
    for sample in samples:
        if not sample.checksum:
            try:
                sample = replace(sample, checksum=file_checksum(data_dir / sample.path))
            except OSError:
                continue
        found.append(sample)
    return found
