"""Summaries page by page."""

import pytest

from sidecar.watch import loading
from tests.watch.room import DAY_S, MONDAY, Room, prediction


async def test_pages_hold_every_judged_row_once_and_none_is_empty(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the models asked for alone, without shadows; more rows than a page holds come in several."""
    monkeypatch.setattr(loading, "PAGE_ROWS", 3)
    room.past.add(prediction(MONDAY + 3_600 * hour, hour, [0]) for hour in range(7))
    room.past.add([prediction(MONDAY, 50, [0], role="shadow"), prediction(MONDAY, 60, [0], model="other")])
    await room.past.write()
    pages = [page async for page in loading.pages_of(room.reader)(3_600, MONDAY, MONDAY + DAY_S, ["det"])]
    assert [len(page) for page in pages] == [3, 3, 1]
    rows = [row for page in pages for row in page]
    assert [row.bucket for row in rows] == [MONDAY + 3_600 * hour for hour in range(7)]
    assert {(row.model, row.role) for row in rows} == {("det", "serving")}


async def test_a_time_without_rows_has_no_page(room: Room) -> None:
    """Who asks goes through nothing, rather than through an empty page."""
    assert [page async for page in loading.pages_of(room.reader)(3_600, MONDAY, MONDAY + DAY_S, ["det"])] == []
