"""The book of tests: durable first, then followed, then answered."""

from __future__ import annotations

import asyncio

import pytest

from sidecar.experiments.lifecycle import (
    Trial,
    concluded,
    paused,
    promoted,
    ramped,
    resumed,
    stopped,
)
from sidecar.recording import Reader, Store, StoreError, TrialRow
from sidecar.trials import TrialClash, TrialFault, TrialMissing, TrialNotSaved
from tests.trials.room import NOON, Room, ab, shadow


async def test_a_test_is_in_the_store_before_workers_follow_it(room: Room) -> None:
    """A crash between both finds it: the next life makes the workers follow what the store has."""
    entry = await room.book.begin(ab(), slow_edge_ms=16.0, opened_for="")
    assert room.told == [(["night"], None)]
    (row,) = await room.rows.all()
    assert (row.trial_id, row.kind, row.status, row.created_at) == ("night", "ab", "running", NOON)
    assert Trial.from_dict(row.document) == entry.trial


async def test_a_second_test_of_the_same_traffic_is_refused_naming_the_first(room: Room) -> None:
    """One at a time, of either kind; a test of all models clashes with each. Nothing is half-begun."""
    await room.book.begin(ab())
    for other in (ab("Other"), shadow(), ab("All", model="*")):
        with pytest.raises(TrialClash, match="'night' is running on 'det'"):
            await room.book.begin(other)
    assert len(await room.rows.all()) == len(room.told) == 1
    await room.book.begin(shadow(model="gate"))
    assert room.told[-1][0] == ["night", "copy"]


async def test_a_paused_test_still_has_its_traffic(room: Room) -> None:
    """Who pauses means to go on."""
    await room.book.begin(ab())
    await room.book.change("ab", "night", paused)
    with pytest.raises(TrialClash, match="'night' is paused"):
        await room.book.begin(ab("Other"))


async def test_a_name_that_is_taken_gets_a_number(room: Room) -> None:
    """Ids stay, so that old results can be found; a word with a meaning of its own is none."""
    await room.book.begin(ab("Metrics"))
    await room.book.change("ab", "metrics-2", stopped)
    await room.book.begin(ab("Metrics"))
    assert set(room.book.entries) == {"metrics-2", "metrics-3"}


async def test_what_could_not_be_saved_has_not_begun(room: Room) -> None:
    """A full disk leaves neither a row nor a test in memory."""
    room.disk_full = True
    with pytest.raises(TrialNotSaved, match="No space left"):
        await room.book.begin(ab())
    assert (await room.rows.all(), room.book.all()) == ([], [])
    room.disk_full = False
    assert (await room.book.begin(ab())).trial.trial_id == "night"


async def test_a_change_that_could_not_be_saved_did_not_happen(room: Room) -> None:
    """The test goes on as it was, here and in the store."""
    entry = await room.book.begin(ab())
    before = entry.trial
    room.disk_full = True
    with pytest.raises(TrialNotSaved):
        await room.book.change("ab", "night", stopped)
    assert entry.trial == before
    assert Trial.from_dict((await room.rows.all())[0].document) == before


