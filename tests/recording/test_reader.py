import math
import os
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from sidecar.recording import Batch, Reader, Sample, Store, StoreError, SummaryRow
from sidecar.types import Detections


async def test_prediction_comes_back_whole(store: Store, reader: Reader, make_prediction) -> None:
    """Every field of a prediction, and its detections bit for bit, survive the store."""
    written = make_prediction(1, image_index=2, epoch=3, experiment="e", role="treatment", error="timeout", status=504)
    await store.commit(Batch([written]))
    found = await reader.prediction("id-1")
    assert found is not None
    for item in fields(written):
        if item.name != "detections":
            assert getattr(found, item.name) == getattr(written, item.name), item.name
    assert found.detections is not None
    np.testing.assert_array_equal(found.detections.boxes, written.detections.boxes)
    assert found.detections.labels == written.detections.labels


async def test_missing_detections_and_empty_ones_stay_apart(store: Store, reader: Reader, make_prediction) -> None:
    """None comes back as None and no detections as no detections."""
    empty = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32), ())
    await store.commit(
        Batch([make_prediction(1, detections=None, undecodable="shape"), make_prediction(2, detections=empty)])
    )
    first, second = await reader.prediction("id-1"), await reader.prediction("id-2")
    assert first is not None
    assert second is not None
    assert first.detections is None
    assert second.detections is not None
    assert [p.prediction_id for p in (await reader.predictions(status="empty")).items] == ["id-2"]
    assert [p.prediction_id for p in (await reader.predictions(status="undecodable")).items] == ["id-1"]


async def test_nan_latency_comes_back_as_nan(store: Store, reader: Reader, make_prediction) -> None:
    """A latency that was not measured does not stop the row."""
    await store.commit(Batch([make_prediction(1, first_byte_ms=float("nan"))]))
    found = await reader.prediction("id-1")
    assert found is not None
    assert math.isnan(found.first_byte_ms)


async def test_pages_newest_first_reach_every_prediction_once(store: Store, reader: Reader, make_prediction) -> None:
    """Following the cursor visits all, also those of one instant, while new ones come in."""
    await store.commit(Batch([make_prediction(number, at=float(number // 4)) for number in range(30)]))
    seen = []
    cursor = None
    while True:
        page = await reader.predictions(before=cursor, limit=7)
        seen += [p.prediction_id for p in page.items]
        await store.commit(Batch([make_prediction(1_000 + len(seen), at=1e6)]))
        cursor = page.next
        if cursor is None:
            break
    assert seen == [f"id-{number}" for number in reversed(range(30))]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"model": "rtdetr"}, ["id-2"]),
        ({"version": "4"}, ["id-1"]),
        ({"role": "shadow"}, ["id-3"]),
        ({"status": 500}, ["id-4"]),
        ({"status": "error"}, ["id-4"]),
        ({"status": "ok", "model": "yolo", "version": "3"}, ["id-3", "id-0"]),
        ({"since": 1_700_000_003}, ["id-4", "id-3"]),
        ({"until": 1_700_000_001}, ["id-0"]),
        ({"label": "person", "limit": 1}, ["id-4"]),
        ({"label": "kite"}, []),
        ({"label": "per"}, []),
    ],
)
async def test_filter_finds_what_it_names(
    store: Store, reader: Reader, make_prediction, filters: dict[str, object], expected: list[str]
) -> None:
    """Each filter narrows to its matches; a label counts only at or above the score threshold."""
    changes = [{}, {"version": "4"}, {"model": "rtdetr"}, {"role": "shadow"}, {"status": 500}]
    await store.commit(Batch([make_prediction(number, **change) for number, change in enumerate(changes)]))
    page = await reader.predictions(**filters)
    assert [p.prediction_id for p in page.items] == expected


async def test_bare_request_id_serves_where_there_is_one_image(store: Store, reader: Reader, make_prediction) -> None:
    """The images of a request are listed in their order; its bare id names a prediction only if it had one image."""
    images = [make_prediction(7, prediction_id=f"id-7.{i}", request_id="id-7", image_index=i) for i in (10, 2, 0)]
    single = make_prediction(70, prediction_id="id-70.0", request_id="id-70")
    await store.commit(Batch([*images, single]))
    assert [p.image_index for p in await reader.by_request("id-7")] == [0, 2, 10]
    assert await reader.prediction("id-7") is None
    found = await reader.prediction("id-70")
    assert found is not None
    assert found.prediction_id == "id-70.0"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 5_000}, "limit"),
        ({"before": "yesterday"}, "before"),
        ({"status": "fine"}, "status"),
    ],
)
async def test_senseless_argument_is_named(reader: Reader, arguments: dict[str, object], field: str) -> None:
    """A bad limit, cursor or status is a ValueError that begins with the argument's name."""
    with pytest.raises(ValueError, match=f"^{field}:"):
        await reader.predictions(**arguments)


async def test_reader_of_a_folder_without_store_says_missing(tmp_path: Path) -> None:
    """Opening where nothing was recorded yet is an error with its reason, and creates no file."""
    with pytest.raises(StoreError) as caught:
        await Reader.open(tmp_path)
    assert caught.value.reason == "missing"
    assert os.listdir(tmp_path) == []


