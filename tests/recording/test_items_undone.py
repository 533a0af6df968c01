from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.recording import (
    Batch,
    FeedbackBook,
    FeedbackRow,
    Items,
    NotYours,
    Reader,
    Sample,
    Store,
    VerdictKey,
    VersionItem,
    VersionRow,
    Versions,
    WrongStatus,
)
from sidecar.types import Label

Keep = Callable[..., Awaitable[Sample]]
CAR = Label("car", (1.0, 2.0, 30.0, 40.5))


async def test_undo_restores_what_was_before(items: Items, reader: Reader, keep: Keep) -> None:
    """Labels, verdict and the lease come back as they were; the event that did it is marked by the one that undid."""
    await keep("s", drawn=0.1)
    claimed = await items.claim_next("det", "ann", "audit", 600.0, 0.0)
    assert claimed is not None
    await items.decide("s", "ann", 1.0, "label", "labeled", {"labels": (CAR,), "verdict": "correct"})
    undone = await items.undo("s", "ann", 2.0)
    assert undone == replace(claimed, revision=3)
    assert await reader.sample("s") == undone
    undo, label, claim = (await reader.events(sample_id="s")).items
    assert (undo.action, undo.from_status, undo.to_status) == ("undo", "labeled", "in_review")
    assert (label.undone, claim.undone, undo.undone) == (undo.event_id, None, None)
    assert label.after["labels"] == [{"label": "car", "box": [1.0, 2.0, 30.0, 40.5]}]


async def test_label_after_an_undo_still_counts_for_the_audit(items: Items, keep: Keep) -> None:
    """Also where the lease ran out in between: a slip of the hand takes no image out of the estimates."""
    await keep("s", drawn=0.1)
    await items.claim_next("det", "ann", "audit", 600.0, 0.0)
    await items.decide("s", "ann", 1.0, "reject", "rejected", {})
    await items.undo("s", "ann", 700.0)
    assert (await items.decide("s", "ann", 701.0, "label", "labeled", {"labels": ()})).reviewed_in == "audit"


async def test_second_undo_takes_back_what_was_done_before(items: Items, keep: Keep) -> None:
    """Step by step back to the beginning, and then there is nothing left."""
    stored = await keep("s")
    await items.claim("s", "ann", "", 600.0, 0.0)
    await items.decide("s", "ann", 1.0, "label", "labeled", {"labels": (CAR,)})
    relabeled = {"labels": (CAR, CAR)}
    await items.decide("s", "ann", 2.0, "label", "labeled", relabeled, from_statuses=("labeled",))
    assert (await items.undo("s", "ann", 3.0)).labels == (CAR,)
    assert (await items.undo("s", "ann", 4.0)).status == "in_review"
    assert await items.undo("s", "ann", 5.0) == replace(stored, revision=6)
    with pytest.raises(WrongStatus, match="nothing was done"):
        await items.undo("s", "ann", 6.0)


async def test_only_who_did_it_takes_it_back(items: Items, keep: Keep) -> None:
    """What another did last is not undone, nor what one did before that."""
    await keep("s")
    await items.claim("s", "ann", "", 600.0, 0.0)
    await items.release("s", "ann", 1.0)
    await items.claim("s", "bob", "", 600.0, 2.0)
    with pytest.raises(NotYours, match="'bob'") as caught:
        await items.undo("s", "ann", 3.0)
    assert caught.value.by == "bob"
    assert (await items.undo("s", "bob", 4.0)).claimed_by == ""


async def test_deleted_item_leaves_its_events_and_its_checksum(
    store: Store, items: Items, reader: Reader, keep: Keep, tmp_path: Path
) -> None:
    """Image and row go, whoever has it; each version that holds it says when, and keeps the labels."""
    kept = await keep("s")
    await items.decide("s", "ann", 1.0, "label", "labeled", {"labels": (CAR,)})
    versions = Versions(store)
    held = VersionItem("v1", "s", "train", "sha-s", (CAR,), "image/jpeg", kept.path, 10_000, 640, 480)
    await versions.add(VersionRow("v1", "det", "", "one", "ann", 2.0, "c", 1, {}), [held], {"s": "train"})
    gone = await items.delete("s", "bob", 5.0)
    assert gone is not None
    assert (gone.sample_id, gone.split, gone.in_versions) == ("s", "train", 1)
    assert not (tmp_path / kept.path).exists()
    assert await reader.sample("s") is None
    assert await versions.items("v1") == [replace(held, deleted_at=5.0)]
    assert await versions.deleted("v1") == 1
    told = (await reader.events(dataset_id="det")).items
    assert [(event.action, event.author, event.to_status) for event in told] == [
        ("delete", "bob", "deleted"),
        ("label", "ann", "labeled"),
    ]
    assert await items.delete("s", "bob", 6.0) is None


async def test_deleted_prediction_takes_all_that_is_of_it(
    store: Store, items: Items, reader: Reader, keep: Keep, make_prediction, commits: list[str]
) -> None:
    """Its image, the feedback and the verdict go and the version's image is marked; what was counted stays so."""
    await store.commit(Batch([make_prediction(prediction_id="p-s"), make_prediction(prediction_id="p-t")]))
    await keep("s")
    await items.decide("s", "ann", 1.0, "label", "labeled", {"labels": ()})
    held = VersionItem("v1", "s", "train", "sha-s", (), "image/jpeg", "samples/s.jpg", 10_000, 640, 480)
    await Versions(store).add(VersionRow("v1", "det", "", "", "", 2.0, "c", 1, {}), [held], {})
    book = FeedbackBook(store)
    keys = {name: VerdictKey("yolo", "3", "serving", "", 0, "") for name in ("p-s", "p-t")}
    said = [FeedbackRow(f"f-{name}", name, "", "correct", None, "", None, "", "", "", 5.0, 5.0) for name in keys]
    await book.submit(said, keys, 5.0)
    counted = await book.changes()
    commits.clear()
    assert [sample.sample_id for sample in await store.delete_prediction("p-s")] == ["s"]
    assert commits == ["FULL"]
    assert await reader.prediction("p-s") is None
    assert [row.prediction_id for row in (await reader.feedback()).items] == ["p-t"]
    assert await store.fetch("SELECT prediction_id FROM verdicts") == [("p-t",)]
    assert await book.changes() == counted
    assert [item.deleted_at is not None for item in await Versions(store).items("v1")] == [True]


async def test_events_are_paged(items: Items, reader: Reader, keep: Keep) -> None:
    """Newest first, the next page by the cursor of the last; what is no cursor is an error."""
    await keep("s")
    for now in range(5):
        await items.claim("s", "ann", "", now + 1.0, float(now))
    first = await reader.events(sample_id="s", limit=3)
    rest = await reader.events(sample_id="s", before=first.next)
    assert [event.at for event in (*first.items, *rest.items)] == [4.0, 3.0, 2.0, 1.0, 0.0]
    assert rest.next is None
    with pytest.raises(ValueError, match="before: 'x'"):
        await reader.events(before="x")
