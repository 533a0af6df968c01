"""How much people may say, and what is counted of it when summaries are gone."""

from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.api.submissions import DATA_PORT
from sidecar.recording import DATA_PORT as DATA_PORT_AUTHORS
from sidecar.recording import Batch, FeedbackBook, FeedbackRow, Reader, Store, VerdictKey

KEY = VerdictKey("yolo", "3", "serving", "", 0, "")
KEYS = {"p1": KEY, "p2": KEY}
NOW = 1_700_000_007.5
DAY_S = 86_400.0


def say(kind: str, feedback_id: str = "", **changes) -> FeedbackRow:
    row = FeedbackRow(feedback_id or kind, "p1", "", kind, None, "", None, "", "ann", "", NOW, NOW)
    return replace(row, **changes)


@pytest.fixture
def book(store: Store) -> FeedbackBook:
    return FeedbackBook(store)


@pytest.fixture
def two_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar.recording.feedback_intake.STATEMENTS_MAX", 2)


async def test_statement_that_finds_no_room_waits_on(book: FeedbackBook, two_stand: None) -> None:
    """What waited for its prediction is not lost where too many others stand."""
    await book.submit([say("wrong_label", "early", author="early")], {}, NOW)
    await book.submit([say("correct", str(n), author=str(n)) for n in range(2)], KEYS, NOW)
    assert (await book.resolve([say("wrong_label", "early", author="early")], KEYS, NOW)).outcomes == ["full"]
    assert [row.feedback_id for _, row in await book.pending()] == ["early"]


async def test_replaced_statements_take_no_room(book: FeedbackBook, two_stand: None) -> None:
    """Who changes their mind is heard, also where as many as may stand do; who adds one is not."""
    await book.submit([say("correct", "bob's", author="bob")], KEYS, NOW)
    for number, kind in enumerate(("correct", "wrong_box", "false_positive", "wrong_label")):
        said = say(kind, at=NOW + number, received_at=NOW + number)
        assert (await book.submit([said], KEYS, NOW + number)).outcomes == ["recorded"]
    assert (await book.submit([say("correct", "cy's", author="cy")], KEYS, NOW + 9)).outcomes == ["full"]
    part = say("wrong_box", "part", detection_index=1, at=NOW + 9, received_at=NOW + 9)
    assert (await book.submit([part], KEYS, NOW + 9)).outcomes == ["full"]


async def test_latest_of_the_replaced_statements_are_kept(
    book: FeedbackBook, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that one author fills no table by changing their mind."""
    monkeypatch.setattr("sidecar.recording.feedback_intake.REPLACED_MAX", 2)
    for number in range(5):
        said = say("wrong_label", f"f{number}", correct_class=f"c{number}", at=NOW + number, received_at=NOW + number)
        await book.submit([said], KEYS, NOW + number)
    assert [row.feedback_id for row in (await reader.feedback()).items] == ["f4", "f3", "f2"]


async def test_data_port_fills_half_of_what_may_wait(book: FeedbackBook, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new one of its own takes the place of its oldest, which is told; it never keeps others out."""
    assert DATA_PORT_AUTHORS == DATA_PORT
    monkeypatch.setattr("sidecar.recording.feedback_intake.PENDING_MAX", 4)
    monkeypatch.setattr("sidecar.recording.feedback_intake.PENDING_OF_DATA_PORT_MAX", 2)
    strangers = [say("correct", f"s{n}", author=f"{DATA_PORT}: x", prediction_id=f"no {n}") for n in range(3)]
    taken = await book.submit(strangers, {}, NOW)
    assert (taken.outcomes, taken.dropped) == (["pending"] * 3, 1)
    known = [say("correct", f"k{n}", prediction_id=f"not {n}") for n in range(3)]
    assert (await book.submit(known, {}, NOW)).outcomes == ["pending", "pending", "full"]
    assert [row.feedback_id for _, row in await book.pending()] == ["s1", "s2", "k0", "k1"]
    assert await book.pending_count() == 4


async def test_what_waits_is_told_by_when_it_came(book: FeedbackBook) -> None:
    """Since a time, or until one."""
    rows = [say("correct", f"f{n}", prediction_id=f"no {n}", received_at=NOW + n) for n in range(4)]
    await book.submit(rows, {}, NOW)
    assert [row.feedback_id for _, row in await book.pending(since=NOW + 2)] == ["f2", "f3"]
    assert [row.feedback_id for _, row in await book.pending(until=NOW + 2)] == ["f0", "f1"]


async def test_all_changes_are_told_page_by_page(book: FeedbackBook, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, at most so many at once."""
    monkeypatch.setattr("sidecar.recording.feedback.CHANGES_MAX", 2)
    keys = {f"p{n}": KEY for n in range(5)}
    await book.submit([say("correct", str(n), prediction_id=f"p{n}") for n in range(5)], keys, NOW)
    pages = [[change.change_id for change in await book.changes(after=after)] for after in (0, 2, 4, 5)]
    assert pages == [[1, 2], [3, 4], [5], []]


async def test_verdict_whose_summary_is_gone_changes_without_being_counted(book: FeedbackBook, store: Store) -> None:
    """A summary that retention took would be begun anew with less than none of the old verdict."""
    await store.retain(NOW, age_s=7 * DAY_S, bytes_max=1 << 40)
    await book.submit([say("correct")], KEYS, NOW)
    within = NOW + 6 * DAY_S
    later = NOW + 8 * DAY_S
    assert len((await book.submit([say("wrong_box", at=within, received_at=within)], KEYS, within)).changes) == 2
    submitted = await book.submit([say("false_positive", at=later, received_at=later)], KEYS, later)
    assert (submitted.outcomes, submitted.changes) == (["recorded"], [])
    assert await store.fetch("SELECT verdict FROM verdicts") == [("false_positive",)]


async def test_verdict_that_is_gone_before_its_statements_is_not_counted_twice(
    book: FeedbackBook, store: Store
) -> None:
    """It was counted when the first of them came."""
    await book.submit([say("correct")], KEYS, NOW)

    async def lose(connection) -> None:
        await connection.execute("DELETE FROM verdicts")

    await store.run(lose)
    for number, kind in enumerate(("wrong_box", "wrong_label")):
        said = say(kind, author="bob", at=NOW + number, received_at=NOW + number)
        assert (await book.submit([said], KEYS, NOW + number)).changes == []


async def test_changes_of_a_store_that_was_set_aside_end_none_of_the_fresh_one(
    book: FeedbackBook, store: Store, tmp_path: Path, damage_store, make_prediction
) -> None:
    """Both give the same ids; also where it is the commit itself that meets the damage."""
    (old,) = (await book.submit([say("correct")], KEYS, NOW)).changes
    await damage_store()
    await store.commit(Batch([make_prediction(1)], verdicts_counted=[(old.generation, old.change_id)]))
    assert store.generation == 1
    (fresh,) = (await book.submit([say("correct", "other", prediction_id="p2")], KEYS, NOW)).changes
    assert (fresh.change_id, fresh.generation) == (old.change_id, 1)
    await store.commit(Batch(verdicts_counted=[(old.generation, old.change_id)]))
    assert await book.changes() == [fresh]
    await store.commit(Batch(verdicts_counted=[(fresh.generation, fresh.change_id)]))
    assert await book.changes() == []
