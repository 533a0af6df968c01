"""Feedback over a real store: what waits, what is searched for it, what is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sidecar.api.errors import Conflict
from sidecar.api.feedback import Submission
from sidecar.app import awaited, feedback_api
from sidecar.app.feedback_api import FeedbackApi
from sidecar.recording import Batch, FeedbackBook, Reader, Store
from tests.api.looped import make_prediction

NOW = 1_700_000_000.0
DAY_S = 86_400.0


class Place:
    """A store with feedback over it, at a time of its own; ``begin`` again for a restart."""

    def __init__(self, store: Store, reader: Reader) -> None:
        self.store = store
        self.reader = reader
        self.now = NOW
        self.searched: list[str] = []
        search = reader.day_of_client_request

        async def watched(client_request_id: str, *args: Any) -> Any:
            self.searched.append(client_request_id)
            return await search(client_request_id, *args)

        reader.day_of_client_request = watched  # type: ignore[method-assign, assignment] - the real one, watched
        self.begin()

    def begin(self) -> None:
        self.api = FeedbackApi(FeedbackBook(self.store), self.reader, lambda: self.now)

    async def record(self, *names: str, **changes: Any) -> None:
        rows = [make_prediction(number, prediction_id=name, request_id=name) for number, name in enumerate(names)]
        await self.store.commit(Batch([replace(row, **{"at": self.now, **changes}) for row in rows]))

    async def pending(self) -> int:
        return await FeedbackBook(self.store).pending_count()


def say(prediction_id: str = "", request_id: str = "", by: str = "ann") -> Submission:
    return Submission(prediction_id, request_id, "correct", None, "", None, by, "", None)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    store = await Store.open(tmp_path)
    reader = await Reader.open(tmp_path)
    yield Place(store, reader)
    await reader.close()
    await store.close()


async def test_all_that_was_not_summed_up_is_restored(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much more it is than the store tells at once."""
    monkeypatch.setattr("sidecar.recording.feedback.CHANGES_MAX", 2)
    await place.record(*(f"p{n}" for n in range(5)))
    await place.api.submit_all([say(f"p{n}") for n in range(5)])
    await place.api.submit(say("later"))
    place.begin()
    await place.api.restore()
    assert [change.change_id for change in place.api.verdicts.take()] == [1, 2, 3, 4, 5]
    assert place.api.figures()["pending"] == 1


async def test_statement_of_a_client_that_left_is_counted(place: Place) -> None:
    """It was committed all the same, and said again it changes nothing."""
    await place.record("p")
    held, free = asyncio.Event(), asyncio.Event()

    async def hold(connection: Any) -> None:
        held.set()
        await free.wait()

    holding = asyncio.create_task(place.store.run(hold))
    await held.wait()
    call = asyncio.create_task(place.api.submit(say("p")))
    while not place.api._under_way:  # noqa: ASYNC110 - no event tells of it
        await asyncio.sleep(0.001)
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    free.set()
    await holding
    while place.api._under_way:  # noqa: ASYNC110 - no event tells of it
        await asyncio.sleep(0.001)
    assert [change.n for change in place.api.verdicts.take()] == [1]


async def test_unknown_id_of_a_client_is_searched_for_once(place: Place) -> None:
    """In the whole past when it is submitted, and from then on only in what comes; then it is found."""
    await place.record("old", at=NOW - 3 * DAY_S)
    await place.record("p")
    assert (await place.api.submit(say(request_id="c")))["status"] == "pending"
    assert len(place.searched) == 4
    for _ in range(3):
        place.now += 2
        await place.api.look()
    assert len(place.searched) == 4
    await place.record("q", client_request_id="c")
    await place.api.look()
    assert (await place.pending(), len(place.searched)) == (0, 5)


async def test_search_that_took_too_long_goes_on_later(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """By and by each look searches a part of the past."""
    await place.record("old", at=NOW - 3 * DAY_S, client_request_id="c")
    await place.record("p")
    monkeypatch.setattr(feedback_api, "SEARCH_S", 0.0)
    monkeypatch.setattr(feedback_api, "SEARCH_FOR_STRANGERS_S", 0.0)
    for number, by in enumerate(("ann", "data port")):
        assert (await place.api.submit(say(request_id="c", by=by)))["status"] == "pending"
        assert (place.searched, await place.pending()) == ([], number + 1)
    await place.api.look()
    assert await place.pending() == 0


async def test_after_a_restart_ids_are_searched_from_when_they_came(place: Place) -> None:
    """What was recorded while the monitor was down is found, and earlier days are not looked through again."""
    await place.record("old", at=NOW - 9 * DAY_S)
    await place.record("p")
    await place.api.submit(say(request_id="c"))
    await place.api.submit(say(request_id="d"))
    place.now += 2 * DAY_S
    await place.record("q", client_request_id="c", at=NOW + 600)
    await place.record("r")
    place.begin()
    place.searched.clear()
    await place.api.look()
    assert await place.pending() == 1
    assert (place.searched.count("c"), place.searched.count("d")) == (2, 3)
    await place.api.look()
    assert place.searched.count("d") == 3


async def test_what_waits_long_is_looked_at_once_a_minute(place: Place) -> None:
    """What came within the hour at every look."""
    await place.record("p")
    await place.api.submit(say("early"))
    place.now += awaited.OLD_S + 1
    await place.api.look()
    await place.record("early")
    place.now += 2
    await place.api.submit(say("young"))
    await place.record("young")
    await place.api.look()
    assert [row.prediction_id for _, row in await FeedbackBook(place.store).pending()] == ["early"]
    place.now += awaited.OLD_EVERY_S
    await place.api.look()
    assert await place.pending() == 0


async def test_figures_tell_all_that_waits(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only what was looked at last; in pages all are looked at."""
    monkeypatch.setattr(awaited, "PAGE", 2)
    await place.api.submit_all([say(f"p{n}") for n in range(5)])
    await place.api.look()
    assert place.api.figures()["pending"] == 5
    await place.record(*(f"p{n}" for n in range(5)))
    for _ in range(4):
        await place.api.look()
    assert (place.api.figures()["pending"], len(place.api.verdicts.take())) == (0, 5)


async def test_too_many_on_one_prediction_are_told_of_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not of those that wait."""
    monkeypatch.setattr("sidecar.recording.feedback_intake.STATEMENTS_MAX", 1)
    await place.record("p")
    await place.api.submit(say("p"))
    with pytest.raises(Conflict, match="statements stand on this prediction"):
        await place.api.submit(say("p", by="bob"))


async def test_statement_that_had_to_make_room_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Among those that were dropped."""
    monkeypatch.setattr("sidecar.recording.feedback_intake.PENDING_OF_DATA_PORT_MAX", 1)
    for number in range(3):
        await place.api.submit(say(f"p{number}", by="data port"))
    assert (await place.pending(), place.api.figures()["expired"]) == (1, 2)
