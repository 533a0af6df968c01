from itertools import pairwise

import numpy as np
import pytest

from sidecar.recording import Items, Reader, Store
from sidecar.recording.queues import BY_VALUE, ORDERS, keys_after
from sidecar.types import Label

NOW = 1_000.0
CAR = Label("car", (1.0, 2.0, 30.0, 40.5))


async def all_pages(reader: Reader, limit: int, **filters) -> list[list[str]]:
    """The sample ids of each page of a dataset."""
    pages: list[list[str]] = []
    before: str | None = None
    while True:
        page = await reader.items("det", now=NOW, before=before, limit=limit, **filters)
        pages.append([item.sample_id for item in page.items])
        before = page.next
        if before is None:
            return pages


@pytest.fixture
async def six(items: Items, keep) -> None:
    """Two that wait, one whose lease ran out, one under review, one labeled, one rejected; two of them drawn."""
    await keep("waits", value=0.6, reasons=("low_confidence", "no_detections"))
    await keep("drawn", drawn=0.1, value=0.5, audit_rank=0.9)
    await keep("over", value=0.4, model="other")
    await keep("held", value=0.3, version="4")
    await keep("labeled", drawn=0.1, value=0.2, audit_rank=0.1, split="val")
    await keep("rejected", value=0.1, at=1_700_000_500.0)
    await items.claim("over", "ann", "value", NOW, 0.0)
    await items.claim("held", "bob", "value", NOW + 1, 0.0)
    await items.claim_next("det", "ann", "audit", 600.0, 0.0)
    await items.decide("labeled", "ann", 0.0, "label", "labeled", {"labels": (CAR,)})
    await items.decide("rejected", "ann", 0.0, "reject", "rejected", {})
    await keep("other", dataset_id="other", value=1.0)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["waits", "over", "held", "labeled", "rejected"]),
        ({"status": "needs_review"}, ["waits", "over"]),
        ({"status": "needs_review", "queue": "audit"}, ["drawn"]),
        ({"status": "in_review"}, ["held"]),
        ({"status": "labeled"}, ["labeled"]),
        ({"status": "rejected"}, ["rejected"]),
        ({"queue": "value"}, ["waits", "over", "held", "rejected"]),
        ({"queue": "audit"}, ["labeled", "drawn"]),
        ({"queue": "value", "status": "needs_review"}, ["waits", "over"]),
        ({"reason": "no_detections"}, ["waits"]),
        ({"reason": "random_sample"}, []),
        ({"model": "yolo", "queue": "audit"}, []),
        ({"model": "yolo", "version": "4"}, ["held"]),
        ({"claimed_by": "bob"}, ["held"]),
        ({"claimed_by": "ann"}, []),
        ({"since": 1_700_000_500.0}, ["rejected"]),
        ({"until": 1_700_000_500.0, "status": "rejected"}, []),
        ({"label": "car"}, ["labeled"]),
        ({"split": "val"}, ["labeled"]),
        ({"split": "val", "status": "labeled"}, ["labeled"]),
        ({"split": "train"}, []),
    ],
)
async def test_items_are_filtered_in_their_order(six: None, reader: Reader, filters: dict, expected: list[str]) -> None:
    """By value, the audit by its rank, whatever the size of the page; a lease that ran out is none."""
    for limit in (1, 2, 100):
        pages = await all_pages(reader, limit, **filters)
        assert [name for page in pages for name in page] == expected
        assert all(len(page) <= limit for page in pages)


async def test_items_are_told_as_they_stand(six: None, reader: Reader) -> None:
    """A lease that ran out does not show; the stored row has it still."""
    (over,) = (await reader.items("det", now=NOW, model="other")).items
    assert (over.status, over.claimed_by, over.claimed_until) == ("needs_review", "", 0.0)
    assert await reader.item("over", NOW) == over
    stored = await reader.sample("over")
    assert stored is not None
    assert (stored.status, stored.claimed_by) == ("in_review", "ann")
    assert await reader.item("none", NOW) is None


async def test_class_counts_from_the_score_threshold_up(reader: Reader, keep, detections) -> None:
    """A detection under it is none; one at it is, and so is a box that a person drew."""
    await keep("seen", detections=detections, score_threshold=float(np.float32(0.5)))
    await keep("low", detections=detections, score_threshold=0.95, labels=(CAR,))
    for label, expected in (("person", ["seen"]), ("car", ["low", "seen"]), ("kite", []), ("dog", [])):
        found = await all_pages(reader, 10, label=label)
        assert sorted(name for page in found for name in page) == expected, label


