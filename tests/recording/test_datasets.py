from dataclasses import replace

import numpy as np
import pytest

from sidecar.hashing import unit_interval
from sidecar.recording import Batch, DatasetRow, Datasets, Full, Reader, Store, Taken

ROW = DatasetRow("det", "Det", 5.0, "person")


@pytest.fixture
def datasets(store: Store) -> Datasets:
    return Datasets(store)


async def test_datasets_come_back_oldest_first(datasets: Datasets, commits: list[str]) -> None:
    """As they were put, each by its id; safe from a power cut."""
    younger = DatasetRow("b", "caf\udce9", 9.0, "person")
    await datasets.add(younger)
    await datasets.add(ROW)
    assert await datasets.all() == [ROW, replace(younger, name="caf?")]
    assert (await datasets.get("det"), await datasets.get("none")) == (ROW, None)
    assert commits == ["FULL", "FULL"]


async def test_dataset_is_added_once(datasets: Datasets) -> None:
    """Another of the same id is refused; put takes its place, but for when it was made."""
    await datasets.add(ROW)
    with pytest.raises(Taken, match="id: there is a dataset 'det' already"):
        await datasets.add(replace(ROW, name="Other"))
    await datasets.put(replace(ROW, name="Other", created_at=99.0))
    assert await datasets.all() == [replace(ROW, name="Other")]


async def test_dataset_of_a_model_is_made_by_itself_once(datasets: Datasets) -> None:
    """One that is there stays as it is, whoever made it."""
    await datasets.ensure("auto", "Auto", 1.0)
    await datasets.ensure("auto", "Renamed", 2.0)
    await datasets.put(ROW)
    await datasets.ensure("det", "Auto", 3.0)
    assert await datasets.all() == [DatasetRow("auto", "Auto", 1.0, "auto"), ROW]


async def test_further_dataset_is_refused_at_the_bound(datasets: Datasets, monkeypatch) -> None:
    """By hand or by itself; those that are there are still written and looked for."""
    monkeypatch.setattr("sidecar.recording.datasets.DATASETS_MAX", 1)
    await datasets.put(ROW)
    for refused in (datasets.put(replace(ROW, dataset_id="b")), datasets.ensure("b", "B", 1.0)):
        with pytest.raises(Full, match="id: there are 1 datasets"):
            await refused
    await datasets.put(replace(ROW, name="Other"))
    await datasets.ensure("det", "Det", 1.0)


async def test_images_kept_before_there_were_datasets_join_one(
    store: Store, datasets: Datasets, reader: Reader, keep, make_prediction, monkeypatch
) -> None:
    """Those of the model alone, slice by slice, with what their predictions still tell and a place in the audit."""
    monkeypatch.setattr("sidecar.recording.datasets.ADOPTED_A_TRANSACTION", 2)
    old = {"dataset_id": "", "score_threshold": 0.0}
    for number in range(5):
        await keep(f"s{number}", drawn=0.0 if number else 0.1, prediction_id=f"id-{number}", **old)
    await keep("other", model="other", **old)
    await store.commit(Batch([make_prediction(n, experiment="t-1", epoch=2) for n in range(3)]))
    assert await datasets.adopt("yolo", "det") == 5
    assert await datasets.adopt("yolo", "det") == 0
    samples = {item.sample_id: item for item in (await reader.samples(dataset_id="det")).items}
    assert sorted(samples) == [f"s{number}" for number in range(5)]
    first, last = samples["s0"], samples["s4"]
    assert first.audit_rank == unit_interval("id-0", "audit")
    assert (first.experiment, first.epoch, first.unit, first.client_request_id) == ("t-1", 2, "camera-7", "client-1")
    assert (first.score_threshold, first.variant, first.role, first.slice) == (0.25, "blue", "serving", "north")
    assert first.detections is not None
    np.testing.assert_array_equal(first.detections.scores, make_prediction().detections.scores)
    assert (last.detections, last.experiment, last.audit_rank) == (None, "", 0.0)
