"""Datasets: versions that never change, their splits, exports for trainers and labelling tools, labels read back.

What it is for: reviewed images become a version that can be named, compared, handed to a trainer and reproduced.

Key functions: ``make_version`` freezes what is labelled, ``diff_versions`` tells two apart, ``write_zip`` and
``write_folder`` export one in any of ``FORMATS``, ``read_labels`` reads what people labelled elsewhere, ``tasks_of``
hands a queue to Label Studio.

Invariants:

- Near-duplicates, and what one unit saw in an hour, are in one split; an item's split never changes.
- The same items under the same name and parent are the same version, whoever makes it and when. Images that were
  deleted since leave their checksum.
- Names in archives come from sample ids alone, never from classes or what a client sent.
- An export is on the disk whole or not at all, and what is in it decides its bytes: no clock, no order of a set.
"""

from sidecar.datasets.archive import ExportError, Written, file_checksum, write_folder, write_zip
from sidecar.datasets.diff import diff_versions
from sidecar.datasets.export import Export, image_name
from sidecar.datasets.formats import FORMATS, Format, UnknownFormat, format_of, tasks_of
from sidecar.datasets.imports import READERS, Fault, Imported, read_labels
from sidecar.datasets.manifest import version_document
from sidecar.datasets.split import Shares, Splits, split_items
from sidecar.datasets.versioning import VERSION_ITEMS_MAX, VersionError, make_version

__all__ = [
    "FORMATS",
    "READERS",
    "VERSION_ITEMS_MAX",
    "Export",
    "ExportError",
    "Fault",
    "Format",
    "Imported",
    "Shares",
    "Splits",
    "UnknownFormat",
    "VersionError",
    "Written",
    "diff_versions",
    "file_checksum",
    "format_of",
    "image_name",
    "make_version",
    "read_labels",
    "split_items",
    "tasks_of",
    "version_document",
    "write_folder",
    "write_zip",
]