async def test_an_end_is_told_only_once_it_is_followed(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the store is busy with it the test still runs, for whoever asks as for the workers; a change given up in
    the middle did not happen, and is taken out of the store again."""
    entry = await room.book.begin(ab())
    before = entry.trial
    put, busy, go_on = room.rows.put, asyncio.Event(), asyncio.Event()

    async def slow_put(row: TrialRow) -> str | None:
        gone = await put(row)
        busy.set()
        await go_on.wait()
        return gone

    monkeypatch.setattr(room.rows, "put", slow_put)
    for given_up in (True, False):
        busy.clear()
        change = asyncio.create_task(room.book.change("ab", "night", stopped))
        await busy.wait()
        assert (entry.trial, room.told) == (before, [(["night"], None)])
        go_on.set()
        if given_up:
            change.cancel()
            await asyncio.wait([change])
            assert entry.trial == before
            await room.book.write_again()
            assert Trial.from_dict((await room.rows.all())[0].document) == before
            go_on.clear()
    await change
    assert (entry.trial.status, room.told[-1][0]) == ("stopped", [])


async def test_what_could_not_be_undone_is_undone_later(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails twice leaves memory, workers and, once it takes writes again, the store as before."""
    entry = await room.book.begin(ab())
    put, delete = room.rows.put, room.rows.delete
    writes = 0

    async def failing_second(row: TrialRow) -> str | None:
        nonlocal writes
        writes += 1
        if writes % 2 == 0:
            raise StoreError("full", "no space")
        return await put(row)

    async def failing(trial_id: str) -> bool:
        raise StoreError("full", "no space")

    monkeypatch.setattr(room.rows, "put", failing_second)
    monkeypatch.setattr(room.rows, "delete", failing)
    room.disk_full = True
    with pytest.raises(TrialNotSaved):
        await room.book.change("ab", "night", stopped)
    with pytest.raises(TrialNotSaved):
        await room.book.begin(shadow(model="gate"))
    assert entry.trial.status == "running"
    assert {row.trial_id: row.status for row in await room.rows.all()} == {"night": "stopped", "copy": "running"}
    monkeypatch.setattr(room.rows, "put", put)
    monkeypatch.setattr(room.rows, "delete", delete)
    await room.book.write_again()
    assert {row.trial_id: row.status for row in await room.rows.all()} == {"night": "running"}


async def test_a_promotion_that_was_written_and_not_followed_is_followed(
    room: Room, store: Store, reader: Reader
) -> None:
    """A crash came between both: the next life makes up for it, in the order of the promotions, and once."""
    for name, variant in (("One", "B"), ("Two", "A")):
        await room.book.begin(ab(name))
        room.now += 5
        await room.book.change("ab", name.lower(), lambda trial, now, v=variant: promoted(trial, v, now))
    again = Room(store, reader)
    await again.book.restore()
    again.book.promote_since(NOON + 5)
    assert again.told == [([], ("det", "A"))]
    again.book.promote_since(0.0)
    assert again.told[1:] == [([], ("det", "B")), ([], ("det", "A"))]


async def test_faults_name_their_field_and_change_nothing(room: Room) -> None:
    """An unknown id, an id of the other kind, a status that does not allow it, a variant that there is not."""
    await room.book.begin(ab())
    with pytest.raises(TrialMissing, match="no A/B test has the id 'nope'"):
        await room.book.change("ab", "nope", paused)
    with pytest.raises(TrialMissing, match="no shadow test has the id 'night'"):
        await room.book.change("shadow", "night", paused)
    with pytest.raises(TrialClash, match="it can't resume"):
        await room.book.change("ab", "night", resumed)
    with pytest.raises(TrialFault, match="winner: 'Q' is not among A, B"):
        await room.book.change("ab", "night", lambda trial, now: concluded(trial, now, "Q"))
    assert len(room.told) == 1


async def test_who_ends_a_test_gives_its_traffic_back_to_control(room: Room) -> None:
    """Nothing is promoted by itself; a shadow test never changed what serves."""
    await room.book.begin(ab())
    await room.book.change("ab", "night", stopped)
    assert room.told[-1] == ([], ("det", "A"))
    await room.book.begin(shadow())
    await room.book.change("shadow", "copy", stopped)
    assert room.told[-1] == ([], None)


async def test_promoting_makes_a_variant_serve(room: Room) -> None:
    """At once, whether the test runs or has ended; twice says the same twice."""
    await room.book.begin(ab())
    entry = await room.book.change("ab", "night", lambda trial, now: promoted(trial, "B", now))
    assert (room.told[-1], entry.trial.status) == (([], ("det", "B")), "concluded")
    room.now += 5
    await room.book.change("ab", "night", lambda trial, now: promoted(trial, "A", now))
    assert room.told[-1] == ([], ("det", "A"))


async def test_what_serves_does_not_change_under_a_test(room: Room) -> None:
    """An old test's variant can't be promoted while another test has the traffic."""
    await room.book.begin(ab())
    await room.book.change("ab", "night", stopped)
    await room.book.begin(ab("Day"))
    with pytest.raises(TrialClash, match="'day' is running"):
        await room.book.change("ab", "night", lambda trial, now: promoted(trial, "B", now))


async def test_a_new_life_finds_all(room: Room, store: Store, reader: Reader) -> None:
    """Tests, their lowest p-values, and what they were frozen with."""
    entry = await room.book.begin(ab())
    await room.book.change("ab", "night", lambda trial, now: ramped(trial, (0.5,), now, "ramped"))
    await room.book.note_lowest(entry, {"B.confidence": 0.04, "srm": 1.0})
    await room.book.note_lowest(entry, {"B.confidence": 0.5})
    await room.book.change("ab", "night", stopped)
    await room.book.freeze(entry, {"p_value": 0.04})
    again = Room(store, reader)
    await again.book.restore()
    found = again.book.get("ab", "night")
    assert (found.trial, found.lowest, found.results) == (entry.trial, {"B.confidence": 0.04}, {"p_value": 0.04})


async def test_a_lost_store_learns_again_what_workers_follow(room: Room, store: Store, reader: Reader) -> None:
    """A test under way outlives the store it was in; one that another release wrote is passed over and said."""
    trial = (await room.book.begin(ab())).trial
    await room.rows.delete("night")
    again = Room(store, reader)
    await again.book.restore([trial.to_dict(), {"trial_id": "odd"}])
    assert again.book.active() == [trial]
    assert [row.trial_id for row in await again.rows.all()] == ["night"]


async def test_all_is_put_into_a_store_that_was_begun_anew(room: Room) -> None:
    """Ended tests as well: their results are not lost with the file."""
    await room.book.begin(ab())
    await room.book.change("ab", "night", stopped)
    await room.rows.delete("night")
    await room.book.reinstate()
    assert [row.status for row in await room.rows.all()] == ["stopped"]
