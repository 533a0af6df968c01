"""Putting to the test what was trained, with the real tests of versions."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidecar.api.errors import Conflict, ControlError, NotAllowed
from sidecar.api.training import DeployKind
from sidecar.app.registered import REGISTERED_MAX
from sidecar.app.state import Registered
from sidecar.recording import training as recording_training
from sidecar.training.signing import signed_headers
from tests.app.looping import NOW, Life, living

SPLIT = {"traffic_split": 0.1}
CONFIGS = {"ab": SPLIT, "shadow": None}


@pytest.fixture
async def life(tmp_path: Path) -> AsyncIterator[Life]:
    async with living(tmp_path) as life:
        yield life


async def test_trained_version_is_put_into_an_ab_test_against_its_base(life: Life) -> None:
    """Its upstream gets the share; the job says which test it is in."""
    job = await life.trained(await life.version_id(), "2")
    deployed = await life.training.deploy(job.job_id, "ab", None, {"traffic_split": 0.25})
    (split,) = life.applied[-1].experiments
    assert (split.control, split.treatments, split.shares, split.model) == ("A", ("det-2",), (0.25,), "det")
    assert deployed["test_id"] == split.name == "night-2"
    assert {variant.name: variant.url for variant in life.applied[-1].variants}["det-2"] == "http://t:1"


async def test_trained_version_is_put_into_a_shadow_test_of_what_serves(life: Life) -> None:
    """It gets copies only."""
    job = await life.trained(await life.version_id(), "2")
    deployed = await life.training.deploy(job.job_id, "shadow", "Copy", {"share": 0.5})
    (shadow,) = life.applied[-1].shadows
    assert (shadow.name, shadow.variant, shadow.share, shadow.model) == ("copy", "det-2", 0.5, "det")
    assert (deployed["test_id"], life.applied[-1].experiments) == ("copy", ())


async def test_version_that_nobody_knows_where_to_ask_is_put_to_no_test(life: Life) -> None:
    """The conflict says what to do."""
    job = await life.trained(await life.version_id(), "2", url="")
    with pytest.raises(Conflict, match="it is not known where det@2 is served: name an `upstream`"):
        await life.training.deploy(job.job_id, "ab", None, None)
    assert (await life.training.get(job.job_id))["test_id"] is None


@pytest.mark.parametrize("kind", ["ab", "shadow"])
async def test_job_whose_test_runs_is_put_to_no_other(life: Life, kind: DeployKind) -> None:
    """Once that has ended it may be."""
    job = await life.trained(await life.version_id(), "2")
    first = await life.training.deploy(job.job_id, "ab", "First", SPLIT)
    with pytest.raises(Conflict, match="'first' is running on 'det'"):
        await life.training.deploy(job.job_id, kind, "Second", CONFIGS[kind])
    assert (await life.training.get(job.job_id))["test_id"] == first["test_id"]
    await life.trials.stop("ab", "first")
    second = await life.training.deploy(job.job_id, kind, "Second", CONFIGS[kind])
    assert second["test_id"] == "second"


async def test_models_with_a_version_of_one_number_are_tested_each_by_its_own(life: Life) -> None:
    """Whichever was trained first, and whatever they are called."""
    version_id = await life.version_id()
    for model in ("det", "plates"):
        await life.models.register(model, "", "", "", "", {})
    jobs = {base: await life.trained(version_id, "2", base, f"http://{base[:3]}:1") for base in ("det@1", "plates@1")}
    assert {job.model_version_id for job in jobs.values()} == {"det@2", "plates@2"}
    for base, job in jobs.items():
        await life.training.deploy(job.job_id, "ab", base, SPLIT)
    urls = {variant.name: variant.url for variant in life.applied[-1].variants}
    split = {item.model: [urls[name] for name in item.treatments] for item in life.applied[-1].experiments}
    assert split == {"det": ["http://det:1"], "plates": ["http://pla:1"]}


async def test_version_for_which_there_is_no_room_is_registered_without_an_upstream(life: Life) -> None:
    """All that are registered serve: none of them goes, and the job says so."""
    items = tuple(Registered(name=f"m{i}", model=f"m{i}", version="1", url="http://m:1") for i in range(REGISTERED_MAX))
    life.control._change(registered=items, production={item.model: item.name for item in items})
    await life.models.register("det", "", "", "", "", {})
    job = await life.trained(await life.version_id(), "2")
    assert (job.status, job.model_version_id) == ("succeeded", "det@2")
    assert job.note.startswith(f"it has no upstream: {REGISTERED_MAX} versions have upstreams")
    assert life.control.state.registered == items
    (told,) = await life.training.model_versions("det")
    assert told["upstream"] is None
    with pytest.raises(Conflict, match="not known where det@2 is served"):
        await life.training.deploy(job.job_id, "ab", None, None)


async def test_report_for_which_the_store_has_no_room_is_a_conflict(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job goes on: it can be reported again."""
    made = await life.training.create("night", "det", await life.version_id(), "det@1", "away", "ann")
    monkeypatch.setattr(recording_training, "MODEL_VERSIONS_MAX", 0)
    with pytest.raises(Conflict, match="as many as there may be"):
        await life.training.report(made["id"], {}, b'{"status": "succeeded"}', True)
    assert (await life.training.get(made["id"]))["status"] in ("queued", "waiting")


async def test_wrong_signature_learns_nothing_of_which_jobs_there_are(life: Life) -> None:
    """The same answer for a job of that trainer, one of people and one that is not there; also to what is malformed."""
    version_id = await life.version_id()
    its = [(await life.training.create("n", "det", version_id, "det@1", of, "a"))["id"] for of in ("away", "manual")]
    body = json.dumps({"status": "failed"}).encode()
    forged = signed_headers("another secret", "m1", NOW, body)
    for headers in (forged, {}, {**forged, "webhook-timestamp": "soon"}):
        answers = set()
        for job_id in (*its, "nope"):
            with pytest.raises(NotAllowed) as caught:
                await life.training.report(job_id, headers, body, False)
            answers.add(str(caught.value))
        assert len(answers) == 1


async def test_config_of_a_test_that_can_not_be_is_told_and_none_begins(life: Life) -> None:
    """As by the endpoints of tests."""
    job = await life.trained(await life.version_id(), "2")
    with pytest.raises(ControlError, match="traffic_split"):
        await life.training.deploy(job.job_id, "ab", None, {"traffic_split": 2})
    assert life.applied[-1].experiments == ()
