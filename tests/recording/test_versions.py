from dataclasses import replace

import pytest

from sidecar.recording import Full, Reader, Store, VersionItem, VersionRow, Versions
from sidecar.types import Label

ROW = VersionRow("v1", "det", "", "first", "ann", 5.0, "ab", 2, {"boxes": 3, "classes": {"car": {"boxes": 3}}})
CAR = Label("car", (1.0, 2.0, 30.0, 40.5))


def item(name: str, split: str = "train", version_id: str = "v1") -> VersionItem:
    return VersionItem(version_id, name, split, f"sha-{name}", (CAR,), "image/jpeg", f"samples/{name}.jpg", 9, 4, 3)


@pytest.fixture
def versions(store: Store) -> Versions:
    return Versions(store)


async def test_version_comes_back_with_its_items_by_id(versions: Versions, keep, commits: list[str]) -> None:
    """Page by page, in one transaction that a power cut does not lose."""
    for name in ("c", "a", "b"):
        await keep(name)
    commits.clear()
    assert await versions.add(ROW, [item(name) for name in ("c", "a", "b")], {})
    assert commits == ["FULL"]
    assert (await versions.get("v1"), await versions.get("none")) == (ROW, None)
    first = await versions.items("v1", limit=2)
    assert first == [item("a"), item("b")]
    assert await versions.items("v1", first[-1].sample_id) == [item("c")]
    assert await versions.deleted("v1") == 0


async def test_same_version_again_changes_nothing(versions: Versions, reader: Reader, keep) -> None:
    """Its images are held once by it, and once more by the next."""
    await keep("a")
    assert await versions.add(ROW, [item("a")], {"a": "train"})
    assert not await versions.add(replace(ROW, name="other"), [item("a")], {"a": "val"})
    held = await reader.sample("a")
    assert held is not None
    assert (held.in_versions, held.split) == (1, "train")
    second = replace(ROW, version_id="v2", parent_id="v1")
    assert await versions.add(second, [item("a", version_id="v2")], {})
    held = await reader.sample("a")
    assert held is not None
    assert held.in_versions == 2
    assert await versions.all("det") == [second, ROW]
    assert await versions.all("other") == []


async def test_image_keeps_the_split_it_has(versions: Versions, reader: Reader, keep) -> None:
    """So that nothing moves from training to test between versions."""
    await keep("a", split="test")
    await keep("b")
    await versions.add(ROW, [item("a"), item("b")], {"a": "train", "b": "val"})
    splits = [found.split for name in "ab" if (found := await reader.sample(name)) is not None]
    assert splits == ["test", "val"]


async def test_image_that_was_deleted_meanwhile_is_marked_at_once(versions: Versions, keep) -> None:
    """Between the reading of the labels and the version a person may have deleted one."""
    await keep("a")
    await versions.add(ROW, [item("a"), item("gone")], {})
    assert await versions.items("v1") == [item("a"), replace(item("gone"), deleted_at=5.0)]
    assert await versions.deleted("v1") == 1


async def test_bounds_refuse_a_version_whole(versions: Versions, keep, monkeypatch) -> None:
    """Too many images, or too many versions of a dataset: nothing of it is left behind."""
    monkeypatch.setattr("sidecar.recording.versions.VERSION_ITEMS_MAX", 1)
    monkeypatch.setattr("sidecar.recording.versions.VERSIONS_MAX", 1)
    with pytest.raises(Full, match="items: 2 labeled images"):
        await versions.add(ROW, [item("a"), item("b")], {})
    await versions.add(ROW, [item("a")], {})
    with pytest.raises(Full, match="name: the dataset has 1 versions"):
        await versions.add(replace(ROW, version_id="v2"), [item("a", version_id="v2")], {})
    assert await versions.items("v2") == []
    assert await versions.add(replace(ROW, version_id="v3", dataset_id="other"), [], {})
