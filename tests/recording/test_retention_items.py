import math
from pathlib import Path

import pytest

from sidecar.recording import (
    Batch,
    FeedbackBook,
    FeedbackRow,
    Items,
    Reader,
    Store,
    VerdictKey,
    VersionItem,
    VersionRow,
    Versions,
    evictions,
)

NOW = 1_700_100_000.0
DAY_S = 86_400
KEY = VerdictKey("yolo", "3", "serving", "", 0, "")


async def one_of_each(store: Store, items: Items, keep, at: float = 0.0) -> None:
    """Items of every kind, each of 100 kB and named after what it is; those to go last are the oldest."""
    for place, name in enumerate(("labeled", "versioned", "held", "audit", "audit over", "value", "over", "rejected")):
        drawn = 0.1 if name.startswith("audit") else 0.0
        await keep(name, drawn=drawn, at=at + place, bytes=100_000, audit_rank=float(name == "audit"))
    await items.decide("labeled", "ann", NOW, "label", "labeled", {"labels": ()})
    await items.decide("rejected", "ann", NOW, "reject", "rejected", {})
    await items.claim("held", "ann", "", NOW + 600, NOW)
    await items.claim("over", "ann", "", NOW, NOW - 600)
    assert (await items.claim_next("det", "ann", "audit", NOW, NOW - 600)).sample_id == "audit over"
    held = VersionItem("v1", "versioned", "train", "sha", (), "image/jpeg", "samples/versioned.jpg", 9, 4, 3)
    await Versions(store).add(VersionRow("v1", "det", "", "", "", 2.0, "c", 1, {}), [held], {})


async def test_age_takes_only_what_nobody_reviewed_or_what_was_rejected(
    store: Store, items: Items, reader: Reader, keep, tmp_path: Path
) -> None:
    """What is labeled, in a version or under review at the moment stays, with its file; younger ones stay too."""
    await one_of_each(store, items, keep)
    await keep("young", at=NOW - 50)
    removed = await store.retain(NOW, age_s=100, bytes_max=1 << 40)
    gone = ["audit", "audit over", "over", "rejected", "value"]
    assert sorted(sample.sample_id for sample in removed.samples) == gone
    left = {item.sample_id for item in (await reader.samples()).items}
    assert left == {"labeled", "versioned", "held", "young"}
    assert {path.stem for path in (tmp_path / "samples").iterdir()} == left


async def test_bytes_take_rejected_ones_first_and_the_audit_last(store: Store, items: Items, keep) -> None:
    """However old the others are: each round takes as much as is too much, and the oldest of a kind first."""
    await one_of_each(store, items, keep)
    await store.retain(NOW, age_s=math.inf, bytes_max=1 << 40)
    gone: list[str] = []
    for rung in (1, 2, 2):
        samples = sum(bytes_ for (bytes_,) in await store.fetch("SELECT bytes FROM samples"))
        pages = (await store.fetch("PRAGMA page_count"))[0][0] * (await store.fetch("PRAGMA page_size"))[0][0]
        # over by less than a slice: one is enough, and a slice takes all that there are of a kind
        removed = await store.retain(NOW, age_s=math.inf, bytes_max=samples + pages - 50_000)
        gone += [sample.sample_id for sample in removed.samples]
        assert len(removed.samples) == rung
    assert gone == ["rejected", "value", "over", "audit", "audit over"]


async def test_predictions_go_where_only_images_are_left_that_stay(
    store: Store, items: Items, reader: Reader, keep, make_prediction
) -> None:
    """What the images take that stay is told, by the round and by the store's health."""
    await store.commit(Batch([make_prediction(number) for number in range(200)]))
    await one_of_each(store, items, keep)
    removed = await store.retain(NOW, age_s=math.inf, bytes_max=0)
    assert removed.predictions == 200
    assert (removed.kept_bytes, store.health.kept_bytes) == (200_000, 200_000)
    left = [item.sample_id for item in (await reader.samples()).items]
    assert sorted(left) == ["held", "labeled", "versioned"]


async def test_images_that_go_are_told_without_their_detections(store: Store, keep, detections) -> None:
    """With the rules that kept them; thousands may go in a round."""
    await keep("s", at=0.0, detections=detections, reasons=("low_confidence", "no_detections"))
    (gone,) = (await store.retain(NOW, age_s=100, bytes_max=1 << 40)).samples
    assert (gone.reasons, gone.detections) == (("low_confidence", "no_detections"), None)


async def test_what_stays_is_not_looked_through(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kind that may go is a range of an index, oldest first: a hundred thousand labeled images cost nothing."""
    plans: list[str] = []

    async def explain(connection):
        execute = connection.execute_fetchall

        async def explained(statement, parameters=()):
            plans.extend(row[3] for row in await execute(f"EXPLAIN QUERY PLAN {statement}", parameters))
            return await execute(statement, parameters)

        with monkeypatch.context() as patch:
            patch.setattr(connection, "execute_fetchall", explained)
            for rung in evictions.RUNGS:
                await evictions.oldest(connection, rung, NOW, NOW, 20)
            await evictions.kept_bytes(connection)

    await store.run(explain)
    looked = [step for step in plans if "samples" in step]
    ranges = [step for step in looked if "samples_evictable" in step]
    assert len(ranges) == 7
    assert all("COVERING INDEX" in step for step in ranges)
    rest = {step for step in looked if "samples_evictable" not in step}
    assert rest == {
        "SEARCH samples USING INTEGER PRIMARY KEY (rowid=?)",
        "SCAN samples USING COVERING INDEX samples_at",
    }


def said(feedback_id: str, prediction_id: str, received_at: float) -> FeedbackRow:
    return FeedbackRow(
        feedback_id, prediction_id, "", "correct", None, "", None, "", "ann", "", received_at, received_at
    )


async def test_feedback_goes_after_a_year_with_its_verdicts(store: Store, reader: Reader) -> None:
    """By when it was received, whatever becomes of the prediction; what is not counted yet stays to be counted."""
    book = FeedbackBook(store)
    old, young = NOW - 401 * DAY_S, NOW - 399 * DAY_S
    for name, at in (("old", old), ("young", young)):
        await book.submit([said(f"f-{name}", name, at)], {name: KEY}, at)
    await store.retain(NOW, age_s=DAY_S, bytes_max=1 << 40)
    assert [row.prediction_id for row in (await reader.feedback()).items] == ["young"]
    assert await store.fetch("SELECT prediction_id FROM verdicts") == [("young",)]
    assert len(await book.changes()) == 2


async def test_feedback_whose_prediction_never_came_goes_after_a_week(store: Store) -> None:
    """It is told how much; while the clocks disagree nothing goes."""
    book = FeedbackBook(store)
    early = [said("old", "p1", NOW - 8 * DAY_S), said("young", "p2", NOW - 6 * DAY_S)]
    await book.submit(early, {}, NOW)
    assert (await store.retain(NOW, age_s=math.inf, bytes_max=1 << 40)).pending_dropped == 0
    assert (await store.retain(NOW, age_s=DAY_S, bytes_max=1 << 40)).pending_dropped == 1
    assert [row.feedback_id for _, row in await book.pending()] == ["young"]


async def test_events_of_items_stay(store: Store, items: Items, reader: Reader, keep) -> None:
    """What reviewers did outlives the image that retention took."""
    await keep("s", at=0.0)
    await items.decide("s", "ann", NOW - 399 * DAY_S, "reject", "rejected", {})
    await store.retain(NOW, age_s=DAY_S, bytes_max=1 << 40)
    assert await reader.sample("s") is None
    assert [event.action for event in (await reader.events(sample_id="s")).items] == ["reject"]
