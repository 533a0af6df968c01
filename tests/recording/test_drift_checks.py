from dataclasses import replace

import pytest

from sidecar.recording import DriftCheckRow, DriftChecks, Store

ROW = DriftCheckRow("yolo", "3", "", 0.0, 60.0, "b1", 61.5, {"verdict": "drift", "class_drift": 0.4})


def window(number: int, **changes: object) -> DriftCheckRow:
    return replace(ROW, since=60.0 * number, until=60.0 * (number + 1), **changes)


async def test_check_comes_back_whole_and_a_repeated_one_replaces_it(store: Store) -> None:
    """The same window is kept once, as it was found last."""
    checks = DriftChecks(store)
    await checks.put(ROW)
    again = replace(ROW, baseline_id="b2", checked_at=99.0, report={"verdict": "no_drift"})
    await checks.put(again)
    assert await checks.latest("yolo") == [again]
    assert (await checks.page("yolo")).items == [again]


async def test_latest_is_the_newest_period_of_each_version(store: Store) -> None:
    """Of each version one check, by its period and not by when it was made; slices only where asked for."""
    checks = DriftChecks(store)
    for row in (
        window(2),
        window(1, checked_at=1e9),
        replace(window(2), since=130.0, report={"shorter": True}),
        window(1, version="4"),
        window(5, slice="north"),
        window(4, slice="north"),
        window(9, model="rtdetr"),
    ):
        await checks.put(row)
    assert [(row.version, row.slice, row.since) for row in await checks.latest("yolo")] == [
        ("3", "", 130.0),
        ("4", "", 60.0),
    ]
    assert [row.since for row in await checks.latest("yolo", "4")] == [60.0]
    assert [row.since for row in await checks.latest("yolo", "3", "north")] == [300.0]
    assert [(row.version, row.slice) for row in await checks.latest("yolo", slice=None)] == [
        ("3", ""),
        ("3", "north"),
        ("4", ""),
    ]
    assert await checks.latest("none") == []


async def test_pages_newest_period_first_reach_every_check_once(store: Store) -> None:
    """The cursor goes through all, also those that end together, and the filters narrow."""
    checks = DriftChecks(store)
    for number in range(12):
        for slice in ("", "north"):
            await checks.put(window(number, slice=slice, version=str(number % 2)))
    seen, cursor = [], None
    while True:
        page = await checks.page("yolo", before=cursor, limit=7)
        seen += [(row.since // 60, row.slice) for row in page.items]
        await checks.put(window(100 + len(seen)))
        cursor = page.next
        if cursor is None:
            break
    assert seen == [(number, slice) for number in reversed(range(12)) for slice in ("north", "")]
    page = await checks.page("yolo", "1", "", limit=3)
    assert [(row.since // 60, row.version, row.slice) for row in page.items] == [
        (11, "1", ""),
        (9, "1", ""),
        (7, "1", ""),
    ]
    assert (await checks.page("yolo", "1", "", page.next)).items[0].since == 300.0
    for arguments in ({"limit": 0}, {"before": "yesterday"}):
        with pytest.raises(ValueError, match=f"^{next(iter(arguments))}:"):
            await checks.page("yolo", **arguments)


async def test_hostile_text_is_stored_with_replacements(store: Store) -> None:
    """A slice and a class of any bytes neither stop a check nor hide it."""
    checks = DriftChecks(store)
    await checks.put(replace(ROW, slice="caf\udce9", report={"new_classes": ["'\udce9", float("nan")]}))
    (found,) = await checks.latest("yolo", slice="caf\udce9")
    assert (found.slice, found.report) == ("caf?", {"new_classes": ["'?", None]})


async def test_store_set_aside_goes_on_with_the_same_checks(store: Store, damage_store) -> None:
    """A check that meets the damage lands in the fresh store."""
    checks = DriftChecks(store)
    await checks.put(ROW)
    await damage_store()
    await checks.put(window(1))
    assert len(store.health.set_aside) == 1
    assert await checks.latest("yolo") == [window(1)]
