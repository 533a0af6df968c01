"""Jobs of commands, from their creation to the version that comes of them."""

import asyncio
import json
from pathlib import Path

import pytest

from sidecar.recording import StoreError
from sidecar.training import Upstream
from sidecar.training.folders import JobFolder
from tests.training.jobs_at_hand import Place, python, script

RESULT = '{"metrics": {"map50": 0.75, "epochs": 3}}'


async def test_command_that_ends_well_registers_a_version(place: Place) -> None:
    """The job has the metrics, and the version one number more than its base, with its output and upstream."""
    trainer = script(
        f"echo training on $(ls $0); echo '{RESULT}' > $1/result.json; echo weights > $1/model.onnx",
        upstream=Upstream("http://triton:8000", "/v2/models/{model}/versions/{version}/infer"),
        format="yolo",
    )
    async with place.training(trainer) as live:
        created = await live.create("at night", by="ann")
        assert (created.status, created.kind, created.trainer) == ("queued", "command", "shell")
        job = await live.ended(created)
        assert await live.training.log_text(job.job_id) == "training on annotations.json\n"
        await live.tidied()
    assert (job.status, job.exit_code, job.error) == ("succeeded", 0, "")
    assert (job.metrics, job.model_version_id) == ({"map50": 0.75, "epochs": 3.0}, "det@3")
    assert place.exports == [("v1", "yolo")]
    (row,) = place.told
    assert row == await place.versions.get("det", "3")
    assert row.document == {
        **{"id": "det@3", "model": "det", "version": "3", "created_at": row.created_at, "job_id": job.job_id},
        **{"metrics": {"map50": 0.75, "epochs": 3.0}, "base_model_id": "det@2", "dataset_version_id": "v1"},
        **{"upstream": {"url": "http://triton:8000", "path": "/v2/models/det/versions/3/infer"}},
        **{"trainer": "shell", "output": f"jobs/{job.job_id}/output"},
    }
    assert (place.data_dir / str(row.document["output"]) / "model.onnx").read_text() == "weights\n"


