"""Going through all predictions: the same as by pages, each once, whatever the writer does meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from sidecar.recording import (
    Batch,
    PredictionFilters,
    PredictionScan,
    Reader,
    Store,
    StoreError,
    predictions_of,
    reader_scan,
)
from sidecar.types import Detections
from tests.recording.conftest import MakePrediction

AT = 1_700_000_000.25


@pytest.fixture(autouse=True)
def pages_of_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short pages, so that few predictions make many."""
    monkeypatch.setattr(reader_scan, "SCAN_ROWS", 10)


async def fill(store: Store, make: MakePrediction, numbers: range, **changes: Any) -> None:
    await store.commit(Batch([make(number, **changes) for number in numbers], [], {(0, 1): numbers.stop}))


async def fill_mixed(store: Store, make: MakePrediction, versions: int = 3) -> None:
    """60 predictions of two models in a few versions; of each three two have the same time."""
    made = [
        make(
            number,
            at=AT + number // 3 * 3,
            model=("yolo", "detr")[number % 2],
            version=str(number % versions),
            status=(200, 503)[number % 5 == 0],
            role=("serving", "shadow")[number % 7 == 0],
        )
        for number in range(60)
    ]
    await store.commit(Batch(made, [], {(0, 1): 1}))


async def by_scan(reader: Reader, filters: PredictionFilters) -> list[str]:
    async with await reader.scan_predictions(filters) as scan:
        return [found async for found in _ids(scan)]


async def _ids(scan: PredictionScan) -> Any:
    while rows := await scan.page():
        for prediction in predictions_of(rows):
            yield prediction.prediction_id


async def by_pages(reader: Reader, **filters: Any) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        page = await reader.predictions(**filters, before=cursor, limit=7)
        found += [item.prediction_id for item in page.items]
        cursor = page.next
        if cursor is None:
            return found


@pytest.mark.parametrize("versions", [1, 3, 40])
@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"model": "yolo"},
        {"model": "yolo", "version": "1"},
        {"version": "0"},
        {"model": "detr", "status": "error", "since": AT + 6, "until": AT + 48},
        {"role": "shadow", "label": "car"},
        {"model": "nobody"},
        {"model": "lone \ud800"},
    ],
    ids=str,
)
async def test_scan_gives_what_pages_give_in_order(
    store: Store, reader: Reader, make_prediction: MakePrediction, filters: dict[str, Any], versions: int
) -> None:
    """Whatever is asked for, both give it newest first and once; with more versions than are merged, too."""
    await fill_mixed(store, make_prediction, versions)
    everything = sorted(
        (await reader.predictions(limit=100)).items, key=lambda item: (-item.at, -int(item.prediction_id[3:]))
    )
    expected = [item.prediction_id for item in everything if _holds(item, filters)]
    assert await by_scan(reader, PredictionFilters(**filters)) == expected
    assert await by_pages(reader, **filters) == expected


def _holds(item: Any, filters: dict[str, Any]) -> bool:
    return (
        all(filters.get(name, getattr(item, name)) == getattr(item, name) for name in ("model", "version", "role"))
        and ("status" not in filters or item.status == 503)
        and filters.get("since", 0) <= item.at < filters.get("until", 1e12)
    )


async def test_pages_of_one_model_are_found_by_the_index_without_sorting(
    store: Store, reader: Reader, make_prediction: MakePrediction
) -> None:
    """A page of a model costs a page, however many predictions the model has."""
    await fill_mixed(store, make_prediction)
    plans: list[str] = []

    async def explain(statement: str, parameters: Any) -> Any:
        plans.extend(
            str(row[3]) for row in await reader._connection.fetch(f"EXPLAIN QUERY PLAN {statement}", parameters)
        )
        return await reader._connection.fetch(statement, parameters)

    reader._fetch = explain  # type: ignore[method-assign] # to see the statements that are really asked
    await reader.predictions(model="yolo", before=f"{AT + 30}_1", limit=5)
    assert any("predictions_model (model=? AND version=? AND at<" in plan for plan in plans)
    assert not any("TEMP B-TREE" in plan for plan in plans)


