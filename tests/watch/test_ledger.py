"""The recent past in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sidecar.recording import StoreError, SummaryRow
from sidecar.watch import Ledger, Scope
from sidecar.watch.ledger import BINS_MAX, BINS_S, bin_s
from tests.watch.room import MONDAY, Room, prediction


def ledger_of(room: Room) -> Ledger:
    return Ledger(room.load)


@pytest.mark.parametrize("window_s", [10, 30, 900, 1_200, 1_210, 3_600, 86_400, 30 * 86_400])
def test_bins_are_fine_enough_for_their_window(window_s: float) -> None:
    """A window is at most BINS_MAX bins (hours: twice as many), and a bin at most a tenth of it, if it can be."""
    width = bin_s(window_s)
    assert width in BINS_S
    assert window_s / width <= BINS_MAX * (2 if width == 3_600 else 1)
    assert width == BINS_S[0] or width <= window_s / 10


async def test_window_holds_what_happened_in_it_and_nothing_else(room: Room) -> None:
    """Every window ends now; versions, slices and roles are kept apart as they are asked for."""
    now = MONDAY + 7_205
    for age in (4, 100, 800, 3_000, 7_000):
        room.past.add([prediction(now - age, 1, [0]), prediction(now - age, 2, [0], version="2", slice="north")])
    room.past.add([prediction(now - 5, 3, [0], role="shadow"), prediction(now - 5, 4, [0], model="other")])
    await room.past.write()
    ledger = ledger_of(room)
    scopes = (Scope("det"), Scope("det", "1"), Scope("det", "", "north"), Scope("det", "1", "north"))
    await ledger.refresh([(scope, window) for scope in scopes for window in (60, 900, 7_200)], now)
    seen = [[ledger.window(scope, window, now)[0].images for window in (60, 900, 7_200)] for scope in scopes]
    assert seen == [[2, 6, 10], [1, 3, 5], [1, 3, 5], [0, 0, 0]]
    covered = ledger.window(Scope("det"), 900, now)[1]
    assert 900 <= covered < 910


async def test_shortest_window_is_never_the_bin_that_has_just_begun(room: Room) -> None:
    """Ten seconds are ten seconds at every moment: what happened nine seconds ago is in them."""
    room.past.add([prediction(MONDAY + 1, 1, [0])])
    await room.past.write()
    ledger = ledger_of(room)
    for now in np.arange(MONDAY + 1.5, MONDAY + 11, 0.5):
        await ledger.refresh([(Scope("det"), 10)], now)
        assert ledger.window(Scope("det"), 10, now)[0].images == 1


async def test_refresh_sees_what_is_new_and_counts_nothing_twice(room: Room) -> None:
    """Round after round a window equals one that is read from scratch, while buckets fill up and pass out of it."""
    rng = np.random.default_rng(9)
    ledger, scope, now = ledger_of(room), Scope("det"), MONDAY
    written: dict[int, list[float]] = {}
    for _ in range(12):
        ats = now - rng.uniform(0, 40, 5)
        written.setdefault(int(now), []).extend(ats)
        every = [at for batch in written.values() for at in batch]
        await _rewrite(room, every)
        for window in (60, 300):
            await ledger.refresh([(scope, 60), (scope, 300)], now)
            fresh = ledger_of(room)
            await fresh.refresh([(scope, window)], now)
            assert ledger.window(scope, window, now)[0] == fresh.window(scope, window, now)[0]
        now += 10


async def _rewrite(room: Room, ats: list[float]) -> None:
    """All that ever happened, as rows of a higher revision."""
    room.past.revision += 1
    room.past.add(prediction(at, number, [0]) for number, at in enumerate(ats))
    await room.past.write(rows=False)


async def test_bucket_of_the_future_is_not_now(room: Room) -> None:
    """After the clock was set back, what was recorded ahead of it is no part of a window."""
    room.past.add([prediction(MONDAY + 86_400, 1, [0]), prediction(MONDAY - 5, 2, [0])])
    await room.past.write()
    ledger = ledger_of(room)
    await ledger.refresh([(Scope("det"), 900)], MONDAY)
    assert ledger.window(Scope("det"), 900, MONDAY)[0].images == 1


async def test_unreadable_row_is_counted_and_left_out(room: Room) -> None:
    """Another release's summary does not end a round."""
    room.past.add([prediction(MONDAY - 5, 1, [0]), prediction(MONDAY - 25, 2, [0])])
    await room.past.write()
    ledger = ledger_of(room)
    real = ledger._load

    async def damaged(*arguments: Any) -> AsyncIterator[Sequence[SummaryRow]]:
        async for page in real(*arguments):
            yield [replace(page[0], payload=b"\x09"), *page[1:]]

    ledger._load = damaged
    await ledger.refresh([(Scope("det"), 900)], MONDAY)
    assert ledger.unreadable == 1
    assert ledger.window(Scope("det"), 900, MONDAY)[0].images == 1