async def test_command_is_told_what_it_works_on_and_nothing_secret(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the job's words, its own variables and a few of ours; no token of the sidecar, and no input."""
    monkeypatch.setenv("SIDECAR_ADMIN_TOKEN", "secret")
    monkeypatch.setenv("DATABASE_PASSWORD", "secret")
    monkeypatch.setenv("LANG", "C.UTF-8")
    text = "import json, os, sys; json.dump([dict(os.environ), os.getcwd(), sys.stdin.read()], open('seen.json', 'w'))"
    async with place.training(python(text, environment={"SEED": "7"})) as live:
        job = await live.ended(await live.create())
    folder = place.folder(job)
    environment, where, given = json.loads((folder.output / "seen.json").read_text())
    assert (job.status, given) == ("succeeded", "")
    assert where == str(folder.output)
    assert environment["SEED"] == "7"
    told = {name: value for name, value in environment.items() if name.startswith("SIDECAR_")}
    assert told == {
        "SIDECAR_JOB_DIR": str(folder.path),
        "SIDECAR_JOB_ID": job.job_id,
        "SIDECAR_DATASET": str(folder.dataset),
        "SIDECAR_OUTPUT": str(folder.output),
        "SIDECAR_BASE_MODEL": "det@2",
    }
    assert environment["LANG"] == "C.UTF-8"
    assert "secret" not in str(environment.values())
    assert all("secret" not in item.read_text("latin-1") for item in folder.path.rglob("*") if item.is_file())


async def test_command_trains_on_from_the_output_of_its_base(place: Place) -> None:
    """A base that was trained here is found by its folder, and words of the job are never looked at by a shell."""
    async with place.training(script('echo "$SIDECAR_BASE_OUTPUT|$3" > $1/seen')) as live:
        first = await live.ended(await live.create())
        second = await live.ended(await live.create("$(touch x); {dataset}", base=first.model_version_id))
    seen = (place.folder(second).output / "seen").read_text()
    assert seen == f"{place.folder(first).output}|$(touch x); {{dataset}}\n"
    assert second.model_version_id == "det@4"


@pytest.mark.parametrize(
    ("text", "code", "error"),
    [
        ("echo reading; echo no such file >&2; exit 3", 3, "exit code 3: reading / no such file"),
        ("kill -KILL $$", None, "ended by signal 9 (SIGKILL)"),
        ("echo '{' > $1/result.json", 0, "result.json: is no JSON"),
        (
            """echo '{"metrics": {"a": "x", "b": NaN}, "version": "../3", "maps": 1}' > $1/result.json""",
            0,
            'result.json: version: must be a name of letters, digits, "_", "." and "-", such as "4"; '
            "result.json: metrics.a: must be a finite number; result.json: metrics.b: must be a finite number; "
            "result.json: maps: is unknown, expected version, metrics or upstream",
        ),
    ],
)
async def test_command_that_fails_says_why(place: Place, text: str, code: int | None, error: str) -> None:
    """By its exit code or signal and its last lines, or by all that is wrong with its result."""
    async with place.training(script(text)) as live:
        job = await live.ended(await live.create())
    assert (job.status, job.exit_code) == ("failed", code)
    assert job.error.startswith(error)
    assert not await place.versions.all()
    async with place.training() as live:  # one that ends before it could clean up leaves that to the next
        await live.tidied()


async def test_program_that_is_not_there_fails_the_job(place: Place) -> None:
    """Its name is in the error."""
    trainer = script("true", folder="/nonexistent")
    async with place.training(trainer) as live:
        job = await live.ended(await live.create())
    assert job.status == "failed"
    assert job.error == "'/bin/sh' can't be run: No such file or directory"


async def test_export_that_fails_fails_the_job(place: Place) -> None:
    """The command is never begun."""
    place.export_error = OSError(28, "No space left on device")
    async with place.training(script("echo begun")) as live:
        job = await live.ended(await live.create())
    assert (job.status, job.started_at) == ("failed", None)
    assert job.error == "the dataset could not be exported as coco: No space left on device"


async def test_command_without_a_result_makes_a_version_without_metrics(place: Place) -> None:
    """What it made is registered all the same, and the job says what is missing."""
    async with place.training(script("true")) as live:
        job = await live.ended(await live.create(base="det"))
    assert (job.status, job.metrics, job.model_version_id) == ("succeeded", {}, f"det@{job.job_id}")
    assert job.note == (
        "the trainer left no result.json: no metrics are known; "
        f"the version {job.job_id!r} was made here, the trainer named none"
    )


async def test_version_that_is_taken_gets_another_name(place: Place) -> None:
    """What was trained is not lost because the trainer's name for it is that of its base."""
    async with place.training(script("""echo '{"version": "2"}' > $1/result.json""")) as live:
        job = await live.ended(await live.create())
    assert job.model_version_id == f"det@2-{job.job_id}"
    assert job.note == "the trainer named it '2', which was taken already"


async def test_one_command_runs_at_a_time_in_the_order_they_came(place: Place, tmp_path: Path) -> None:
    """The others are queued."""
    go = tmp_path / "go"
    trainer = script(f"while [ ! -e {go} ]; do sleep 0.02; done; echo $3 >> {tmp_path}/order")
    async with place.training(trainer) as live:
        jobs = [await live.create(name) for name in ("a", "b", "c")]
        await live.reaches(jobs[0], "running")
        await asyncio.sleep(0.1)
        assert live.training.open_by_status() == {"queued": 2, "running": 1, "waiting": 0}
        go.touch()
        ended = [await live.ended(job) for job in jobs]
    assert [job.status for job in ended] == ["succeeded"] * 3
    assert (tmp_path / "order").read_text().split() == ["a", "b", "c"]
    assert live.training.figures.ended == {"succeeded": 3}


async def test_store_that_fails_for_a_while_loses_no_end(place: Place, tmp_path: Path) -> None:
    """What the command made is registered when the disk takes it."""
    go = tmp_path / "go"
    async with place.training(script(f"while [ ! -e {go} ]; do sleep 0.02; done")) as live:
        job = await live.reaches(await live.create(), "running")
        place.jobs.failures = [StoreError("full", "the disk is full")] * 3
        go.touch()
        ended = await live.ended(job)
        assert [row.version for row in await place.versions.all()] == ["3"]
    assert (ended.status, live.training.figures.store_failures) == ("succeeded", 3)


async def test_folders_of_ended_jobs_are_few_but_for_those_of_versions(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of those that made none the newest stay."""
    monkeypatch.setattr("sidecar.training.folders.prune_folders.__defaults__", (2,))
    async with place.training(script("exit $3")) as live:
        jobs = [await live.ended(await live.create(name)) for name in ("0", "1", "1", "1", "1")]
        async with asyncio.timeout(30):
            while len(list((place.data_dir / "jobs").iterdir())) > 3:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    kept = [job.job_id for job in jobs if JobFolder(place.data_dir, job.job_id).path.exists()]
    assert kept == [jobs[0].job_id, jobs[3].job_id, jobs[4].job_id]
