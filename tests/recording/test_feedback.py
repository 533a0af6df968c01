from dataclasses import replace

import pytest

from sidecar.recording import Batch, FeedbackBook, FeedbackRow, OutboxItem, Reader, Store, VerdictChange, VerdictKey

KEY = VerdictKey("yolo", "3", "serving", "t-1", 2, "north")
KEYS = {"p1": KEY, "p2": KEY}
NOW = 1_700_000_007.5


def say(kind: str, feedback_id: str = "", **changes) -> FeedbackRow:
    row = FeedbackRow(feedback_id or kind, "p1", "", kind, None, "", None, "", "ann", "", NOW, NOW)
    return replace(row, **changes)


@pytest.fixture
def book(store: Store) -> FeedbackBook:
    return FeedbackBook(store)


async def counted(book: FeedbackBook) -> dict[tuple[int, str], int]:
    """How many verdicts of each kind there are in each bucket, if all changes are added up."""
    sums: dict[tuple[int, str], int] = {}
    for change in await book.changes():
        sums[change.bucket, change.kind] = sums.get((change.bucket, change.kind), 0) + change.n
    return {key: n for key, n in sums.items() if n}


async def test_statement_comes_back_whole(book: FeedbackBook, reader: Reader, commits: list[str]) -> None:
    """With the model and version of its prediction, its place worked out; safe from a power cut."""
    row = say(
        "wrong_label",
        detection_index=2,
        correct_class="van",
        correct_box=(1.0, 2.0, 3.5, 4.0),
        note="caf\udce9",
        client_request_id="c-1",
        label="car",
        score=0.75,
        at=NOW - 5,
    )
    assert (await book.submit([row], KEYS, NOW)).outcomes == ["recorded"]
    assert commits == ["FULL"]
    stored = replace(row, place="d2", model="yolo", version="3", note="caf?")
    assert (await reader.feedback(prediction_id="p1")).items == [stored]


async def test_first_verdict_is_counted_where_it_arrived(book: FeedbackBook, store: Store) -> None:
    """In the ten seconds of its arrival, under the prediction's key."""
    submitted = await book.submit([say("wrong_box")], KEYS, NOW)
    change = VerdictChange(1, 1_700_000_000, "yolo", "3", "serving", "t-1", 2, "north", "wrong_box", 1)
    assert submitted.changes == [change] == await book.changes()
    assert await store.fetch("SELECT prediction_id, verdict, bucket FROM verdicts") == [
        ("p1", "wrong_box", 1_700_000_000)
    ]


async def test_changed_verdict_is_taken_out_of_the_bucket_it_was_counted_in(book: FeedbackBook) -> None:
    """However much later it changes; what changes nothing is not counted."""
    await book.submit([say("correct")], KEYS, NOW)
    later = {"at": NOW + 900, "received_at": NOW + 900}
    submitted = await book.submit([say("false_positive", **later)], KEYS, NOW + 900)
    assert [(change.bucket, change.kind, change.n) for change in submitted.changes] == [
        (1_700_000_000, "correct", -1),
        (1_700_000_000, "false_positive", 1),
    ]
    assert (await book.submit([say("correct", "bob's", author="bob", **later)], KEYS, NOW + 900)).changes == []
    assert await counted(book) == {(1_700_000_000, "false_positive"): 1}


async def test_same_statement_again_changes_nothing(book: FeedbackBook, reader: Reader) -> None:
    """Not even its time, in one call or the next."""
    row = say("wrong_box")
    assert (await book.submit([row, replace(row, at=NOW + 1)], KEYS, NOW)).outcomes == ["recorded", "unchanged"]
    again = await book.submit([replace(row, at=NOW + 50, received_at=NOW + 50)], KEYS, NOW + 50)
    assert (again.outcomes, again.changes) == (["unchanged"], [])
    assert len((await reader.feedback()).items) == 1


async def test_statement_that_was_replaced_may_be_made_anew(book: FeedbackBook, reader: Reader) -> None:
    """Who changes their mind and changes it back is heard; a repeat of the old message, of its old time, is not."""
    first = say("correct")
    second = say("wrong_box", at=NOW + 10, received_at=NOW + 10)
    await book.submit([first], KEYS, NOW)
    await book.submit([second], KEYS, NOW + 10)
    assert (await book.submit([replace(first, received_at=NOW + 20)], KEYS, NOW + 20)).outcomes == ["unchanged"]
    anew = replace(first, at=NOW + 30, received_at=NOW + 30)
    assert (await book.submit([anew], KEYS, NOW + 30)).outcomes == ["recorded"]
    assert await counted(book) == {(1_700_000_000, "correct"): 1}
    said = {row.feedback_id: row.replaced_at for row in (await reader.feedback()).items}
    assert said == {"correct": None, "wrong_box": NOW + 30}


async def test_late_statement_of_an_earlier_time_is_recorded_as_replaced(book: FeedbackBook, reader: Reader) -> None:
    """A device that was offline tells of what it has corrected since."""
    await book.submit([say("correct")], KEYS, NOW)
    submitted = await book.submit([say("wrong_box", at=NOW - 60)], KEYS, NOW + 5)
    assert (submitted.outcomes, submitted.changes) == (["recorded"], [])
    said = {row.feedback_id: row.replaced_at for row in (await reader.feedback()).items}
    assert said == {"correct": None, "wrong_box": NOW + 5}