async def test_rare_class_is_looked_for_page_by_page(reader: Reader, keep, monkeypatch) -> None:
    """No page looks at more items than the bound: pages may be empty, and the next goes on where it ended."""
    monkeypatch.setattr("sidecar.recording.reader_items.ITEMS_SCANNED_MAX", 20)
    monkeypatch.setattr("sidecar.recording.reader_items._LABEL_SLICE", 10)
    monkeypatch.setattr("sidecar.recording.reader_items._SCAN_SLICE", 10)
    for number in range(50):
        is_rare = number == 5
        await keep(
            f"s{number}", value=number / 100, labels=(CAR,) if is_rare else None, version="9" if is_rare else "3"
        )
    assert await all_pages(reader, 5, label="car") == [[], [], ["s5"]]
    assert await all_pages(reader, 5, version="9") == [[], [], ["s5"]]


async def test_page_that_is_full_ends_where_its_last_item_is(reader: Reader, keep) -> None:
    """Filters or not, nothing is told twice and nothing is left out."""
    for number in range(25):
        await keep(f"s{number:02}", value=(number % 3) / 10, reasons=("a",) if number % 2 else ("b",))
    for filters in ({}, {"reason": "a"}, {"reason": "a", "status": "needs_review"}):
        whole = [name for page in await all_pages(reader, 1_000, **filters) for name in page]
        assert len(whole) == len(set(whole)) == (12 if filters else 25)
        for limit in (1, 3, 12):
            assert [name for page in await all_pages(reader, limit, **filters) for name in page] == whole


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"status": "new"}, "status: 'new'"),
        ({"queue": "best"}, "queue: 'best'"),
        ({"limit": 0}, "limit: 0"),
        ({"before": "x"}, "before: 'x'"),
    ],
)
async def test_argument_that_makes_no_sense_is_named(reader: Reader, arguments: dict, named: str) -> None:
    """Statuses and queues are those there are."""
    with pytest.raises(ValueError, match=named):
        await reader.items("det", now=NOW, **arguments)


async def test_labeled_items_come_by_id_without_detections(store: Store, reader: Reader, keep, detections) -> None:
    """Page by page; those of another status or dataset don't."""
    for name in ("c", "a", "b"):
        await keep(name, status="labeled", labels=(CAR,), detections=detections)
    await keep("d")
    await keep("e", status="labeled", dataset_id="other")
    first = await reader.labeled("det", limit=2)
    rest = await reader.labeled("det", first[-1].sample_id, 2)
    assert [(item.sample_id, item.labels, item.detections) for item in (*first, *rest)] == [
        (name, (CAR,), None) for name in ("a", "b", "c")
    ]
    plan = await store.fetch(
        "EXPLAIN QUERY PLAN SELECT * FROM samples WHERE dataset_id = ? AND status = 'labeled' AND sample_id > ?"
        " ORDER BY sample_id LIMIT ?",
        ("det", "", 5),
    )
    assert [row[3] for row in plan] == ["SEARCH samples USING INDEX samples_labeled (dataset_id=? AND sample_id>?)"]


@pytest.mark.parametrize("order", [BY_VALUE, *ORDERS.values()])
@pytest.mark.parametrize("status", [None, "needs_review", "in_review", "labeled"])
@pytest.mark.parametrize("after", [None, (0.5, 7)])
async def test_orders_are_read_from_an_index_alone(store: Store, order, status: str | None, after) -> None:
    """However many items there are, a page looks at as many as it tells; nothing of a dataset is sorted."""
    statement, parameters = keys_after(order, "det", status, NOW, after, 10)
    plan = [row[3] for row in await store.fetch(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    looked = [step for step in plan if step.startswith(("SEARCH", "SCAN samples"))]
    assert looked
    assert all("USING COVERING INDEX samples_" in step for step in looked), plan
    assert all("dataset_id=? AND status=?" in step for step in looked), plan
    assert not any(step.startswith("SEARCH") and then.startswith("USE TEMP B-TREE") for step, then in pairwise(plan)), (
        plan
    )


async def test_kept_images_of_a_dataset_come_by_time(store: Store, reader: Reader, keep) -> None:
    """Newest first, and the dataset's items are not put into order for it."""
    for number in range(3):
        await keep(f"s{number}", at=float(number))
    await keep("other", dataset_id="other")
    assert [item.sample_id for item in (await reader.samples(dataset_id="det")).items] == ["s2", "s1", "s0"]
