"""What a version holds, as text that never changes: its items' lines, their hash, its id, its counts."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from sidecar.recording.loop_rows import VersionItem, VersionRow
from sidecar.types import Label

ID_CHARS = 16
"""Hexadecimal digits of a version's id."""


def manifest_line(item: VersionItem) -> bytes:
    """The item as one line of canonical JSON: keys in order, no blanks, numbers as short as they read back the same.

    >>> manifest_line(VersionItem("v", "s1", "train", "ab", (Label("cat", (1, 2, 3.5, 4)),), "image/png", "a", 9, 4, 3))
    b'{"checksum":"ab","labels":[{"box":[1.0,2.0,3.5,4.0],"label":"cat"}],"sample_id":"s1","split":"train"}\\n'
    """
    document = {
        "sample_id": item.sample_id,
        "checksum": item.checksum,
        "split": item.split,
        "labels": label_documents(item.labels),
    }
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def label_documents(labels: Iterable[Label]) -> list[dict[str, Any]]:
    """The labels as JSON has them everywhere: ``label``, and ``box`` as four floats."""
    return [{"label": one.label, "box": [float(side) + 0.0 for side in one.box]} for one in labels]


def manifest_lines(items: Iterable[VersionItem]) -> Iterator[bytes]:
    """The lines of ``manifest.jsonl``, by sample id. What was deleted since has its line still."""
    return (manifest_line(item) for item in sorted(items, key=lambda item: item.sample_id))


def content_of(items: Iterable[VersionItem]) -> str:
    """The SHA-256 of the manifest's lines, in hex: what ``sha256sum manifest.jsonl`` prints."""
    found = hashlib.sha256()
    for line in manifest_lines(items):
        found.update(line)
    return found.hexdigest()


def version_id_of(dataset_id: str, parent_id: str, name: str, content: str) -> str:
    """The id of a version: the same content under the same name and parent is the same version.

    >>> len(version_id_of("d", "", "first", "ab"))
    16
    """
    words = "\0".join((dataset_id, parent_id, name, content))
    return hashlib.sha256(words.encode("utf-8", "surrogateescape")).hexdigest()[:ID_CHARS]


def counts_of(items: Iterable[VersionItem]) -> dict[str, Any]:
    """Boxes, boxes and images of each class, images and boxes of each split and its boxes by class, images deleted
    since, bytes of images."""
    classes: dict[str, dict[str, int]] = defaultdict(lambda: {"boxes": 0, "images": 0})
    splits: dict[str, dict[str, Any]] = {name: {"images": 0, "boxes": 0} for name in ("train", "val", "test")}
    of_split: dict[str, Counter[str]] = {name: Counter() for name in splits}
    boxes = deleted = size = 0
    for item in items:
        for one in item.labels:
            classes[one.label]["boxes"] += 1
        for name in {one.label for one in item.labels}:
            classes[name]["images"] += 1
        splits[item.split]["images"] += 1
        splits[item.split]["boxes"] += len(item.labels)
        of_split[item.split].update(one.label for one in item.labels)
        boxes += len(item.labels)
        deleted += item.deleted_at is not None
        size += item.bytes
    for name, found in of_split.items():
        splits[name]["classes"] = dict(sorted(found.items()))
    return {
        "boxes": boxes,
        "classes": dict(sorted(classes.items())),
        "splits": splits,
        "deleted": deleted,
        "bytes": size,
    }


def version_document(row: VersionRow, deleted: int | None = None) -> dict[str, Any]:
    """The version as the API gives it. ``deleted`` is how many of its images are gone by now, where it is known."""
    counts = {name: value for name, value in row.counts.items() if name != "bytes"}
    counts["splits"] = {name: {"classes": None, **split} for name, split in counts.get("splits", {}).items()}
    if deleted is not None:
        counts["deleted"] = deleted
    return {
        "id": row.version_id,
        "dataset_id": row.dataset_id,
        "parent_id": row.parent_id or None,
        "name": row.name,
        "by": row.author,
        "created_at": row.created_at,
        "content": row.content,
        "items": row.items,
        "bytes": row.counts.get("bytes", 0),
        "counts": counts,
        "warnings": list(_warnings(row)),
    }


def _warnings(row: VersionRow) -> Iterator[str]:
    """Why a version may not do for training, as it was made."""
    if not row.items:
        yield "There are no images: nothing was labeled."
        return
    splits = row.counts.get("splits", {})
    empty = [name for name in ("train", "val", "test") if not splits.get(name, {}).get("images")]
    if empty:
        yield f"No image is in {' or '.join(empty)}: there are too few groups, of which each goes to one split."
    largest = row.counts.get("groups", {}).get("largest", 0)
    if 2 * largest > row.items > 1:
        yield (
            f"{largest:,} of {row.items:,} images are one group, of one unit's hour or near-duplicates: shares of the "
            "splits are far from those wanted."
        )


def checksum_lines(sums: Iterable[tuple[str, str]]) -> Iterator[bytes]:
    """The lines of ``SHA256SUMS`` as ``sha256sum --check`` reads them, from (name in the archive, SHA-256 in hex)."""
    return (f"{digest}  {name}\n".encode() for name, digest in sums)
