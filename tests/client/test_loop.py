"""The improvement loop through the client, against the real application."""

from __future__ import annotations

import asyncio
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sidecar.client import AsyncClient, Client, InvalidRequest, NotEnded, NotFound
from sidecar.recording import Store
from tests.api.live_watch import LiveWatch
from tests.api.looped import DATASET, add_items, add_predictions
from tests.api.serving import served
from tests.kit.trials_at_hand import TrialsAtHand

CAT = {"label": "cat", "box": [1, 2, 30, 40]}
RULES = {
    "low_confidence": {"enabled": True, "threshold": 0.6, "sample_rate": 0.3},
    "edge_cases": {"enabled": True, "conditions": ["no_detections", "high_density", "unusual_size"]},
    "random_sample": {"enabled": True, "rate": 0.05},
}


@pytest.fixture
def url(tmp_path: Path, watch: LiveWatch, trials: TrialsAtHand) -> Iterator[str]:
    """Where an application is served that has three items of the value queue, one of the audit, and predictions."""

    async def fill() -> None:
        store = await Store.open(tmp_path)
        await add_items(tmp_path, store, 3)
        await add_predictions(store)
        await store.close()

    asyncio.run(fill())
    with served(tmp_path, watch, trials=trials) as found:
        yield found


def test_loop_is_closed_as_the_guide_writes_it(live: Client) -> None:
    """The calls of the user's guide work: collect, review, version, retrain."""
    dataset = live.create_dataset("Vehicles")
    engine = live.configure_data_engine(model_id="det@1", config=RULES, target_dataset_id=dataset.id)
    assert (engine.model, engine.dataset_id, engine.config.random_sample.rate) == ("det", "vehicles", 0.05)
    flagged = live.get_flagged_items(dataset_id=DATASET, status="needs_review", limit=100)
    assert [item.id for item in flagged if item.queue == "value"] == ["i2", "i1", "i0"]
    for item in flagged:
        live.label_item(item.id, [CAT], by="ann")
    version = live.create_dataset_version(dataset_id=DATASET, name="v1")
    live.label_item("i0", [], by="ann")
    new_version = live.create_dataset_version(
        dataset_id=DATASET, parent_version_id=version.id, name="v2 - with feedback"
    )
    assert (new_version.parent_id, live.diff_dataset_versions(new_version.id).relabeled) == (version.id, 1)
    job = live.create_training_job(
        name="Vehicle Detection v2", dataset_id=DATASET, version_id=new_version.id, base_model_id="det@1"
    )
    assert (job.status, job.base_model_id) == ("queued", "det@1")


def test_feedback_is_given_listed_and_reported(live: Client) -> None:
    """Positionally as the issue writes it, by the client's own id, of an array too."""
    said = live.submit_feedback("f0", "wrong_label", 1, "cat", np.array([1, 2, 3, 4], np.float32), by="ann")
    assert (said.label, said.correct_box, said.status) == ("dog", [1.0, 2.0, 3.0, 4.0], "recorded")
    assert live.submit_feedback("f0", "wrong_label", 1, "cat", (1, 2, 3, 4), by="ann").id == said.id
    by_request = live.submit_feedback(None, "correct", request_id="r0")
    assert by_request.prediction_id == "f0"
    assert [item.id for item in live.feedback(model_id="det", limit=1)] == [by_request.id, said.id]
    report = live.feedback_report("det", target_precision=0.8)
    assert f"{report.score.value:.3f} {report.score.lower:.3f} {report.threshold.kept_share:.2f}" == "nan nan nan"
    assert report.threshold.threshold is None
    with pytest.raises(InvalidRequest) as raised:
        live.submit_feedback("f0", "missed_object", 0)
    assert [fault.field for fault in raised.value.errors] == ["detection_index"]


def test_bulk_over_the_bound_is_sent_in_parts(live: Client) -> None:
    """Faults keep their place among all that was given."""
    items: list[dict[str, Any]] = [{"prediction_id": "f0", "feedback_type": "correct"}] * 1_000
    came = live.submit_feedback_bulk(
        [*items, {"prediction_id": "f0"}, {"prediction_id": "x", "feedback_type": "correct"}]
    )
    assert (came.accepted, came.pending) == (1_001, 1)
    assert [(fault["index"], fault.field) for fault in came.faults] == [(1_000, "feedback_type")]
    with pytest.raises(InvalidRequest):
        live.submit_feedback_bulk([])


