"""What is kept on the disk of jobs and versions, and what is not."""

import asyncio
from pathlib import Path

import pytest

from sidecar.recording.loop_rows import ModelVersionRow
from sidecar.training import folders
from sidecar.training.folders import JobFolder, prune_folders
from sidecar.training.job import Job
from sidecar.training.outputs import needed_versions, outputs_to_drop
from tests.training.jobs_at_hand import Place, script


def rows(model: str, n: int, output: bool = True) -> list[ModelVersionRow]:
    """``n`` versions, newest first: n, n - 1 ... 1."""
    return [
        ModelVersionRow(
            model, str(i), float(i), f"{model}-{i}", {"output": f"jobs/{model}-{i}/output"} if output else {}
        )
        for i in range(n, 0, -1)
    ]


def test_outputs_of_each_models_newest_versions_stay() -> None:
    """The bound is a model's own; versions that were trained elsewhere have none and take no place."""
    gone = outputs_to_drop([*rows("elsewhere", 30, output=False), *rows("det", 13), *rows("gate", 9)], set())
    assert [(row.model, row.version) for row in gone] == [("det", "3"), ("det", "2"), ("det", "1")]


def test_output_that_is_needed_stays_however_old() -> None:
    """What serves or is in a test, a version that an upstream of any model has, and the base of an open job."""
    training_on = Job("j", "n", "d", "v", "det@3", "", "command", "queued", 0.0)
    needed = needed_versions([("det", "1"), ("", "2"), ("gate", "4")], [training_on])
    assert [row.version for row in outputs_to_drop(rows("det", 15), needed)] == ["5", "4"]


async def test_old_output_goes_when_a_job_ends_and_the_version_says_so(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder is gone, its log is not; the version in use has its own still."""
    monkeypatch.setattr("sidecar.training.outputs.outputs_to_drop.__defaults__", (1,))
    in_use = [("det", "3")]
    async with place.training(script("echo log; echo weights > $1/w"), in_use=lambda: in_use) as live:
        jobs = [await live.ended(await live.create()) for _ in range(4)]
        async with asyncio.timeout(30):
            while any(place.folder(job).output.exists() for job in jobs[1:3]):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            while (await place.versions.all("det"))[1].document["output"] is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert await live.training.log_text(jobs[1].job_id) == "log\n"
    outputs = {row.version: row.document["output"] for row in await place.versions.all("det")}
    assert outputs == {
        "3": f"jobs/{jobs[0].job_id}/output",
        "4": None,
        "5": None,
        "6": f"jobs/{jobs[3].job_id}/output",
    }
    assert (place.folder(jobs[0]).output / "w").exists()


async def test_base_whose_output_is_gone_is_not_told_of(place: Place) -> None:
    """A command is never sent to a folder that is not there."""
    async with place.training(script("echo base ${SIDECAR_BASE_OUTPUT:-none}")) as live:
        first = await live.ended(await live.create())
        place.folder(first).remove_output()
        second = await live.ended(await live.create(base=first.model_version_id))
        assert await live.training.log_text(second.job_id) == "base none\n"


async def test_version_that_can_not_be_served_is_registered_without_an_upstream(place: Place) -> None:
    """The job says why, and the version's document tells of no upstream."""
    place.unserved = "it has no upstream: all are in use"
    result = '{"version": "9", "upstream": {"url": "http://triton:8000"}}'
    async with place.training(script(f"echo '{result}' > $1/result.json")) as live:
        job = await live.ended(await live.create())
    assert (job.status, job.note) == ("succeeded", "it has no upstream: all are in use")
    assert place.told[0].document["upstream"] == {"url": "http://triton:8000", "path": ""}
    (row,) = await place.versions.all()
    assert (row.version, row.document["upstream"]) == ("9", None)


async def test_what_a_killed_monitor_left_of_an_export_goes_at_a_start(place: Place) -> None:
    """Of open jobs, ended ones and those that made a version."""
    async with place.training() as live:
        job = await live.reaches(await live.create(), "waiting")
    ids = (job.job_id, "ended", "registered")
    for job_id in ids:
        (place.data_dir / "jobs" / job_id / ".dataset.x1.part" / "images").mkdir(parents=True)
    (place.data_dir / "jobs" / "registered" / "registered").touch()
    async with place.training():
        left = list(place.data_dir.glob("jobs/*/.dataset.*.part"))
    assert left == []
    assert place.folder(job).dataset.is_dir()
    assert {path.name for path in (place.data_dir / "jobs").iterdir()} == set(ids)


def test_job_that_is_created_while_folders_are_removed_keeps_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked up again just before anything goes."""
    for job_id in ("new", "old"):
        (tmp_path / "jobs" / job_id / "dataset").mkdir(parents=True)
    open_jobs: dict[str, object] = {}
    list_folders = folders._folders

    has_ended = folders._has_ended

    def looked_at_and_then_created(folder: Path, data_dir: Path, known: object) -> bool:
        ended = has_ended(folder, data_dir, open_jobs)
        open_jobs["new"] = None
        return ended

    monkeypatch.setattr(folders, "_folders", lambda data_dir: sorted(list_folders(data_dir)))
    monkeypatch.setattr(folders, "_has_ended", looked_at_and_then_created)
    assert prune_folders(tmp_path, open_jobs, 0) == ["old"]
    assert JobFolder(tmp_path, "new").dataset.is_dir()
