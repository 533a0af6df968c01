"""What changed from one version of a dataset to another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from sidecar.recording.loop_rows import VersionItem

EXAMPLES_MAX = 100
"""Sample ids that are listed of each kind of change; the counts are of all."""


def diff_versions(
    base_id: str, base: Iterable[VersionItem], version_id: str, items: Iterable[VersionItem]
) -> dict[str, Any]:
    """The VersionDiff document from ``base`` to ``items``: items added, removed and relabeled, and boxes of each class.

    The order of an item's labels says nothing. ``classes`` has every class of either version.
    """
    before = {item.sample_id: item for item in base}
    after = {item.sample_id: item for item in items}
    changes = {
        "added": sorted(after.keys() - before.keys()),
        "removed": sorted(before.keys() - after.keys()),
        "relabeled": sorted(
            sample_id
            for sample_id in before.keys() & after.keys()
            if _said(before[sample_id]) != _said(after[sample_id])
        ),
    }
    boxes = _boxes(before), _boxes(after)
    return {
        "base_id": base_id,
        "id": version_id,
        **{name: len(ids) for name, ids in changes.items()},
        "examples": {name: ids[:EXAMPLES_MAX] for name, ids in changes.items()},
        "classes": {
            name: {"before": boxes[0][name], "after": boxes[1][name]} for name in sorted(boxes[0].keys() | boxes[1])
        },
    }


def _said(item: VersionItem) -> Counter[tuple[Any, ...]]:
    return Counter((one.label, *map(float, one.box)) for one in item.labels)


def _boxes(items: Mapping[str, VersionItem]) -> Counter[str]:
    return Counter(one.label for item in items.values() for one in item.labels)
