"""What the API takes and gives about datasets, their versions and labels from elsewhere."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, RootModel

from sidecar.api.datasets import ExportFormat, ImportFormat
from sidecar.api.review import ItemStatus
from sidecar.api.schemas import Body, Line, Name, Out, Query, Text
from sidecar.api.schemas_data_engines import DatasetId

LABELS_BYTES_MAX = 64 * 1024 * 1024
VersionId = Annotated[Text, Field(min_length=1)]


class DatasetBody(Body):
    """A dataset; without ``id`` it is made of the name."""

    name: Name
    id: DatasetId | None = None


class VersionBody(Body):
    """What a new version is called, and which it follows."""

    name: Line = ""
    parent_version_id: VersionId | None = None
    by: Line = ""


class DiffQuery(Query):
    """The version to compare with; by default the parent."""

    base: VersionId | None = None


class ExportQuery(Query):
    """In which form."""

    format: ExportFormat


class LabelsQuery(Query):
    """In which form the labels are, and whose they are."""

    format: ImportFormat
    by: Line = ""


def _list_or_object(value: object) -> object:
    if not isinstance(value, dict | list):
        raise ValueError("must be an object or a list")
    return value


class LabelsBody(RootModel[Annotated[dict[str, Any] | list[Any], BeforeValidator(_list_or_object)]]):
    """A document of another tool: a COCO file, or Label Studio's export in JSON."""


class AuditCounts(Out):
    """Items that the random sample drew: all, those that wait for a review, and those reviewed in the audit."""

    sampled: int
    waiting: int
    reviewed: int


class Dataset(Out):
    """A dataset. ``origin`` auto: it was made for a model's first image. ``classes`` are boxes in labels; ``bytes`` are
    of its images."""

    id: str
    name: str
    created_at: float
    origin: Literal["person", "auto"]
    items: int
    by_status: dict[ItemStatus, int]
    audit: AuditCounts
    classes: dict[str, int]
    versions: int
    bytes: int


class DatasetsOut(Out):
    """Datasets, by id."""

    items: list[Dataset]


class ClassCounts(Out):
    """Boxes of a class, and images that have one."""

    boxes: int
    images: int


class SplitCounts(Out):
    """What is in a split; ``classes`` are boxes by class, null of a version that an earlier release made."""

    images: int
    boxes: int
    classes: dict[str, int] | None


class SplitGroups(Out):
    """Images that belong together were put into the same split: how many such ``groups``, how many images the
    ``largest`` has, and how many held images of several splits before (``conflicts``)."""

    groups: int
    largest: int
    conflicts: int


class VersionCounts(Out):
    """What is in a version; ``deleted`` are images that went since, of which checksum and labels stay."""

    boxes: int
    classes: dict[str, ClassCounts]
    splits: dict[str, SplitCounts]
    groups: SplitGroups
    deleted: int


class DatasetVersion(Out):
    """A version, which never changes. ``content`` is the SHA-256 of its manifest's items. ``warnings`` says why it may
    not do for training, in sentences."""

    id: str
    dataset_id: str
    parent_id: str | None
    name: str
    by: str
    created_at: float
    content: str
    items: int
    bytes: int
    counts: VersionCounts
    warnings: list[str]


class DatasetVersionsOut(Out):
    """Versions, newest first."""

    items: list[DatasetVersion]


class DiffExamples(Out):
    """Ids of items, the first 100 of each."""

    added: list[str]
    removed: list[str]
    relabeled: list[str]


class ClassChange(Out):
    """Boxes of a class."""

    before: int
    after: int


class VersionDiff(Out):
    """What changed from ``base_id`` to ``id``, in items."""

    base_id: str
    id: str
    added: int
    removed: int
    relabeled: int
    examples: DiffExamples
    classes: dict[str, ClassChange]


class ImportFault(Out):
    """What was wrong with a part of the document; ``field`` is its path."""

    field: str
    message: str


class LabelImport(Out):
    """Items that were labeled, that had these labels already, and that are none of the dataset's; the first faults."""

    labeled: int
    unchanged: int
    unknown: int
    faults: list[ImportFault]
