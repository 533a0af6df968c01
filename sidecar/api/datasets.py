"""What the API asks about versions of datasets, their export and labels that come back, as one Protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Literal, Protocol

from sidecar.api.watch import Document

ExportFormat = Literal["coco", "yolo", "voc", "label_studio", "fiftyone", "cvat"]
ImportFormat = Literal["coco", "label_studio"]


class DatasetVersions(Protocol):
    """Versions of datasets. Arguments have their types and bounds; whether they make sense is judged here.

    Every method raises ControlError for arguments that can't be (422; ``ControlError.of`` for several faults), its
    kinds NotThere with field ``dataset_id`` or ``version_id`` for an id that nothing has (404) and Conflict (409), and
    StoreError where the store can't (503). Documents are of the shapes in ``schemas_datasets``.
    """

    async def create(self, dataset_id: str, parent_version_id: str | None, name: str, by: str) -> Document:
        """Freeze the labeled items of a dataset; the DatasetVersion. The same again gives the same version.

        Raises NotThere with field ``dataset_id``; ControlError with field ``parent_version_id`` where the dataset has
        no such version; Conflict with field ``items`` where too much is labeled for one.
        """
        ...

    async def list(self, dataset_id: str) -> Sequence[Document]:
        """The DatasetVersions of a dataset, newest first. Raises NotThere."""
        ...

    async def get(self, version_id: str) -> Document:
        """One DatasetVersion. Raises NotThere."""
        ...

    async def diff(self, version_id: str, base_id: str | None) -> Document:
        """A VersionDiff from ``base_id`` (None: its parent) to it. Raises NotThere; ControlError with field ``base``
        where that is none, of another dataset, or None where it has no parent."""
        ...

    def export(self, version_id: str, format: ExportFormat) -> AbstractAsyncContextManager[Path]:
        """A finished zip file of the version, which is gone when the block ends; it is sent from within the block,
        which may take as long as the asker takes to read it.

        Entering raises NotThere; Conflict with field ``version_id`` where too many exports are under way.
        """
        ...

    async def import_labels(
        self, dataset_id: str, format: ImportFormat, document: Mapping[str, Any] | Sequence[Any], by: str
    ) -> Document:
        """Take labels from a document of another tool, as it came; a LabelImport. What has a fault is left out,
        the rest is taken.

        Raises NotThere; ControlError with field ``body`` where the document is not of that format.
        """
        ...