def test_flagged_items_are_as_many_as_asked_for(live: Client) -> None:
    """Over pages, any status, with filters; none is no number."""
    assert [item.id for item in live.get_flagged_items(DATASET, limit=2, queue="value")] == ["i2", "i1"]
    live.reject_item("i1", by="ann", reason="blurred")
    assert len(live.get_flagged_items(DATASET, status=None, limit=5_000)) == 3
    assert [item.id for item in live.flagged_items(DATASET, "rejected", limit=1)] == ["i1"]
    with pytest.raises(InvalidRequest, match="limit"):
        live.get_flagged_items(DATASET, limit=0)
    with pytest.raises(NotFound):
        live.get_flagged_items("nope")


def test_item_lives_through_all_its_calls(live: Client) -> None:
    """Claimed, released, confirmed, undone, rejected and deleted."""
    claimed = live.claim_next_item(DATASET, by="ann")
    assert claimed is not None
    assert (claimed.id, claimed.claimed_by) == ("i2", "ann")
    with pytest.raises(InvalidRequest) as raised:
        live.claim_item("i2", by="bob")
    assert raised.value.status == 409
    assert live.release_item("i2", by="ann").status == "needs_review"
    assert live.claim_item("i2", by="bob", lease_s=60).status == "in_review"
    assert live.confirm_item("i2", by="bob").verdict == "correct"
    assert live.undo_item("i2", by="bob").labels is None
    actions = [event.action for event in live.item_events("i2", limit=2)]
    assert actions == ["undo", "confirm", "claim", "release", "claim"]
    assert [event.item_id for event in live.dataset_events(DATASET)] == ["i2"] * 5
    audit = live.claim_next_item(DATASET, by="ann", queue="audit", lease_s=60)
    assert audit is not None
    assert audit.model is None
    assert live.claim_next_item(DATASET, by="bob", queue="audit") is None
    assert live.sample_image("i0").startswith(b"\x89PNG")
    assert live.delete_item("i0", by="ann").id == "i0"
    with pytest.raises(NotFound):
        live.get_item("i0")


def test_version_is_saved_whole_or_not_at_all(live: Client, tmp_path: Path) -> None:
    """What stands there stays where there is nothing to put in its place."""
    live.confirm_item("i0", by="ann")
    version = live.create_dataset_version(DATASET)
    assert live.dataset_versions(DATASET) == [live.dataset_version(version.id)] == [version]
    path = tmp_path / "out.zip"
    assert live.export_dataset_version(version.id, "coco", path) == path
    before = path.read_bytes()
    assert any(name.endswith(".png") for name in zipfile.ZipFile(path).namelist())
    with pytest.raises(NotFound):
        live.export_dataset_version("nope", "coco", path)
    assert (path.read_bytes(), list(tmp_path.glob("*.part"))) == (before, [])
    with pytest.raises(OSError, match="nowhere"):
        live.export_dataset_version(version.id, "coco", tmp_path / "nowhere" / "out.zip")


def test_labels_come_from_a_file_or_a_document(live: Client, tmp_path: Path) -> None:
    """A mapping or a list, as the tool has it."""
    document = {
        "images": [{"id": 1, "file_name": "i0.png", "width": 64, "height": 48}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 10, 20]}],
        "categories": [{"id": 1, "name": "cat"}],
    }
    assert live.import_labels(DATASET, "coco", document, by="ann").labeled == 1
    path = tmp_path / "labels.json"
    path.write_text(str(document).replace("'", '"'))
    assert live.import_labels(DATASET, "coco", path).unchanged == 1
    assert live.import_labels(DATASET, "label_studio", []).labeled == 0
    with pytest.raises(FileNotFoundError):
        live.import_labels(DATASET, "coco", tmp_path / "none.json")
    with pytest.raises(InvalidRequest, match="score"):
        live.import_labels(DATASET, "coco", {"score": math.nan})


