from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.recording import BASELINES_MAX, PAYLOAD_BYTES_MAX, BaselineRow, Baselines, Full, Store, StoreError, Taken

ROW = BaselineRow("b1", "yolo", "3", "default", 10.0, 70.0, 71.5, "user", {"images": 9, "avg": None}, b"\x00blocks\xff")


async def test_baseline_comes_back_whole(store: Store) -> None:
    """One is read with its payload, the list without."""
    baselines = Baselines(store)
    await baselines.put(ROW)
    assert await baselines.get("b1") == ROW
    assert await baselines.get("none") is None
    assert await baselines.all() == [replace(ROW, payload=b"")]


async def test_name_of_a_model_version_is_taken_unless_it_is_replaced(store: Store) -> None:
    """Without replace the one that is there stays; with it the new one takes its place, whatever its id."""
    baselines = Baselines(store)
    await baselines.put(ROW)
    newer = replace(ROW, baseline_id="b2", payload=b"newer")
    with pytest.raises(Taken, match=r"^name: "):
        await baselines.put(newer)
    assert await baselines.get("b1") == ROW
    await baselines.put(newer, replace=True)
    assert await baselines.get("b1") is None
    assert await baselines.get("b2") == newer
    await baselines.put(replace(newer, payload=b"newest"), replace=True)
    assert [row.baseline_id for row in await baselines.all()] == ["b2"]
    await baselines.put(replace(ROW, name="night"), replace=True)
    assert len(await baselines.all()) == 2
    assert store.health.ok


async def test_replacement_that_fails_leaves_the_old_one(store: Store) -> None:
    """An id that another name has can't be taken over; nothing is removed for it."""
    baselines = Baselines(store)
    await baselines.put(ROW)
    night = replace(ROW, baseline_id="b2", name="night")
    await baselines.put(night)
    with pytest.raises(StoreError):
        await baselines.put(replace(night, baseline_id="b1"), replace=True)
    assert await baselines.get("b2") == night


async def test_baselines_are_listed_by_model_and_version(store: Store) -> None:
    """In the order they were made."""
    baselines = Baselines(store)
    rows = [("b1", "yolo", "3", 3.0), ("b2", "yolo", "4", 2.0), ("b3", "rtdetr", "3", 1.0)]
    for baseline_id, model, version, at in rows:
        await baselines.put(replace(ROW, baseline_id=baseline_id, model=model, version=version, created_at=at))
    assert [row.baseline_id for row in await baselines.all()] == ["b3", "b2", "b1"]
    assert [row.baseline_id for row in await baselines.all("yolo")] == ["b2", "b1"]
    assert [row.baseline_id for row in await baselines.all("yolo", "3")] == ["b1"]
    assert await baselines.all("caf\udce9") == []


async def test_deleting_tells_whether_there_was_one(store: Store) -> None:
    """A baseline goes once."""
    baselines = Baselines(store)
    await baselines.put(ROW)
    assert await baselines.delete("b1")
    assert not await baselines.delete("b1")
    assert not await baselines.delete("caf\udce9")


async def test_baselines_end_at_their_bounds(store: Store) -> None:
    """One more than BASELINES_MAX is refused unless it replaces one, as is a payload over its bound."""
    baselines = Baselines(store)
    for number in range(BASELINES_MAX):
        await baselines.put(replace(ROW, baseline_id=f"b{number}", name=f"n{number}"))
    extra = replace(ROW, baseline_id="extra", name="extra")
    for replacing in (False, True):
        with pytest.raises(Full, match=f"{BASELINES_MAX} baselines"):
            await baselines.put(extra, replace=replacing)
    await baselines.put(replace(ROW, baseline_id="extra", name="n7"), replace=True)
    assert len(await baselines.all()) == BASELINES_MAX
    with pytest.raises(Full, match=r"^payload: "):
        await baselines.put(replace(ROW, name="n8", payload=bytes(PAYLOAD_BYTES_MAX + 1)), replace=True)
    await baselines.put(replace(ROW, baseline_id="big", name="n8", payload=bytes(PAYLOAD_BYTES_MAX)), replace=True)


async def test_hostile_text_is_stored_with_replacements(store: Store) -> None:
    """A class name that UTF-8 can't hold does not stop a baseline, and its name is taken as it is stored."""
    baselines = Baselines(store)
    row = replace(ROW, name="caf\udce9", figures={"class_shares": {"'; --\udce9": 0.5}})
    await baselines.put(row)
    with pytest.raises(Taken):
        await baselines.put(replace(row, baseline_id="b2"))
    (found,) = await baselines.all()
    assert (found.name, found.figures) == ("caf?", {"class_shares": {"'; --?": 0.5}})


async def test_what_a_person_did_is_committed_in_full(store: Store, commits: list[str]) -> None:
    """Setting and deleting a baseline wait until they would survive a power cut."""
    baselines = Baselines(store)
    await baselines.put(ROW)
    await baselines.delete("b1")
    assert commits == ["FULL"] * 2


async def test_store_set_aside_goes_on_with_the_same_baselines(store: Store, damage_store) -> None:
    """A baseline that meets the damage lands in the fresh store."""
    baselines = Baselines(store)
    await baselines.put(ROW)
    await damage_store()
    await baselines.put(ROW)
    assert len(store.health.set_aside) == 1
    assert await baselines.get("b1") == ROW


async def test_reading_a_damaged_store_sets_it_aside_too(store: Store, damage_store) -> None:
    """A store that only reads find damaged is not read in vain for ever."""
    baselines = Baselines(store)
    await baselines.put(ROW)
    await damage_store()
    assert await baselines.all() == []
    assert len(store.health.set_aside) == 1
    assert store.health.ok


async def test_deleted_automatic_baseline_is_remembered(store: Store, tmp_path: Path) -> None:
    """By model and version, over a restart and whatever is set afterwards; a person's baseline leaves no trace."""
    baselines = Baselines(store)
    automatic = replace(ROW, origin="auto")
    await baselines.put(ROW)
    await baselines.put(replace(automatic, baseline_id="b2", name="auto"))
    await baselines.put(replace(automatic, baseline_id="b3", version="4"))
    assert await baselines.delete("b1")
    assert await baselines.auto_deleted() == set()
    for _ in range(2):
        assert await baselines.delete("b2")
        assert not await baselines.delete("b2")
        assert await baselines.auto_deleted() == {("yolo", "3")}
        await baselines.put(replace(automatic, baseline_id="b2", name="auto"))
    await store.close()
    reopened = await Store.open(tmp_path)
    assert await Baselines(reopened).auto_deleted() == {("yolo", "3")}
    await reopened.close()


async def test_deleted_automatic_baselines_are_forgotten_at_their_bound(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest go first."""
    monkeypatch.setattr("sidecar.recording.baselines.AUTO_DELETED_MAX", 3)
    baselines = Baselines(store)
    for version in "12345":
        await baselines.put(replace(ROW, origin="auto", version=version))
        await baselines.delete("b1")
    assert await baselines.auto_deleted() == {("yolo", "3"), ("yolo", "4"), ("yolo", "5")}
