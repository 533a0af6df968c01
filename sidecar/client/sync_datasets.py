"""The part of the client for ordinary code that is about datasets, their items and versions.

Made of aio_datasets.py by tests/client/unasync.py: change that, not this.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from sidecar.client import calls_datasets
from sidecar.client.calls import Filter, Moment
from sidecar.client.calls_datasets import act, dataset_path, decide, document_bytes, events_page, item_path, items_page
from sidecar.client.pages import Pages
from sidecar.client.records import Dataset, DatasetVersion, Item, ItemEvent, LabelImport, VersionDiff
from sidecar.client.results import Records
from sidecar.client.saving import Progress
from sidecar.client.sync_asking import Asking


class DatasetMethods(Asking):
    """What ``Client`` can do about datasets."""

    def create_dataset(self, name: str, dataset_id: str | None = None) -> Dataset:
        """Make a dataset; its id is made of the name where none is given. Raises InvalidRequest, Conflict where
        the id is taken."""
        return self._run(calls_datasets.create_dataset(name, dataset_id))

    def datasets(self) -> Records[Dataset]:
        """Datasets and what is in them."""
        return self._run(calls_datasets.datasets())

    def dataset(self, dataset_id: str) -> Dataset:
        """One dataset and what is in it. Raises NotFound."""
        return self._run(calls_datasets.dataset(dataset_id))

    def get_flagged_items(
        self,
        dataset_id: str,
        status: str | None = "needs_review",
        limit: int = 100,
        queue: str | None = None,
        reason: str | None = None,
        model: str | None = None,
        version: str | None = None,
        label: str | None = None,
        claimed_by: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        split: str | None = None,
    ) -> Records[Item]:
        """At most ``limit`` items of a dataset in one status (None: any), those of the highest value first, that all
        filters hold for. ``queue`` is value or audit, ``label`` a class that the image has, ``split`` train, val or
        test. Raises NotFound."""
        size = calls_datasets.page_limit(limit)
        others = (queue, reason, model, version, label, claimed_by, since, until, split)
        return self.flagged_items(dataset_id, status, size, *others).take(limit)

    def flagged_items(
        self,
        dataset_id: str,
        status: str | None = "needs_review",
        limit: int | None = None,
        queue: str | None = None,
        reason: str | None = None,
        model: str | None = None,
        version: str | None = None,
        label: str | None = None,
        claimed_by: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        split: str | None = None,
    ) -> Pages[Item]:
        """The same, all of them, over all pages; ``limit`` is the size of a page."""
        filters: dict[str, Filter] = {
            "status": status,
            "limit": limit,
            "queue": queue,
            "reason": reason,
            "model": model,
            "version": version,
            "label": label,
            "claimed_by": claimed_by,
            "since": since,
            "until": until,
            "split": split,
        }
        return self._pages(lambda page: items_page(dataset_id, page), filters)

    def claim_next_item(self, dataset_id: str, by: str, queue: str = "value", lease_s: float = 600) -> Item | None:
        """Claim the next item of a queue (value or audit) for ``by``, for so long; None: there is none. Nobody else is
        given it meanwhile. Raises NotFound."""
        return self._run(calls_datasets.claim_next_item(dataset_id, by, queue, lease_s))

    def get_item(self, item_id: str) -> Item:
        """One item; its image is ``sample_image(item_id)``. Raises NotFound."""
        return self._run(calls_datasets.item(item_id))

    def claim_item(self, item_id: str, by: str, lease_s: float = 600) -> Item:
        """Claim one by its id; its review is then no part of the audit. Raises NotFound, InvalidRequest."""
        return self._run(act(item_id, "claim", by=by, lease_s=lease_s))

    def release_item(self, item_id: str, by: str) -> Item:
        """Give it back unreviewed. Raises NotFound, InvalidRequest."""
        return self._run(act(item_id, "release", by=by))

    def label_item(
        self, item_id: str, labels: Iterable[Mapping[str, Any]], by: str, revision: int | None = None
    ) -> Item:
        """Say what is in the image: a ``label`` and a ``box`` (x1, y1, x2, y2 in pixels) each, nothing at all too.

        ``revision`` is the item's, as it was seen: needed to correct what another reviewed. Raises NotFound,
        InvalidRequest naming what is wrong, and Conflict where another holds it, where another reviewed it and no
        revision is given, or where it is at another.
        """
        return self._run(calls_datasets.label_item(item_id, labels, by, revision))

    def confirm_item(self, item_id: str, by: str, revision: int | None = None) -> Item:
        """Say that the prediction is right as it stands; ``revision`` as for ``label_item``. Raises NotFound,
        InvalidRequest."""
        return self._run(decide(item_id, "confirm", revision, by=by))

    def reject_item(self, item_id: str, by: str, reason: str = "", revision: int | None = None) -> Item:
        """Put it aside: nothing can be learnt of it; ``revision`` as for ``label_item``. Raises NotFound,
        InvalidRequest."""
        return self._run(decide(item_id, "reject", revision, by=by, reason=reason))

    def undo_item(self, item_id: str, by: str) -> Item:
        """Take back one's own last action. Raises NotFound, InvalidRequest."""
        return self._run(act(item_id, "undo", by=by))

    def item_events(self, item_id: str, limit: int | None = None) -> Pages[ItemEvent]:
        """Who did what to an item, newest first, over all pages; ``limit`` is the size of a page."""
        path = item_path(item_id)
        return self._pages(lambda filters: events_page(path, filters), {"limit": limit})

    def dataset_events(self, dataset_id: str, limit: int | None = None) -> Pages[ItemEvent]:
        """Who did what in a dataset, newest first, over all pages; ``limit`` is the size of a page."""
        path = dataset_path(dataset_id)
        return self._pages(lambda filters: events_page(path, filters), {"limit": limit})

    def delete_item(self, item_id: str, by: str) -> Item:
        """Delete the image for good; returns the item as it was. Raises NotFound, InvalidRequest."""
        return self._run(calls_datasets.delete_item(item_id, by))

    def create_dataset_version(
        self, dataset_id: str, parent_version_id: str | None = None, name: str = "", by: str = ""
    ) -> DatasetVersion:
        """Freeze what is labeled now as a version; the same again gives the same version. Raises NotFound,
        InvalidRequest."""
        return self._run(calls_datasets.create_dataset_version(dataset_id, parent_version_id, name, by))

    def dataset_versions(self, dataset_id: str) -> Records[DatasetVersion]:
        """Versions of a dataset, newest first. Raises NotFound."""
        return self._run(calls_datasets.dataset_versions(dataset_id))

    def dataset_version(self, version_id: str) -> DatasetVersion:
        """One version and its counts. Raises NotFound."""
        return self._run(calls_datasets.dataset_version(version_id))

    def diff_dataset_versions(self, version_id: str, base: str | None = None) -> VersionDiff:
        """What a version adds to, takes from and changes of another, by default its parent. Raises NotFound."""
        return self._run(calls_datasets.diff_dataset_versions(version_id, base))

    def export_dataset_version(
        self, version_id: str, format: str, path: str | PathLike[str], progress: Progress | None = None
    ) -> Path:
        """Save a version with its images as a zip file at ``path``, which is there only once it is complete.

        ``format``: coco, yolo, voc, label_studio, fiftyone or cvat. ``progress`` is called as the file grows, with how
        many bytes of it there are. Raises NotFound, InvalidRequest, OSError.
        """
        self._save(calls_datasets.export_dataset_version(version_id, format), path, progress)
        return Path(path)

    def import_labels(
        self,
        dataset_id: str,
        format: str,
        path_or_document: str | PathLike[str] | Mapping[str, Any] | Sequence[Any],
        by: str = "",
    ) -> LabelImport:
        """Take labels from a file, or a document, of another tool: how many items were ``labeled``, ``unchanged`` and
        ``unknown``, and the ``faults``. ``format``: coco or label_studio. Raises NotFound, InvalidRequest, OSError."""
        if isinstance(path_or_document, str | PathLike):
            content = Path(path_or_document).read_bytes()
        else:
            content = document_bytes(path_or_document)
        return self._run(calls_datasets.import_labels(dataset_id, format, content, by))