async def test_scope_nobody_watches_is_forgotten(room: Room) -> None:
    """Memory goes with the alerts that needed it."""
    room.past.add([prediction(MONDAY - 5, 1, [0])])
    await room.past.write()
    ledger = ledger_of(room)
    await ledger.refresh([(Scope("det"), 900)], MONDAY)
    await ledger.refresh([(Scope("det", "1"), 900)], MONDAY)
    assert ledger.window(Scope("det"), 900, MONDAY)[0].images == 0
    assert ledger.window(Scope("det", "1"), 900, MONDAY)[0].images == 1


async def test_read_that_fails_is_made_up_for(room: Room) -> None:
    """A store that was away for a round, or for an hour, leaves no hole in any window."""
    room.past.add(prediction(MONDAY - age, age, [0]) for age in range(5, 3_500, 100))
    await room.past.write()
    ledger, scope = ledger_of(room), Scope("det")
    real = ledger._load

    async def away(*arguments: Any) -> AsyncIterator[Sequence[SummaryRow]]:
        raise StoreError("locked", "busy")
        yield []

    ledger._load = away
    with pytest.raises(StoreError):
        await ledger.refresh([(scope, 3_600)], MONDAY)
    ledger._load = real
    await ledger.refresh([(scope, 3_600)], MONDAY)
    assert ledger.window(scope, 3_600, MONDAY)[0].images == 35
    room.past.add(prediction(MONDAY + age, age, [0]) for age in range(5, 1_000, 100))
    await room.past.write()
    ledger._load = away
    for later in (300, 600, 900):
        with pytest.raises(StoreError):
            await ledger.refresh([(scope, 3_600)], MONDAY + later)
    ledger._load = real
    await ledger.refresh([(scope, 3_600)], MONDAY + 1_000)
    fresh = ledger_of(room)
    await fresh.refresh([(scope, 3_600)], MONDAY + 1_000)
    assert ledger.window(scope, 3_600, MONDAY + 1_000)[0] == fresh.window(scope, 3_600, MONDAY + 1_000)[0]


async def test_only_watched_models_are_read_and_page_by_page(room: Room) -> None:
    """Another model's thousand slices cost an alert nothing; no page is longer than its bound."""
    room.past.add(prediction(MONDAY - 60, n, [0], model="other", slice=f"s{n}") for n in range(700))
    room.past.add(prediction(MONDAY - 60, n, [0], slice=f"s{n}") for n in range(700))
    await room.past.write(rows=False)
    pages: list[int] = []

    async def counted(*arguments: Any) -> AsyncIterator[Sequence[SummaryRow]]:
        async for page in room.load(*arguments):
            pages.append(len(page))
            assert {row.model for row in page} == {"det"}
            yield page

    ledger = Ledger(counted)
    await ledger.refresh([(Scope("det"), 900), (Scope("det", "", "s3"), 900)], MONDAY)
    assert ledger.window(Scope("det"), 900, MONDAY)[0].images == 700
    assert ledger.window(Scope("det", "", "s3"), 900, MONDAY)[0].images == 1
    assert max(pages) <= 500
    assert sum(pages) == 700
