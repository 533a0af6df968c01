"""Records of datasets.

Made by tests/client/generate_records.py: change the API's types and make it anew.
"""

from __future__ import annotations

from typing import Literal

from sidecar.client.results import ByName, Record, Records, Time


class AuditCounts(Record):
    """Items that the random sample drew: all, those that wait for a review, and those reviewed in the audit."""

    sampled: int
    waiting: int
    reviewed: int


class Dataset(Record):
    """A dataset. ``origin`` auto: it was made for a model's first image. ``classes`` are boxes in labels; ``bytes`` are
    of its images."""

    id: str
    name: str
    created_at: Time
    origin: Literal["person", "auto"]
    # and by its key alone: ["items"], int
    by_status: ByName[int]
    audit: AuditCounts
    classes: ByName[int]
    versions: int
    bytes: int


class ClassCounts(Record):
    """Boxes of a class, and images that have one."""

    boxes: int
    images: int


class SplitCounts(Record):
    """What is in a split; ``classes`` are boxes by class, null of a version that an earlier release made."""

    images: int
    boxes: int
    classes: ByName[int] | None


class SplitGroups(Record):
    """Images that belong together were put into the same split: how many such ``groups``, how many images the
    ``largest`` has, and how many held images of several splits before (``conflicts``)."""

    groups: int
    largest: int
    conflicts: int


class VersionCounts(Record):
    """What is in a version; ``deleted`` are images that went since, of which checksum and labels stay."""

    boxes: int
    classes: ByName[ClassCounts]
    splits: ByName[SplitCounts]
    groups: SplitGroups
    deleted: int


class DatasetVersion(Record):
    """A version, which never changes. ``content`` is the SHA-256 of its manifest's items. ``warnings`` says why it may
    not do for training, in sentences."""

    id: str
    dataset_id: str
    parent_id: str | None
    name: str
    by: str
    created_at: Time
    content: str
    # and by its key alone: ["items"], int
    bytes: int
    counts: VersionCounts
    warnings: list[str]


class DiffExamples(Record):
    """Ids of items, the first 100 of each."""

    added: list[str]
    removed: list[str]
    relabeled: list[str]


class ClassChange(Record):
    """Boxes of a class."""

    before: int
    after: int


class VersionDiff(Record):
    """What changed from ``base_id`` to ``id``, in items."""

    base_id: str
    id: str
    added: int
    removed: int
    relabeled: int
    examples: DiffExamples
    classes: ByName[ClassChange]


class ImportFault(Record):
    """What was wrong with a part of the document; ``field`` is its path."""

    field: str
    message: str


class LabelImport(Record):
    """Items that were labeled, that had these labels already, and that are none of the dataset's; the first faults."""

    labeled: int
    unchanged: int
    unknown: int
    faults: Records[ImportFault]