async def test_many_statements_of_one_call_count_by_what_they_come_to(book: FeedbackBook) -> None:
    """In their order, with one change a prediction."""
    rows = [
        say("correct", "1"),
        say("wrong_box", "2", detection_index=1),
        say("missed_object", "3", correct_box=(1.0, 2.0, 3.0, 4.0)),
        say("correct", "4", prediction_id="p2"),
        say("correct", "5", author="bob"),
    ]
    submitted = await book.submit(rows, KEYS, NOW)
    assert submitted.outcomes == ["recorded"] * 5
    assert [(change.kind, change.n) for change in submitted.changes] == [("missed_object", 1), ("correct", 1)]


async def test_what_is_said_too_early_waits_for_its_prediction(book: FeedbackBook, reader: Reader) -> None:
    """By the prediction's id or the client's own; taken up it is recorded and counted when that is known."""
    early = say("wrong_label", "1", detection_index=0)
    named = say("correct", "2", prediction_id="", client_request_id="c-1", author="bob")
    assert (await book.submit([early, named, early], {}, NOW)).outcomes == ["pending", "pending", "unchanged"]
    assert await counted(book) == {}
    (after, first), (_, second) = await book.pending()
    assert (first.feedback_id, first.pending, first.model) == ("1", True, "")
    assert [row for _, row in await book.pending(after=after)] == [second]
    known = [replace(first, label="car", score=0.5), replace(second, prediction_id="p1")]
    taken_up = await book.resolve(known, KEYS, NOW + 3_600)
    assert taken_up.outcomes == ["recorded", "recorded"]
    assert await book.pending() == []
    assert await counted(book) == {(1_700_003_600, "wrong_label"): 1}
    stored = {row.feedback_id: row for row in (await reader.feedback(model="yolo")).items}
    assert stored["1"] == replace(early, place="d0", label="car", score=0.5, model="yolo", version="3")
    assert stored["2"].prediction_id == "p1"


async def test_only_what_waits_is_taken_up(book: FeedbackBook, reader: Reader) -> None:
    """What was dropped or taken up meanwhile does not come back."""
    rows = [say("correct", "1"), say("wrong_box", "2", prediction_id="p2")]
    await book.submit(rows, {}, NOW)
    assert await book.drop(["1", "none"]) == 1
    assert (await book.resolve(rows, KEYS, NOW)).outcomes == ["unchanged", "recorded"]
    assert (await book.resolve([rows[1]], KEYS, NOW)).outcomes == ["unchanged"]
    assert await book.drop(["2"]) == 0
    assert [row.feedback_id for row in (await reader.feedback()).items] == ["2"]


async def test_statement_of_a_prediction_that_came_meanwhile_takes_the_waiting_ones_place(
    book: FeedbackBook, reader: Reader
) -> None:
    """Sent again once the prediction is known, it is recorded and waits no more."""
    await book.submit([say("correct")], {}, NOW)
    assert (await book.submit([say("correct")], KEYS, NOW)).outcomes == ["recorded"]
    assert [row.pending for row in (await reader.feedback()).items] == [False]


async def test_what_waits_too_long_is_dropped(book: FeedbackBook) -> None:
    """By when it was received, and recorded ones not at all."""
    await book.submit([say("correct", "1"), say("correct", "2", received_at=NOW + 5)], {}, NOW)
    await book.submit([say("correct", "3", author="bob")], KEYS, NOW)
    assert await book.drop_pending(NOW + 1) == 1
    assert [row.feedback_id for _, row in await book.pending()] == ["2"]


async def test_bounds_are_told_by_the_outcome(book: FeedbackBook, monkeypatch) -> None:
    """What waits, and what is said of one prediction, is bounded; other statements of the call go through."""
    monkeypatch.setattr("sidecar.recording.feedback_intake.PENDING_MAX", 2)
    monkeypatch.setattr("sidecar.recording.feedback_intake.STATEMENTS_MAX", 2)
    early = [say("correct", f"early {n}", prediction_id=f"none {n}") for n in range(3)]
    assert (await book.submit(early, KEYS, NOW)).outcomes == ["pending", "pending", "full"]
    many = [say("correct", f"many {n}", author=str(n)) for n in range(3)]
    other = say("correct", "other", prediction_id="p2")
    assert (await book.submit([*many, other], KEYS, NOW)).outcomes == ["recorded", "recorded", "full", "recorded"]
    with pytest.raises(ValueError, match="rows: 1001 statements"):
        await book.submit([other] * 1_001, KEYS, NOW)


async def test_full_call_is_taken_in_one_transaction(book: FeedbackBook, commits: list[str]) -> None:
    """A thousand statements of as many predictions, whatever a statement of SQL can hold."""
    rows = [say("correct", f"f{n}", prediction_id=f"p{n}") for n in range(1_000)]
    submitted = await book.submit(rows, {f"p{n}": KEY for n in range(1_000)}, NOW)
    assert (submitted.outcomes, commits) == (["recorded"] * 1_000, ["FULL"])
    assert [change.change_id for change in submitted.changes] == list(range(1, 1_001))


async def test_counted_changes_go_with_the_summaries_that_hold_them(book: FeedbackBook, store: Store) -> None:
    """In the same batch, also one that had to be cleaned of odd text; ids are never given again."""
    await book.submit([say("correct")], KEYS, NOW)
    await book.submit([say("wrong_box", at=NOW + 1, received_at=NOW + 1)], KEYS, NOW)
    first, *rest = await book.changes()
    await store.commit(Batch(verdicts_counted=[(0, first.change_id)]))
    assert await book.changes() == rest
    odd = OutboxItem("hub", "caf\udce9", 1, b"")
    await store.commit(Batch(outbox=[odd], verdicts_counted=[(0, change.change_id) for change in rest]))
    assert await book.changes() == []
    (change,) = (await book.submit([say("correct", "p2's", prediction_id="p2")], KEYS, NOW)).changes
    assert change.change_id == 4
