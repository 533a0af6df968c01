"""What goes of what people said and did, and what stays known of the random sample when its images go."""

import math

import pytest

from sidecar.recording import (
    AuditCounts,
    AuditedRow,
    Batch,
    FeedbackBook,
    FeedbackRow,
    Items,
    Reader,
    Store,
    VerdictKey,
)

NOW = 1_700_100_000.0
DAY_S = 86_400
KEY = VerdictKey("yolo", "3", "serving", "", 0, "")
ENDLESS = 1 << 40


def said(feedback_id: str, prediction_id: str, at: float = NOW, kind: str = "correct", note: str = "") -> FeedbackRow:
    return FeedbackRow(feedback_id, prediction_id, "", kind, None, "", None, "", "ann", note, at, at)


async def ids(store: Store) -> list[str]:
    return [name for (name,) in await store.fetch("SELECT feedback_id FROM feedback ORDER BY id")]


async def in_use(store: Store) -> int:
    pages = (await store.fetch("PRAGMA page_count"))[0][0] - (await store.fetch("PRAGMA freelist_count"))[0][0]
    return pages * (await store.fetch("PRAGMA page_size"))[0][0]


async def test_drawn_images_that_go_stay_a_part_of_what_was_drawn(
    store: Store, items: Items, reader: Reader, keep
) -> None:
    """Evicted or deleted, of a test and of its model; what was reviewed for its value before the draw does not."""
    early = NOW - 3 * DAY_S
    await keep("value", status="rejected", at=early, experiment="t-1")
    await keep("value", drawn=0.1, at=early, experiment="t-1")
    for number in range(3):
        await keep(f"d{number}", drawn=0.1, at=early + number, experiment="t-1", role="treatment", epoch=2)
    await keep("kept", drawn=0.1, at=NOW, experiment="t-1", role="treatment", epoch=2)
    await items.delete("d0", "ann", NOW)
    removed = await store.retain(NOW, age_s=DAY_S, bytes_max=ENDLESS)
    assert sorted(sample.sample_id for sample in removed.samples) == ["d1", "d2", "value"]
    assert await reader.audited_counts("yolo", 0.0, 2e9) == {"3": AuditCounts(4, 0, 0)}
    assert await reader.audited_counts("yolo", NOW - DAY_S, 2e9) == {"3": AuditCounts(1, 0, 0)}
    rows = await reader.audited("t-1")
    assert rows == [AuditedRow(2, "treatment", "3", 0.1, "", "", "", n) for n in (3, 1)]
    await store.retain(NOW + 500 * DAY_S, age_s=DAY_S, bytes_max=ENDLESS)
    assert await store.fetch("SELECT * FROM audit_gone") == []


async def test_what_people_said_has_a_bound(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was replaced goes first, then the oldest; what waits stays, and verdicts have the same bound."""
    monkeypatch.setattr("sidecar.recording.retention.FEEDBACK_MAX", 3)
    book = FeedbackBook(store)
    keys = {f"p{n}": KEY for n in range(4)}
    await book.submit([said("waits", "unknown", NOW - 99)], {}, NOW)
    await book.submit([said(f"f{n}", f"p{n}", NOW + n) for n in range(4)], keys, NOW)
    await book.submit([said("new", "p2", NOW + 9, "wrong_box")], keys, NOW + 10)
    removed = await store.retain(NOW, age_s=math.inf, bytes_max=ENDLESS)
    assert await ids(store) == ["waits", "f3", "new"]
    assert (len(await store.fetch("SELECT * FROM verdicts")), removed.feedback_dropped) == (3, 4)


async def test_bytes_take_what_was_replaced_or_is_of_gone_predictions_before_any_prediction(
    store: Store, reader: Reader, make_prediction
) -> None:
    """Each with a note of two kilobytes: as much as is too much, in that order."""
    await store.commit(Batch([make_prediction(number, at=NOW + number) for number in range(50)]))
    book = FeedbackBook(store)
    note = "n" * 2_000
    keys = {f"id-{n}": KEY for n in range(50)} | {f"gone {n}": KEY for n in range(40)}
    await book.submit([said(f"old {n}", f"gone {n}", NOW - 500 + n, note=note) for n in range(40)], keys, NOW)
    await book.submit([said(f"f{n}", f"id-{n}", NOW + 60, note=note) for n in range(40)], keys, NOW + 60)
    await book.submit([said("again", "id-0", NOW + 70, "wrong_box")], keys, NOW + 70)
    await store.retain(NOW, age_s=math.inf, bytes_max=await in_use(store) - 60_000)
    left = await ids(store)
    assert "f0" not in left  # replaced
    assert not [name for name in left if name.startswith("old")]
    assert len(left) == 40
    assert len((await reader.predictions()).items) == 50


async def test_bytes_take_a_prediction_with_what_was_said_of_it(store: Store, reader: Reader, make_prediction) -> None:
    """So that what people say never takes the place of what it is about."""
    for start in range(0, 400, 100):
        rows = [make_prediction(number, at=NOW + number / 10) for number in range(start, start + 100)]
        await store.commit(Batch(rows))
        keys = {row.prediction_id: KEY for row in rows}
        sent = [said(f"f{row.prediction_id}", row.prediction_id, NOW + 60, note="n" * 1_000) for row in rows]
        await FeedbackBook(store).submit(sent, keys, NOW)
    await store.retain(NOW, age_s=math.inf, bytes_max=await in_use(store) * 2 // 3)
    predictions = [found.prediction_id for found in (await reader.predictions(limit=1_000)).items]
    assert 0 < len(predictions) < 400
    assert sorted(f"f{name}" for name in predictions) == sorted(await ids(store))


async def test_what_was_done_to_an_item_that_is_gone_goes_after_a_year(
    store: Store, items: Items, reader: Reader, keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That to one that stays does not, nor what was done later; however many there are."""
    monkeypatch.setattr("sidecar.recording.retention.WATCH_SLICE_ROWS", 1)
    monkeypatch.setattr("sidecar.recording.retention.SLICE_ROWS_MAX", 1)
    late = NOW + 399 * DAY_S
    for name, at in (("stays", NOW), ("gone", NOW), ("went later", late)):
        await keep(name, at=at)
        await items.decide(name, "ann", at, "label", "labeled", {"labels": ()})
        if name == "gone":
            await items.delete(name, "ann", NOW)
    await items.delete("went later", "ann", late)
    await store.retain(NOW + 401 * DAY_S, age_s=1_000 * DAY_S, bytes_max=ENDLESS)
    told = [(event.sample_id, event.action) for event in (await reader.events()).items]
    assert told == [("went later", "delete"), ("went later", "label"), ("stays", "label")]