@pytest.mark.parametrize("filters", [{}, {"model": "yolo"}, {"model": "yolo", "version": "1"}], ids=str)
async def test_last_page_costs_no_more_than_the_first(
    store: Store, reader: Reader, make_prediction: MakePrediction, filters: dict[str, str]
) -> None:
    """No page passes by what the pages before it held; counted in steps of SQLite's machine."""
    for start in range(0, 1_500, 500):
        made = [make_prediction(number, version=str(number % 2)) for number in range(start, start + 500)]
        await store.commit(Batch(made, [], {(0, 1): start}))
    asked = PredictionFilters(**filters, since=AT - 10, until=AT + 10_000)
    async with await reader.scan_predictions(asked) as scan:
        steps: list[int] = []

        def count() -> int:
            steps[-1] += 1
            return 0

        await scan._connection._opened.connection.set_progress_handler(count, 1)
        rows = [()]
        while rows:
            steps.append(0)
            rows = await scan.page()
    whole = steps[1:-2]  # the first reads the schema, too
    assert len(whole) > 50
    assert max(whole) < 1.5 * min(whole)


async def test_page_ends_early_where_rows_are_heavy(
    store: Store, reader: Reader, make_prediction: MakePrediction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded by bytes, not by rows alone, and nothing is left out."""
    monkeypatch.setattr(reader_scan, "SCAN_ROWS", 1_000)
    monkeypatch.setattr(reader_scan, "SCAN_BYTES", 100_000)
    n = 2_000
    heavy = Detections(np.zeros((n, 4), "f4"), np.ones(n, "f4"), np.zeros(n, "i4"), ("car",))
    await fill(store, make_prediction, range(120), detections=heavy)
    async with await reader.scan_predictions(PredictionFilters()) as scan:
        sizes = []
        while rows := await scan.page():
            sizes.append(len(rows))
    assert sum(sizes) == 120
    assert max(sizes) == 50, "the rows that are read before their weight is looked at"


async def test_what_is_written_and_deleted_meanwhile_makes_no_difference_to_the_rest(
    store: Store, reader: Reader, make_prediction: MakePrediction
) -> None:
    """Newer predictions are not among them, deleted ones are left out, all others come once."""
    await fill(store, make_prediction, range(50))
    async with await reader.scan_predictions(PredictionFilters()) as scan:
        first = [item.prediction_id for item in predictions_of(await scan.page())]
        await fill(store, make_prediction, range(50, 60))
        await store.retain(AT + 30, 10, 1 << 40)
        rest = [found async for found in _ids(scan)]
    left = {item.prediction_id for item in (await reader.predictions(limit=100)).items}
    assert "id-0" not in left, "retention took the oldest"
    assert [*first, *rest] == [name for number in reversed(range(50)) if (name := f"id-{number}") in left]


async def test_store_that_is_set_aside_ends_the_scan_with_an_error(
    store: Store,
    reader: Reader,
    make_prediction: MakePrediction,
    damage_store: Callable[[], Awaitable[None]],
) -> None:
    """The fresh store does not hold the rest: to go on in it would be a short list without a word."""
    await fill(store, make_prediction, range(50))
    async with await reader.scan_predictions(PredictionFilters()) as scan:
        await scan.page()
        await damage_store()
        await store.check()
        await fill(store, make_prediction, range(50, 60))
        assert store.health.set_aside
        with pytest.raises(StoreError, match="set aside"):
            await scan.page()


async def test_damage_that_a_scan_meets_is_told(
    store: Store, reader: Reader, make_prediction: MakePrediction, damage_store: Callable[[], Awaitable[None]]
) -> None:
    """The writer works from its cache and may not see it by itself."""
    await fill(store, make_prediction, range(50))
    told: list[bool] = []

    async def heal() -> None:
        told.append(True)

    reader.on_corrupt = heal
    async with await reader.scan_predictions(PredictionFilters()) as scan:
        await damage_store()
        with pytest.raises(StoreError):
            await scan.page()
    assert told == [True]


async def test_scan_that_is_given_up_leaves_no_connection(
    store: Store, reader: Reader, make_prediction: MakePrediction
) -> None:
    """Whoever waits for a page may be cancelled; the store can be deleted and closed after that."""
    await fill(store, make_prediction, range(50))
    async with await reader.scan_predictions(PredictionFilters(label="nothing")) as scan:
        asked = asyncio.create_task(scan.page())
        await asyncio.sleep(0)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
    await scan._connection.close()
    assert scan._connection._opened.closing


async def test_filter_that_makes_no_sense_is_named(reader: Reader) -> None:
    """As a page names it."""
    with pytest.raises(ValueError, match=r"^status: 'maybe' is neither"):
        await reader.scan_predictions(PredictionFilters(status="maybe"))
