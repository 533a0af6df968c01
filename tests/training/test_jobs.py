"""What is asked of training: creating jobs, cancelling those that have not begun, and what is kept of them."""

import asyncio
import subprocess
import threading
from pathlib import Path

import pytest

from sidecar.recording import Store
from sidecar.training import (
    JOBS_QUEUED_MAX,
    TrainingClash,
    TrainingFault,
    TrainingFull,
    TrainingMissing,
    WebhookTrainer,
)
from sidecar.training.folders import JobFolder
from sidecar.training.job import Job
from sidecar.training.runner import Order, start_keeper
from tests.training.jobs_at_hand import SECRET, Place, script


async def test_all_that_is_wrong_with_a_job_is_said_at_once(place: Place) -> None:
    """Each field with what would be right; nothing is kept."""
    live = place.training(script("true", models=("det",)))
    with pytest.raises(TrainingFault) as caught:
        await live.training.create("-rf", "birds", "v9", "a\nb", trainer="gpu", by="x" * 300)
    line = "must be one line of 1 to 200 characters that does not begin with -"
    assert caught.value.faults == (
        ("name", line),
        ("base_model_id", line),
        ("by", line),
        ("version_id", "the dataset 'birds' has no version 'v9'"),
        ("trainer", "no trainer is called 'gpu', expected shell or manual"),
    )
    with pytest.raises(TrainingFault, match="trainer: 'shell' trains det only, not 'gate'"):
        await live.create(base="gate@1", trainer="shell")
    with pytest.raises(TrainingFault, match="version_id: the dataset 'cats' has no version 'v1'"):
        await live.training.create("night", "cats", "v1", "det@2")
    assert await place.jobs.all() == []


@pytest.mark.parametrize("base", ["@", "det@", "@1", " @1", "det@ ", " "])
async def test_base_without_a_model_or_with_an_empty_version_is_refused(place: Place, base: str) -> None:
    """Nothing could be trained from it, nor what it makes be named."""
    with pytest.raises(TrainingFault) as caught:
        await place.training(script("true")).create(base=base)
    assert caught.value.faults == (("base_model_id", "must be a model, or a model and its version as name@version"),)
    assert await place.jobs.all() == []


async def test_trainer_is_the_one_meant_for_the_model(place: Place) -> None:
    """Else the first for any model, else people; one that is named is taken."""
    trainers = [
        WebhookTrainer("any", "http://any", SECRET),
        WebhookTrainer("gates", "http://gates", SECRET, models=("gate",)),
        script("true", models=("det", "gate")),
    ]
    live = place.training(*trainers)
    chosen = {base: (await live.create(base=base)).trainer for base in ("gate@1", "det@2", "det", "door@3")}
    assert chosen == {"gate@1": "gates", "det@2": "shell", "det": "shell", "door@3": "any"}
    assert (await live.create(trainer="any")).kind == "webhook"
    assert (await live.create(trainer="manual")).kind == "manual"
    assert (await place.training(trainers[1]).create()).kind == "manual"


async def test_as_many_jobs_as_may_be_are_queued(place: Place) -> None:
    """One more is refused until one of them goes."""
    live = place.training(script("true"))
    jobs = [await live.create() for _ in range(JOBS_QUEUED_MAX)]
    with pytest.raises(TrainingFull, match=f"{JOBS_QUEUED_MAX} jobs are queued already"):
        await live.create()
    await live.training.cancel(jobs[0].job_id)
    await live.create()
    assert live.training.figures.refused == {"queued": 1}


async def test_job_that_is_still_exported_is_cancelled_at_once(place: Place) -> None:
    """Its command is never begun, and the next one's turn has come."""
    place.hold_export.clear()
    async with place.training(script("echo begun")) as live:
        job, following = await live.create(), await live.create()
        async with asyncio.timeout(30):
            while not place.folder(job).path.exists():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        cancelled = await live.training.cancel(job.job_id, by="ann")
        assert (cancelled.status, cancelled.started_at, cancelled.cancelled_by) == ("cancelled", None, "ann")
        place.hold_export.set()
        assert (await live.ended(following)).status == "succeeded"
        assert await live.training.log_text(job.job_id) == ""
        with pytest.raises(TrainingClash, match="a job that is cancelled can't be cancelled"):
            await live.training.cancel(job.job_id)
        with pytest.raises(TrainingClash, match="a job that is succeeded can't be cancelled"):
            await live.training.cancel(following.job_id)


