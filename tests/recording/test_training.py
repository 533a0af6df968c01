from dataclasses import replace

import pytest

from sidecar.recording import Full, JobRow, Jobs, ModelVersionRow, ModelVersions, Store

JOB = JobRow("j1", "Night", "det", "v1", "queued", 5.0, None, {"trainer": "own", "metrics": {"mAP": 0.5}})
MODEL = ModelVersionRow("yolo", "4", 5.0, "j1", {"metrics": {"mAP": 0.5}, "upstream": {"url": "http://x"}})


async def test_jobs_come_back_newest_first_and_by_status(store: Store, commits: list[str]) -> None:
    """As they were put, each in one place; safe from a power cut."""
    jobs = Jobs(store)
    for number in (1, 2, 3):
        assert await jobs.put(replace(JOB, job_id=f"j{number}")) is None
    done = replace(JOB, job_id="j2", status="succeeded", ended_at=9.5, document={"exit_code": 0})
    await jobs.put(done)
    assert commits == ["FULL"] * 4
    assert [row.job_id for row in await jobs.all()] == ["j3", "j2", "j1"]
    assert await jobs.all("succeeded") == [done]
    assert await jobs.all("queued", limit=1) == [replace(JOB, job_id="j3")]
    assert (await jobs.get("j2"), await jobs.get("none")) == (done, None)


async def test_job_that_ended_first_goes_for_a_new_one(store: Store, monkeypatch) -> None:
    """At the bound; where none has ended a new one is refused, and one that is there is still written."""
    monkeypatch.setattr("sidecar.recording.training.JOBS_MAX", 2)
    jobs = Jobs(store)
    await jobs.put(replace(JOB, job_id="late", ended_at=9.0))
    await jobs.put(replace(JOB, job_id="early", ended_at=8.0))
    assert await jobs.put(JOB) == "early"
    assert await jobs.put(replace(JOB, job_id="j2")) == "late"
    with pytest.raises(Full, match="name: there are 2 jobs under way"):
        await jobs.put(replace(JOB, job_id="j3"))
    assert await jobs.put(replace(JOB, status="running")) is None
    assert [row.job_id for row in await jobs.all()] == ["j2", "j1"]


async def test_versions_of_models_come_back_newest_first(store: Store, commits: list[str]) -> None:
    """One a model and version, with what came last."""
    models = ModelVersions(store)
    other = replace(MODEL, model="other", created_at=6.0)
    for row in (MODEL, other, replace(MODEL, document={"metrics": {}})):
        await models.put(row)
    assert commits == ["FULL"] * 3
    assert await models.all() == [other, replace(MODEL, document={"metrics": {}})]
    assert await models.all("other") == [other]
    assert (await models.get("other", "4"), await models.get("other", "5")) == (other, None)


async def test_further_version_of_a_model_is_refused_at_the_bound(store: Store, monkeypatch) -> None:
    """One that is registered already is still written."""
    monkeypatch.setattr("sidecar.recording.training.MODEL_VERSIONS_MAX", 1)
    models = ModelVersions(store)
    await models.put(MODEL)
    with pytest.raises(Full, match="version: 1 versions"):
        await models.put(replace(MODEL, version="5"))
    await models.put(replace(MODEL, created_at=7.0))
    assert await models.all() == [replace(MODEL, created_at=7.0)]


async def test_names_of_registered_versions_and_models_go_with_what_is_deleted(
    store: Store, commits: list[str]
) -> None:
    """A model itself has no version; what is not there can't be deleted."""
    models = ModelVersions(store)
    await models.put(replace(MODEL, version=""))
    await models.put(MODEL)
    assert await models.names() == [("yolo", ""), ("yolo", "4")]
    assert [await models.delete("yolo", "4"), await models.delete("yolo", "4")] == [True, False]
    assert commits == ["FULL"] * 4
    assert await models.names() == [("yolo", "")]
