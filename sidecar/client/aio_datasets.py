"""The part of the client for asyncio that is about datasets, their items and versions."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from sidecar.client import calls_datasets
from sidecar.client.calls import Call, Filter
from sidecar.client.calls_datasets import act, dataset_path, decide, document_bytes, events_page, item_path, items_page
from sidecar.client.results import Page, Record

T = TypeVar("T")


class AsyncDatasetMethods(ABC):
    """What ``AsyncClient`` can do about datasets."""

    @abstractmethod
    async def _run(self, call: Call[T]) -> T:
        """Ask, and give what the answer holds."""

    @abstractmethod
    def _pages(
        self, page: Callable[[dict[str, Filter]], Call[Page]], filters: dict[str, Filter]
    ) -> AsyncIterator[Record]:
        """Ask for page after page, and give what they hold."""

    @abstractmethod
    async def _save(self, call: Call[bytes], path: str | PathLike[str]) -> None:
        """Ask, and save what the answer holds."""

    async def create_dataset(self, name: str, dataset_id: str | None = None) -> Record:
        """Make a dataset; its id is made of the name where none is given. Raises InvalidRequest, with status 409 where
        the id is taken."""
        return await self._run(calls_datasets.create_dataset(name, dataset_id))

    async def datasets(self) -> list[Record]:
        """Datasets and what is in them."""
        return await self._run(calls_datasets.datasets())

    async def dataset(self, dataset_id: str) -> Record:
        """One dataset and what is in it. Raises NotFound."""
        return await self._run(calls_datasets.dataset(dataset_id))

    async def get_flagged_items(
        self, dataset_id: str, status: str | None = "needs_review", limit: int = 100, **filters: Filter
    ) -> list[Record]:
        """At most ``limit`` items of a dataset in one status (None: any), those of the highest value first.

        ``filters``: ``queue`` (value or audit), ``reason`` ``model`` ``version`` ``label`` ``claimed_by`` ``since``
        ``until``. Raises NotFound.
        """
        size = calls_datasets.page_limit(limit)
        found: list[Record] = []
        async for item in self.flagged_items(dataset_id, status, limit=size, **filters):
            found.append(item)
            if len(found) == limit:
                break
        return found

    def flagged_items(
        self, dataset_id: str, status: str | None = "needs_review", **filters: Filter
    ) -> AsyncIterator[Record]:
        """The same, all of them, over all pages; ``limit`` is the size of a page."""
        return self._pages(lambda page: items_page(dataset_id, page), {"status": status, **filters})

    async def claim_next_item(
        self, dataset_id: str, by: str, queue: str = "value", lease_s: float = 600
    ) -> Record | None:
        """Claim the next item of a queue (value or audit) for ``by``, for so long; None: there is none. Nobody else is
        given it meanwhile. Raises NotFound."""
        return await self._run(calls_datasets.claim_next_item(dataset_id, by, queue, lease_s))

    async def get_item(self, item_id: str) -> Record:
        """One item; its image is ``sample_image(item_id)``. Raises NotFound."""
        return await self._run(calls_datasets.item(item_id))

    async def claim_item(self, item_id: str, by: str, lease_s: float = 600) -> Record:
        """Claim one by its id; its review is then no part of the audit. Raises NotFound, InvalidRequest."""
        return await self._run(act(item_id, "claim", by=by, lease_s=lease_s))

    async def release_item(self, item_id: str, by: str) -> Record:
        """Give it back unreviewed. Raises NotFound, InvalidRequest."""
        return await self._run(act(item_id, "release", by=by))

    async def label_item(
        self, item_id: str, labels: Iterable[Mapping[str, Any]], by: str, revision: int | None = None
    ) -> Record:
        """Say what is in the image: a ``label`` and a ``box`` (x1, y1, x2, y2 in pixels) each, nothing at all too.

        ``revision`` is the item's, as it was seen: needed to correct what another reviewed. Raises NotFound, and
        InvalidRequest naming what is wrong, with status 409 where another holds it, where another reviewed it and no
        revision is given, or where it is at another.
        """
        return await self._run(calls_datasets.label_item(item_id, labels, by, revision))

    async def confirm_item(self, item_id: str, by: str, revision: int | None = None) -> Record:
        """Say that the prediction is right as it stands; ``revision`` as for ``label_item``. Raises NotFound,
        InvalidRequest."""
        return await self._run(decide(item_id, "confirm", revision, by=by))

    async def reject_item(self, item_id: str, by: str, reason: str = "", revision: int | None = None) -> Record:
        """Put it aside: nothing can be learnt of it; ``revision`` as for ``label_item``. Raises NotFound,
        InvalidRequest."""
        return await self._run(decide(item_id, "reject", revision, by=by, reason=reason))

    async def undo_item(self, item_id: str, by: str) -> Record:
        """Take back one's own last action. Raises NotFound, InvalidRequest."""
        return await self._run(act(item_id, "undo", by=by))

    def item_events(self, item_id: str, **page: Filter) -> AsyncIterator[Record]:
        """Who did what to an item, newest first, over all pages; ``limit`` is the size of a page."""
        path = item_path(item_id)
        return self._pages(lambda filters: events_page(path, filters), page)

    def dataset_events(self, dataset_id: str, **page: Filter) -> AsyncIterator[Record]:
        """Who did what in a dataset, newest first, over all pages; ``limit`` is the size of a page."""
        path = dataset_path(dataset_id)
        return self._pages(lambda filters: events_page(path, filters), page)

    async def delete_item(self, item_id: str, by: str) -> Record:
        """Delete the image for good; returns the item as it was. Raises NotFound, InvalidRequest."""
        return await self._run(calls_datasets.delete_item(item_id, by))

    async def create_dataset_version(
        self, dataset_id: str, parent_version_id: str | None = None, name: str = "", by: str = ""
    ) -> Record:
        """Freeze what is labeled now as a version; the same again gives the same version. Raises NotFound,
        InvalidRequest."""
        return await self._run(calls_datasets.create_dataset_version(dataset_id, parent_version_id, name, by))

    async def dataset_versions(self, dataset_id: str) -> list[Record]:
        """Versions of a dataset, newest first. Raises NotFound."""
        return await self._run(calls_datasets.dataset_versions(dataset_id))

    async def dataset_version(self, version_id: str) -> Record:
        """One version and its counts. Raises NotFound."""
        return await self._run(calls_datasets.dataset_version(version_id))

    async def diff_dataset_versions(self, version_id: str, base: str | None = None) -> Record:
        """What a version adds to, takes from and changes of another, by default its parent. Raises NotFound."""
        return await self._run(calls_datasets.diff_dataset_versions(version_id, base))

    async def export_dataset_version(self, version_id: str, format: str, path: str | PathLike[str]) -> Path:
        """Save a version with its images as a zip file at ``path``, which is there only once it is complete.

        ``format``: coco, yolo, voc, label_studio, fiftyone or cvat. Raises NotFound, InvalidRequest, OSError.
        """
        await self._save(calls_datasets.export_dataset_version(version_id, format), path)
        return Path(path)

    async def import_labels(
        self,
        dataset_id: str,
        format: str,
        path_or_document: str | PathLike[str] | Mapping[str, Any] | Sequence[Any],
        by: str = "",
    ) -> Record:
        """Take labels from a file, or a document, of another tool: how many items were ``labeled``, ``unchanged`` and
        ``unknown``, and the ``faults``. ``format``: coco or label_studio. Raises NotFound, InvalidRequest, OSError."""
        if isinstance(path_or_document, str | PathLike):
            content = await asyncio.to_thread(Path(path_or_document).read_bytes)
        else:
            content = document_bytes(path_or_document)
        return await self._run(calls_datasets.import_labels(dataset_id, format, content, by))
