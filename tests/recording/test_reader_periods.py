from typing import Any

import pytest

from sidecar.recording import Batch, Reader, Store
from sidecar.recording.reader_periods import VERSIONS_MERGED_MAX


async def all_of(reader: Reader, *arguments: Any, limit: int = 7, **filters: Any) -> list[str]:
    """The ids of a period, read page by page."""
    ids: list[str] = []
    after = None
    while True:
        page, after = await reader.predictions_between(*arguments, after, limit, **filters)
        assert len(page) <= limit
        ids += [prediction.prediction_id for prediction in page]
        if after is None:
            return ids
        assert len(page) == limit


async def explained(store: Store, reader: Reader, monkeypatch: pytest.MonkeyPatch, *arguments: Any) -> str:
    """How SQLite goes about the page."""
    steps: list[str] = []
    fetch = reader._fetch

    async def explain(statement, parameters):
        steps.extend(row[3] for row in await store.fetch(f"EXPLAIN QUERY PLAN {statement}", parameters))
        return await fetch(statement, parameters)

    monkeypatch.setattr(reader, "_fetch", explain)
    await reader.predictions_between(*arguments)
    monkeypatch.undo()
    return "; ".join(steps)


async def test_pages_oldest_first_reach_every_prediction_once(store: Store, reader: Reader, make_prediction) -> None:
    """All of [since, until) comes in the order of time, those of one instant in the order they came in."""
    await store.commit(Batch([make_prediction(number, at=float(number // 4)) for number in range(40)]))
    expected = [f"id-{number}" for number in range(8, 32)]
    assert await all_of(reader, "yolo", "3", 2.0, 8.0) == expected
    assert await all_of(reader, "yolo", None, 2.0, 8.0) == expected
    assert await all_of(reader, "yolo", "3", 2.0, 8.0, limit=24) == expected
    assert await all_of(reader, "yolo", "3", 100.0, 200.0) == []
    assert await all_of(reader, "none", None, 0.0, 200.0) == []


@pytest.mark.parametrize("versions", [1, 3, VERSIONS_MERGED_MAX, VERSIONS_MERGED_MAX + 1])
async def test_versions_of_a_model_come_in_one_order(
    store: Store, reader: Reader, make_prediction, versions: int
) -> None:
    """However many versions there are, their predictions are merged by time, without those of other models."""
    count = 4 * versions
    rows = [make_prediction(number, version=str(number % versions), at=float(number)) for number in range(count)]
    others = [make_prediction(10_000 + number, model="rtdetr", at=float(number)) for number in range(count)]
    await store.commit(Batch([*reversed(rows), *others]))
    assert await all_of(reader, "yolo", None, 1.0, float(count), limit=10) == [f"id-{n}" for n in range(1, count)]


async def test_roles_that_are_not_judged_are_left_out(store: Store, reader: Reader, make_prediction) -> None:
    """Shadow and override say nothing of the model in service; all other roles do. A slice is only itself."""
    roles = ("serving", "control", "treatment", "excluded", "override", "shadow")
    rows = [make_prediction(number, role=role, slice=str(number % 2)) for number, role in enumerate(roles)]
    await store.commit(Batch(rows))
    assert await all_of(reader, "yolo", "3", 0.0, 1e12) == ["id-0", "id-1", "id-2", "id-3"]
    assert await all_of(reader, "yolo", None, 0.0, 1e12, slice="1") == ["id-1", "id-3"]
    assert len(await all_of(reader, "yolo", "3", 0.0, 1e12, roles_without=())) == 6


async def test_page_bears_the_predictions_whole(store: Store, reader: Reader, make_prediction) -> None:
    """Detections come along."""
    written = make_prediction(1)
    await store.commit(Batch([written]))
    (found,), after = await reader.predictions_between("yolo", "3", 0.0, 1e12)
    assert after is None
    assert found.detections is not None
    assert found.detections.labels == written.detections.labels


async def test_each_page_is_found_by_the_index(store: Store, reader: Reader, make_prediction, monkeypatch) -> None:
    """A version is read from where the last page ended, several are merged as they come: nothing is sorted."""
    await store.commit(Batch([make_prediction(number, version=str(number % 3)) for number in range(30)]))
    by_version = "SEARCH predictions USING INDEX predictions_model (model=? AND version=? AND at>? AND at<?)"
    steps = await explained(store, reader, monkeypatch, "yolo", "1", 0.0, 1e12, (1_700_000_004.0, 5))
    assert steps == by_version
    steps = await explained(store, reader, monkeypatch, "yolo", None, 0.0, 1e12)
    assert steps.count(by_version) == 3
    assert "TEMP B-TREE" not in steps
    rows = [make_prediction(100 + number, version=f"v{number}") for number in range(VERSIONS_MERGED_MAX)]
    await store.commit(Batch(rows))
    steps = await explained(store, reader, monkeypatch, "yolo", None, 0.0, 1e12)
    assert "predictions_at (at>? AND at<?)" in steps
    assert "TEMP B-TREE" not in steps


async def test_senseless_limit_is_named(reader: Reader) -> None:
    """A page has from one to a thousand predictions."""
    for limit in (0, 1_001):
        with pytest.raises(ValueError, match=r"^limit:"):
            await reader.predictions_between("yolo", "3", 0.0, 1.0, None, limit)