async def test_reader_cannot_write(reader: Reader) -> None:
    """The connection is read-only."""
    with pytest.raises(StoreError) as caught:
        await reader._fetch("DELETE FROM predictions", [])
    assert caught.value.reason == "readonly"


async def test_models_are_listed_from_predictions_and_summaries(store: Store, reader: Reader, make_prediction) -> None:
    """Each (model, version) is listed once, sorted, also one of which only summaries are left."""
    rows = [make_prediction(i, model=m, version=v) for i, (m, v) in enumerate([("b", "1"), ("a", "2"), ("a", "1")] * 3)]
    summary = SummaryRow(1_700_000_000 // 3600 * 3600, 3600, "c", "9", "serving", "", 0, "", 1, b"")
    await store.commit(Batch(rows, [summary]))
    assert await reader.models() == [("a", "1"), ("a", "2"), ("b", "1"), ("c", "9")]


async def test_summaries_are_found_by_width_and_time(store: Store, reader: Reader) -> None:
    """Rows of one width come oldest first, the end of the range excluded."""
    row = SummaryRow(0, 10, "m", "1", "serving", "", 0, "", 1, b"x")
    rows = [replace(row, bucket=bucket) for bucket in (20, 0, 10, 30)]
    await store.commit(Batch(summaries=[*rows, replace(row, width_s=60), replace(row, bucket=10, model="n")]))
    found = await reader.summaries(since=10, until=30, width_s=10, model="m")
    assert [item.bucket for item in found] == [10, 20]
    assert len(await reader.summaries(since=0, until=1e12, width_s=60)) == 1


async def test_samples_are_paged_and_filtered(store: Store, reader: Reader) -> None:
    """Samples come newest first, by reason and status too."""
    sample = Sample("s", "p", "m", "1", 0.0, ("random_sample",), 0.1, "needs_review", "image/png", "samples/s", 9, 4, 3)
    for number in range(5):
        reasons = ("low_confidence", "random_sample") if number == 3 else ("random_sample",)
        status, dataset_id = ("rejected", "det") if number == 1 else ("needs_review", "")
        await store.add_sample(
            replace(
                sample,
                sample_id=f"s{number}",
                at=float(number),
                reasons=reasons,
                status=status,
                dataset_id=dataset_id,
            )
        )
    first = await reader.samples(limit=3)
    assert [s.sample_id for s in first.items] == ["s4", "s3", "s2"]
    assert [s.sample_id for s in (await reader.samples(before=first.next)).items] == ["s1", "s0"]
    assert [s.sample_id for s in (await reader.samples(reason="low_confidence")).items] == ["s3"]
    assert [s.sample_id for s in (await reader.samples(status="rejected")).items] == ["s1"]
    assert [s.sample_id for s in (await reader.samples(dataset_id="det")).items] == ["s1"]
    found = await reader.sample("s3")
    assert found is not None
    assert found.reasons == ("low_confidence", "random_sample")
    assert await reader.sample("none") is None


async def test_summaries_are_found_by_several_models(store: Store, reader: Reader) -> None:
    """Any of those that are named; none are found where none is named; what no store can hold hides no other."""
    row = SummaryRow(0, 10, "m", "1", "serving", "", 0, "", 1, b"x")
    await store.commit(Batch(summaries=[replace(row, model=model) for model in "klmn"]))

    async def found(models: list[str] | None, **filters: str) -> list[str]:
        return [item.model for item in await reader.summaries(since=0, until=1, width_s=10, models=models, **filters)]

    assert await found(None) == ["k", "l", "m", "n"]
    assert await found(["n", "l", "none", "caf\udce9"]) == ["l", "n"]
    assert await found(["n", "l"], model="n") == ["n"]
    assert await found([]) == []
    assert await found(["caf\udce9"]) == []
    with pytest.raises(ValueError, match=r"^models: 10001 "):
        await found(["m"] * 10_001)


async def test_cost_of_listing_models_does_not_grow_with_what_they_did(
    store: Store, reader: Reader, make_prediction
) -> None:
    """Hours and predictions of two models come to as many steps, whether there are few or thousands."""
    names = [("a", "1"), ("a", "2"), ("b", "1")]
    steps: list[int] = []

    def count() -> None:
        steps[-1] += 1

    for hours in (range(20), range(20, 3_000)):
        rows = [
            SummaryRow(hour * 3_600, 3_600, *name, "serving", "", 0, "", 1, b"") for name in names for hour in hours
        ]
        predictions = [
            make_prediction(hour * 9 + i, model=m, version=v) for i, (m, v) in enumerate(names) for hour in hours
        ]
        await store.commit(Batch(predictions, rows))
        steps.append(0)
        connection = reader._connection._opened.connection
        await connection.set_progress_handler(count, 1)
        assert await reader.models() == names
        await connection.set_progress_handler(lambda: None, 1 << 30)
    assert steps[1] <= steps[0] * 1.1
