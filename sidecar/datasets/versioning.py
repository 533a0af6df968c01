"""Making a version of a dataset: all that is labelled at this moment, frozen. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from sidecar.datasets.manifest import content_of, counts_of, version_id_of
from sidecar.datasets.split import DEFAULT_SHARES, Shares, split_items
from sidecar.recording import Sample
from sidecar.recording.loop_rows import VersionItem, VersionRow

VERSION_ITEMS_MAX = 50_000
NAME_CHARS_MAX = 200
FAULTS_MAX = 100


class VersionError(ValueError):
    """No version can be made. ``faults`` has every fault up to FAULTS_MAX, each beginning with what it is of."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


def make_version(
    items: Sequence[Sample],
    dataset_id: str,
    parent_id: str,
    name: str,
    author: str,
    now: float,
    shares: Shares = DEFAULT_SHARES,
) -> tuple[VersionRow, list[VersionItem], dict[str, str]]:
    """The version of the labelled among ``items``, its items by sample id, and the split of each, to be kept.

    The same items, dataset, parent and name give the same version id and content, at whatever time. Raises VersionError
    where there are more than VERSION_ITEMS_MAX, or where an item can't be frozen. Where nothing is labelled yet the
    version is empty: it says so, and nobody can train on it.
    """
    labeled = sorted((item for item in items if item.status == "labeled"), key=lambda item: item.sample_id)
    faults = list(_faults(labeled, dataset_id, name))
    if faults:
        more = [f"and {len(faults) - FAULTS_MAX} faults more"] if len(faults) > FAULTS_MAX else []
        raise VersionError([*faults[:FAULTS_MAX], *more])
    splits = split_items(labeled, shares)
    frozen = [_frozen(item, splits.of[item.sample_id], "") for item in labeled]
    content = content_of(frozen)
    version_id = version_id_of(dataset_id, parent_id, name, content)
    frozen = [_frozen(item, splits.of[item.sample_id], version_id) for item in labeled]
    groups = {"groups": splits.groups, "largest": splits.largest, "conflicts": splits.conflicts}
    counts = {**counts_of(frozen), "groups": groups}
    row = VersionRow(version_id, dataset_id, parent_id, name, author, now, content, len(frozen), counts)
    return row, frozen, splits.of


def _frozen(item: Sample, split: str, version_id: str) -> VersionItem:
    return VersionItem(
        version_id=version_id,
        sample_id=item.sample_id,
        split=split,
        checksum=item.checksum,
        labels=item.labels or (),
        media_type=item.media_type,
        path=item.path,
        bytes=item.bytes,
        width=item.width,
        height=item.height,
    )


def _faults(labeled: Sequence[Sample], dataset_id: str, name: str) -> Iterator[str]:
    if len(name) > NAME_CHARS_MAX:
        yield f"name: at most {NAME_CHARS_MAX} characters, not {len(name)}"
    if not _is_text(name):
        yield "name: must be text that UTF-8 can hold"
    if len(labeled) > VERSION_ITEMS_MAX:
        yield f"items: a version holds at most {VERSION_ITEMS_MAX}, {len(labeled)} are labeled"
    for item in labeled:
        at = f"items.{item.sample_id}"
        if item.dataset_id not in ("", dataset_id):
            yield f"{at}.dataset_id: is of the dataset {item.dataset_id!r}, not of {dataset_id!r}"
        if not item.checksum:
            yield f"{at}.checksum: must be the SHA-256 of the image, it is not known"
        if item.labels is None:
            yield f"{at}.labels: a labeled item has labels, be it none"
        for place, one in enumerate(item.labels or ()):
            if not _is_text(one.label):
                yield f"{at}.labels[{place}].label: must be text that UTF-8 can hold"
            if not all(map(math.isfinite, one.box)):
                yield f"{at}.labels[{place}].box: must be four numbers, not {one.box}"


def _is_text(text: str) -> bool:
    """Without halves of surrogate pairs, which JSON may smuggle in and no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