async def test_job_that_is_cancelled_while_its_command_begins_ends_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has just begun is found and ended, although the job never ran as far as anybody was told."""
    begun, go_on = threading.Event(), threading.Event()

    def start_slowly(folder: JobFolder, order: Order) -> subprocess.Popen[bytes] | None:
        process = start_keeper(folder, order)
        begun.set()
        go_on.wait(30)
        return process

    monkeypatch.setattr("sidecar.training.lives.start_keeper", start_slowly)
    async with place.training(script("sleep 600", grace_s=0.2)) as live:
        job = await live.create()
        assert await asyncio.to_thread(begun.wait, 30)
        assert (await live.training.cancel(job.job_id)).status == "cancelled"
        assert place.folder(job).is_kept()
        go_on.set()
        await live.tidied()
        assert not place.folder(job).is_kept()
        assert (await live.training.job(job.job_id)).status == "cancelled"


async def test_store_that_was_begun_anew_is_told_of_what_is_under_way(place: Place, tmp_path: Path) -> None:
    """And no folder is touched that a keeper works in, be its job known or not."""
    async with place.training(script("echo ready; sleep 600")) as live:
        running, queued = await live.create(), await live.create()
        await live.logs(running, "ready")
        (tmp_path / "other").mkdir()
        fresh = await Store.open(tmp_path / "other")
        try:
            async with Place(place.data_dir, fresh).training():
                assert place.folder(running).dataset.is_dir()
            place.jobs._store = fresh
            await live.training.reinstate()
            assert {row.job_id for row in await place.jobs.all()} == {running.job_id, queued.job_id}
            await live.training.cancel(queued.job_id)
            await live.training.cancel(running.job_id)
            await live.ended(running)
        finally:
            await fresh.close()


async def test_queued_jobs_are_begun_after_a_restart(place: Place) -> None:
    """Also one whose export a restart broke off."""
    place.hold_export.clear()
    async with place.training(script("true")) as live:
        jobs = [await live.create(), await live.create()]
        async with asyncio.timeout(30):
            while not place.folder(jobs[0]).path.exists():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    place.hold_export.set()
    async with place.training(script("true")) as live:
        assert [(await live.ended(job)).status for job in jobs] == ["succeeded"] * 2


async def test_queued_job_whose_trainer_is_gone_fails(place: Place) -> None:
    """The error names it."""
    job = await place.training(script("true")).create()
    other = await place.training(WebhookTrainer("cloud", "http://cloud", SECRET)).create()
    async with place.training() as live:
        assert (await live.ended(job)).error == "no trainer with a command is called 'shell' any more"
        assert (await live.ended(other)).error == "no trainer with a webhook is called 'cloud' any more"


async def test_unknown_job_is_missing(place: Place) -> None:
    """For every question."""
    training = place.training().training
    for ask in (training.job, training.cancel, training.log_text):
        with pytest.raises(TrainingMissing, match="id: no training job has the id 'nope'"):
            await ask("nope")


async def test_job_is_the_same_out_of_the_store(place: Place) -> None:
    """Its document has every field, and the test its version is in."""
    async with place.training(script("""echo '{"metrics": {"a": 1}}' > $1/result.json""")) as live:
        job = await live.ended(await live.create(by="ann"))
        noted = await live.training.note_test(job.job_id, "night-1")
    row = await place.jobs.get(job.job_id)
    assert row is not None
    assert Job.from_row(row) == noted
    document = noted.to_dict()
    assert document.keys() >= {"id", "name", "dataset_id", "version_id", "base_model_id", "trainer", "kind", "status"}
    assert (document["test_id"], document["model_version_id"], document["by"]) == ("night-1", "det@3", "ann")
    assert place.told[0].job_id == document["id"]


async def test_row_that_is_no_job_holds_up_no_other(place: Place) -> None:
    """What can't be read is left alone and said."""
    job = await place.training(script("true")).create()
    broken = (await place.training(script("true")).create()).row
    await place.jobs.put(type(broken)(*(getattr(broken, name) for name in broken.__slots__[:-1]), document={"x": 1}))
    async with place.training(script("true")) as live:
        assert (await live.ended(job)).status == "succeeded"