def test_training_job_lives_through_all_its_calls(live: Client, url: str) -> None:
    """Waited for in vain, cancelled, and then waited for well."""
    live.confirm_item("i0", by="ann")
    version = live.create_dataset_version(DATASET)
    job = live.create_training_job("Try", DATASET, version.id, "det@1", trainer="manual", by="ann")
    assert live.training_jobs() == live.training_jobs("queued") == [live.training_job(job.id)] == [job]
    assert live.training_job_log(job.id) == ""
    slept: list[float] = []
    with Client(url, sleep=slept.append) as patient, pytest.raises(NotEnded, match="queued"):
        patient.wait_for_training_job(job.id, timeout_s=5, poll_s=2)
    assert sum(slept) == pytest.approx(5, abs=0.5)
    with pytest.raises(InvalidRequest) as raised:
        live.report_training_job(job.id, "succeeded", {"map50": 0.6}, "2", "http://127.0.0.1:9", progress=1.0)
    assert raised.value.status == 409
    with pytest.raises(InvalidRequest, match="queued"):
        live.deploy_training_job(job.id, "shadow")
    assert live.cancel_training_job(job.id).status == "cancelled"
    assert live.wait_for_training_job(job.id).status == "cancelled"
    assert live.model_versions() == live.model_versions("det") == []


@pytest.mark.parametrize("bad", ["", "..", "nope"])
def test_id_that_nothing_has_leads_nowhere(live: Client, bad: str) -> None:
    """Nor does an id lead to another endpoint."""
    kind = NotFound if bad == "nope" else InvalidRequest
    for ask in (live.data_engine, live.dataset, live.get_item, live.dataset_version, live.training_job):
        with pytest.raises(kind):
            ask(bad)


async def test_async_client_does_the_same(url: str, tmp_path: Path) -> None:
    """The asyncio client goes once round."""
    async with AsyncClient(url) as client:
        assert (await client.configure_data_engine("det", RULES)).model == "det"
        assert await client.data_engine("det") in await client.data_engines()
        said = await client.submit_feedback("f0", "correct")
        assert (await client.submit_feedback_bulk([{"prediction_id": "f0", "feedback_type": "correct"}])).accepted == 1
        assert [item.id async for item in client.feedback("f0")] == [said.id]
        assert math.isnan((await client.feedback_report("det")).score.value)
        dataset = await client.create_dataset("Night", "night")
        assert dataset in await client.datasets()
        assert await client.dataset("night") == dataset
        assert [item.id for item in await client.get_flagged_items(DATASET, limit=1, queue="value")] == ["i2"]
        claimed = await client.claim_next_item(DATASET, "ann")
        assert claimed is not None
        await client.release_item(claimed.id, "ann")
        await client.claim_item(claimed.id, "ann")
        await client.label_item(claimed.id, [CAT], "ann")
        await client.undo_item(claimed.id, "ann")
        await client.confirm_item("i1", "ann")
        await client.reject_item("i0", "ann")
        assert len([event async for event in client.dataset_events(DATASET)]) == 7
        assert [event.action async for event in client.item_events("i0")] == ["reject"]
        assert (await client.get_item("i1")).status == "labeled"
        version = await client.create_dataset_version(DATASET)
        assert await client.dataset_versions(DATASET) == [await client.dataset_version(version.id)]
        with pytest.raises(InvalidRequest, match="parent"):
            await client.diff_dataset_versions(version.id)
        path = await client.export_dataset_version(version.id, "yolo", tmp_path / "out.zip")
        assert zipfile.ZipFile(path).testzip() is None
        (tmp_path / "labels.json").write_text("[]")
        assert (await client.import_labels(DATASET, "label_studio", tmp_path / "labels.json")).labeled == 0
        job = await client.create_training_job("Try", DATASET, version.id, "det@1", trainer="manual")
        assert await client.training_jobs() == [await client.training_job(job.id)]
        assert await client.training_job_log(job.id) == ""
        with pytest.raises(InvalidRequest):
            await client.report_training_job(job.id, "running")
        with pytest.raises(InvalidRequest):
            await client.deploy_training_job(job.id)
        await client.cancel_training_job(job.id)
        assert (await client.wait_for_training_job(job.id)).status == "cancelled"
        assert await client.model_versions() == []
        assert (await client.delete_item("i0", "ann")).id == "i0"
