"""The improvement loop from a start to the next, and over a store that was begun anew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.app.load import load_config
from sidecar.recording import Batch, ModelVersions
from sidecar.training.folders import JobFolder
from tests.api.live import make_prediction
from tests.api.looped import make_item
from tests.app.looping import UPSTREAMS, living, lose_store, without_dataset


async def test_what_lives_in_memory_is_put_into_a_store_that_was_begun_anew(tmp_path: Path) -> None:
    """Open jobs, the versions that are served, and the datasets that images go to; once."""
    async with living(tmp_path) as life:
        version_id = await life.version_id()
        await life.loop.review.create_dataset("Night", None)
        await life.loop.data_engines.configure("det", {"random_sample": {"rate": 0.5}}, "night")
        ended = await life.trained(version_id, "2")
        waiting = await life.training.create("night", "det", version_id, "det@2", "manual", "ann")
        await life.damage()
        assert await life.training.list(None) == []
        assert life.store.generation == 1
        await life.loop.look_after()
        assert [job["id"] for job in await life.training.list(None)] == [waiting["id"]]
        (version,) = await life.training.model_versions(None)
        assert (version["id"], version["job_id"]) == ("det@2", ended.job_id)
        assert version["upstream"] == {"url": "http://t:1", "path": ""}
        assert [dataset["id"] for dataset in await life.loop.review.datasets()] == ["night"]
        await life.training.cancel(waiting["id"], "ann")
        await life.loop.look_after()
        assert [job["status"] for job in await life.training.list(None)] == ["cancelled"]


async def test_store_that_was_lost_between_two_lives_learns_what_the_settings_know(tmp_path: Path) -> None:
    """The version that serves is known by its job and its output."""
    async with living(tmp_path) as life:
        job = await life.trained(await life.version_id(), "2")
    lose_store(tmp_path)
    async with living(tmp_path) as life:
        (version,) = await life.training.model_versions("det")
        assert (version["version"], version["job_id"], version["output"]) == ("2", job.job_id, None)


async def test_output_of_the_version_that_serves_is_kept_however_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of those that nothing refers to as many as are kept: here none."""
    async with living(tmp_path) as life:
        version_id = await life.version_id()
        for version in ("2", "3"):
            job = await life.trained(version_id, version)
            job_folder = JobFolder(tmp_path, job.job_id)
            job_folder.make()
            job_folder.keep()
            row = await ModelVersions(life.store).get("det", version)
            assert row is not None
            document = {**row.document, "output": job_folder.relative_output}
            await ModelVersions(life.store).put(replace(row, document=document))
        life.control._change(production={"det": "det-2"})
    monkeypatch.setattr("sidecar.training.outputs.outputs_to_drop.__defaults__", (0,))
    async with living(tmp_path) as life:
        outputs = {one["version"]: one["output"] for one in await life.training.model_versions("det")}
        assert outputs["3"] is None
        assert (tmp_path / outputs["2"]).is_dir()
        assert not job_folder.output.exists()


async def test_what_a_killed_export_left_goes_at_a_start(tmp_path: Path) -> None:
    """Folders and files; the next export finds its place."""
    (tmp_path / "exports" / "export-x1").mkdir(parents=True)
    (tmp_path / "exports" / "export-x1" / "half.zip").write_bytes(b"x")
    (tmp_path / "exports" / "stray").write_bytes(b"x")
    async with living(tmp_path) as life:
        assert list((tmp_path / "exports").iterdir()) == []
        async with life.loop.versions.export(await life.version_id(), "coco") as path:
            assert path.stat().st_size > 0
        assert list((tmp_path / "exports").iterdir()) == []


async def test_images_of_an_earlier_release_become_items_of_their_models_dataset(tmp_path: Path) -> None:
    """With what their predictions tell, and a place in the audit where the random sample drew them."""
    async with living(tmp_path) as life:
        await life.store.commit(Batch([make_prediction(0, prediction_id="q0", request_id="q0", unit="cam-9")]))
        old = [make_item(tmp_path, 0, unit=""), make_item(tmp_path, 1, model="Gate/2", drawn=True, draw_rate=0.1)]
        for sample in old:
            await life.store.add_sample(without_dataset(sample))
        await life.store.commit(Batch([make_prediction(1, prediction_id="q1", request_id="q1", model="Gate/2")]))
        assert await life.loop.review.datasets() == []
    async with living(tmp_path) as life:
        datasets = {dataset["id"]: dataset for dataset in await life.loop.review.datasets()}
        assert {of: (one["items"], one["origin"]) for of, one in datasets.items()} == {
            "det": (1, "auto"),
            "gate-2": (1, "auto"),
        }
        first, second = await life.reader.sample("i0"), await life.reader.sample("i1")
        assert first is not None
        assert second is not None
        assert (first.unit, first.score_threshold) == ("cam-9", 0.5)
        assert (first.audit_rank, second.audit_rank > 0) == (0.0, True)
        assert await life.loop.review.claim_next("gate-2", "ann", "audit", 60.0) is not None
    async with living(tmp_path) as life:
        assert len(await life.loop.review.datasets()) == 2


async def test_versions_of_other_models_leave_a_models_numbers_free(tmp_path: Path) -> None:
    """What is trained of gate gets the next number of gate, whatever det has reached."""
    async with living(tmp_path) as life:
        version_id = await life.version_id()
        assert (await life.trained(version_id, "7")).model_version_id == "det@7"
        await life.models.register("gate", "", "", "", "", {})
        assert (await life.trained(version_id, "", base="gate@1")).model_version_id == "gate@2"
        assert (await life.trained(version_id, "")).model_version_id == "det@8"


async def test_reload_keeps_trained_versions_and_rules_that_were_set(tmp_path: Path) -> None:
    """The file says nothing of either."""
    async with living(tmp_path) as life:
        await life.trained(await life.version_id(), "2")
        await life.loop.data_engines.configure("det", {"random_sample": {"rate": 0.5}}, None)
        life.control.reload(load_config(None, {"upstreams": UPSTREAMS, "data_dir": tmp_path}))
        assert [variant.name for variant in life.applied[-1].variants] == ["A", "det-2"]
        assert life.loop.engine.config_of("det").random_sample.rate == 0.5
