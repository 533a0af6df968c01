"""Versions: the same labels are the same version, and what changed between two."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.datasets import VERSION_ITEMS_MAX, VersionError, diff_versions, make_version, version_document
from sidecar.datasets.diff import EXAMPLES_MAX
from sidecar.datasets.manifest import manifest_lines
from sidecar.recording import Sample
from sidecar.recording.loop_rows import VersionItem, VersionRow
from tests.datasets.making import HOSTILE, item, label

CAT, DOG = label("cat", 1, 2, 30, 40), label("dog", 5, 5, 9, 9)


def _make(items: Sequence[Sample], **known: str) -> tuple[VersionRow, list[VersionItem]]:
    told = {"dataset_id": "d", "parent_id": "", "name": "first", "author": "ada", **known}
    row, frozen, splits = make_version(items, **told, now=5.0)
    assert splits == {one.sample_id: one.split for one in frozen}
    return row, frozen


def test_only_what_is_labeled_is_frozen_in_the_order_of_ids() -> None:
    """Items that wait, are under review or were rejected are not in a version."""
    waiting = [item("w", None), item("r", (), status="rejected"), item("i", None, status="in_review")]
    row, frozen = _make([item("b", [CAT]), *waiting, item("a", [])])
    assert [one.sample_id for one in frozen] == ["a", "b"]
    assert row.items == 2
    assert {one.version_id for one in frozen} == {row.version_id}


@given(st.permutations([item("a", [CAT]), item("b", [CAT, DOG]), item("c", [])]))
def test_the_same_items_are_the_same_version_whenever_it_is_made(items: list[Sample]) -> None:
    """Order, author and time are no part of what a version is."""
    first = make_version([item("a", [CAT]), item("b", [CAT, DOG]), item("c", [])], "d", "", "n", "ada", 1.0)[0]
    again = make_version(items, "d", "", "n", "bob", 9.0)[0]
    assert (again.version_id, again.content) == (first.version_id, first.content)
    assert len(first.version_id) == 16


@pytest.mark.parametrize("change", [{"name": "second"}, {"parent_id": "0" * 16}, {"dataset_id": "e"}])
def test_another_name_parent_or_dataset_is_another_version_of_the_same_content(change: dict[str, str]) -> None:
    """Content says what is in it, the id also what it is called and comes from."""
    items = [item("a", [CAT], dataset_id="")]
    first, other = _make(items)[0], _make(items, **change)[0]
    assert first.content == other.content
    assert first.version_id != other.version_id


@pytest.mark.parametrize(
    "change",
    [
        {"labels": (DOG,)},
        {"labels": ()},
        {"labels": (label("cat", 1, 2, 30, 40.01),)},
        {"checksum": "ff"},
        {"split": "test"},
        {"sample_id": "b"},
    ],
)
def test_any_change_of_what_it_holds_is_another_content(change: dict[str, Any]) -> None:
    """Labels, image, split and id are all in the hash."""
    one = item("a", [CAT], split="train")
    assert _make([one])[0].content != _make([replace(one, **change)])[0].content


def test_content_is_the_hash_of_the_manifest_as_anybody_can_check() -> None:
    """SHA-256 over lines of canonical JSON; hostile names of classes are text in it."""
    row, frozen = _make([item("s", [label(name, 1, 2, 3, 4) for name in HOSTILE])])
    text = b"".join(manifest_lines(frozen))
    assert row.content == hashlib.sha256(text).hexdigest()
    assert text.count(b"\n") == 1
    line = orjson.loads(text)
    assert list(line) == sorted(line)
    assert [one["label"] for one in line["labels"]] == list(HOSTILE)


def test_counts_are_of_boxes_images_and_splits() -> None:
    """Boxes and images of each class, images and boxes of each split."""
    row, _ = _make(
        [
            item("a", [CAT, CAT, DOG], split="train", bytes=10),
            item("b", [CAT], split="val", bytes=20),
            item("c", [], split="test", bytes=30),
        ]
    )
    assert row.counts == {
        "boxes": 4,
        "classes": {"cat": {"boxes": 3, "images": 2}, "dog": {"boxes": 1, "images": 1}},
        "splits": {
            "train": {"images": 1, "boxes": 3, "classes": {"cat": 2, "dog": 1}},
            "val": {"images": 1, "boxes": 1, "classes": {"cat": 1}},
            "test": {"images": 1, "boxes": 0, "classes": {}},
        },
        "deleted": 0,
        "bytes": 60,
        "groups": {"groups": 3, "largest": 1, "conflicts": 0},
    }
    document = version_document(row, deleted=2)
    assert (document["bytes"], document["items"], document["counts"]["deleted"]) == (60, 3, 2)
    assert document["parent_id"] is None
    assert "bytes" not in document["counts"]


def test_what_can_not_be_frozen_is_told_all_at_once() -> None:
    """Every fault names its item and field."""
    broken = [
        item("a", [CAT], checksum=""),
        item("b", [label("cat", 1, 2, float("nan"), 4)]),
        item("c", [label("\ud800", 1, 2, 3, 4)]),
        item("e", [], dataset_id="other"),
        item("f", None, status="labeled"),
    ]
    with pytest.raises(VersionError) as caught:
        make_version(broken, "d", "", "n" * 201, "ada", 1.0)
    assert [fault.partition(": ")[0] for fault in caught.value.faults] == [
        "name",
        "items.a.checksum",
        "items.b.labels[0].box",
        "items.c.labels[0].label",
        "items.e.dataset_id",
        "items.f.labels",
    ]


def test_nothing_labeled_is_an_empty_version_and_too_much_is_refused() -> None:
    """What is not labeled is left out, be it all; a version holds no more than its bound."""
    row, items = _make([item("a", None)])
    assert (row.items, items) == (0, [])
    one = item("a", [])
    with pytest.raises(VersionError, match="at most 50000, 50001 are labeled"):
        _make([replace(one, sample_id=f"s{number}") for number in range(VERSION_ITEMS_MAX + 1)])


def test_diff_tells_what_came_went_and_was_labeled_anew() -> None:
    """The order of labels is no change; classes count boxes on both sides."""
    _, base = _make([item("a", [CAT]), item("b", [CAT, DOG]), item("c", [CAT])])
    _, now = _make([item("b", [DOG, CAT]), item("c", [DOG]), item("d", [label("fox", 1, 1, 2, 2)])])
    assert diff_versions("v1", base, "v2", now) == {
        "base_id": "v1",
        "id": "v2",
        "added": 1,
        "removed": 1,
        "relabeled": 1,
        "examples": {"added": ["d"], "removed": ["a"], "relabeled": ["c"]},
        "classes": {
            "cat": {"before": 3, "after": 1},
            "dog": {"before": 1, "after": 2},
            "fox": {"before": 0, "after": 1},
        },
    }


def test_diff_lists_some_and_counts_all() -> None:
    """A diff of large versions stays small."""
    _, now = _make([item(f"s{number:03}", []) for number in range(150)])
    found = diff_versions("", [], "v", now)
    assert found["added"] == 150
    assert found["examples"]["added"] == [f"s{number:03}" for number in range(EXAMPLES_MAX)]


def test_a_version_says_why_it_may_not_do_for_training() -> None:
    """Nothing in it; a split without an image; one group that is over half of it. Else it has no warnings."""
    hour = [item(f"h{n}", [CAT], unit="door", split="train") for n in range(6)]
    rest = [item(f"r{n}", [CAT], split=split) for n, split in enumerate(["val", "test", "train"])]

    def warnings(items: Sequence[Sample]) -> list[str]:
        found: list[str] = version_document(_make(items)[0])["warnings"]
        return found

    assert [text.partition(":")[0] for text in warnings([])] == ["There are no images"]
    empty, group = warnings(hour)
    assert empty.startswith("No image is in val or test: ")
    assert group.startswith("6 of 6 images are one group")
    assert [text[:30] for text in warnings([*hour, *rest])] == ["6 of 9 images are one group, o"]
    assert warnings([*hour[:3], *rest]) == []
