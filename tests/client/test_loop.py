"""The improvement loop through the client, all of it, against the real application."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.client import AsyncClient, Client, InvalidRequest, NotFound
from tests.api.live_watch import LiveWatch
from tests.api.looped import DATASET
from tests.client.looping import looped
from tests.kit.trials_at_hand import TrialsAtHand

CAT = {"label": "cat", "box": [1, 2, 30, 40]}
RULES = {
    "low_confidence": {"enabled": True, "threshold": 0.6, "sample_rate": 0.3},
    "edge_cases": {"enabled": True, "conditions": ["no_detections", "high_density", "unusual_size"]},
    "random_sample": {"enabled": True, "rate": 0.05},
}


@pytest.fixture
def url(tmp_path: Path, watch: LiveWatch, trials: TrialsAtHand) -> Iterator[str]:
    """Where an application is served that has items to review and predictions."""
    with looped(tmp_path, watch, trials) as found:
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
