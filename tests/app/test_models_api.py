"""Models and versions as people register, look at and forget them, over a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sidecar.api.errors import Conflict, ControlError, NotThere
from sidecar.api.schemas_models import ModelOut
from sidecar.app import models_api
from sidecar.app.models_api import images_of
from sidecar.app.registered import REGISTERED_MAX
from sidecar.app.state import Registered
from sidecar.app.watch_api import WatchApi
from sidecar.recording import Batch, SummaryRow
from sidecar.recording import training as recording_training
from sidecar.training.folders import JobFolder
from tests.api.live import START, make_prediction, make_summary
from tests.app.looping import NOW, Life, living, lose_store

Given = dict[str, Any]
SPLIT = {"traffic_split": 0.1}
ALL_TRAFFIC: Any = {"slice": "", "by_slice": False, "source": "auto", "distributions": False}


@pytest.fixture
async def life(tmp_path: Path) -> AsyncIterator[Life]:
    async with living(tmp_path) as life:
        yield life


async def register(life: Life, name: str, version: str = "", **given: Any) -> Given:
    asked: Given = {"url": "", "path": "", "description": "", "metrics": {}, **given}
    made: Given = await life.models.register(name, version, **asked)
    ModelOut.model_validate(made)
    return made


async def see(life: Life, model: str, version: str) -> None:
    """A prediction of that version."""
    made = [make_prediction(0, model=model, version=version, prediction_id=f"{model}{version}")]
    summary = make_summary(made)
    row = SummaryRow(int(START) // 60 * 60, 60, model, version, "serving", "", 0, "", 1, summary.encode())
    await life.store.commit(Batch(made, [row]))


async def ids(life: Life) -> list[str]:
    return [item["id"] for item in (await life.models.list())[0]]


async def test_registered_model_is_known_before_any_traffic(life: Life) -> None:
    """By its name, and by the versions of the upstreams that would answer for it, with all addresses of theirs."""
    made = await register(life, "det", description="Vehicles at the gate")
    assert (made["id"], made["version"], made["origin"], made["created_at"]) == ("det", "", "api", NOW)
    assert (made["serving"], made["versions"], made["images"]) == ("1", ["det@1"], None)
    assert await ids(life) == ["det", "det@1"]
    version = await life.models.get("det@1")
    assert (version["origin"], version["serving"], version["versions"]) == ("config", "1", [])
    urls = ["http://127.0.0.1:1", "http://127.0.0.1:2"]
    assert version["upstream"] == {"name": "A", "url": urls[0], "urls": urls, "path": ""}


async def test_version_that_is_served_can_be_tested_and_promoted(life: Life) -> None:
    """Its URL makes it an upstream with a name of its own, at its path."""
    made = await register(life, "det", "2", url="http://t:1/", path="/v2/models/det/versions/2/infer")
    assert made["upstream"] == {
        "name": "det-2",
        "url": "http://t:1",
        "urls": ["http://t:1"],
        "path": "/v2/models/det/versions/2/infer",
    }
    test = await life.trials.create_ab_test("Second", "det", "det@2", SPLIT)
    assert (test["model_a"]["id"], test["model_b"]["id"]) == ("det@1", "det@2")
    (split,) = life.applied[-1].experiments
    assert (split.control, split.treatments) == ("A", ("det-2",))
    await life.trials.promote("ab", test["id"], "det@2")
    assert (await life.models.get("det"))["serving"] == "2"


async def test_same_again_changes_what_is_given(life: Life) -> None:
    """All else stays, when it was made too."""
    await register(life, "det", "2", url="http://t:1", description="Night", metrics={"map50": 0.5})
    again = await register(life, "det", "2", metrics={"map50": 0.6})
    assert (again["description"], again["metrics"], again["upstream"]["url"]) == ("Night", {"map50": 0.6}, "http://t:1")
    moved = await register(life, "det", "2", url="http://u:1")
    assert (moved["upstream"], moved["metrics"]) == (
        {"name": "det-2", "url": "http://u:1", "urls": ["http://u:1"], "path": ""},
        {"map50": 0.6},
    )
    (told,) = await life.training.model_versions("det")
    assert (told["upstream"], told["job_id"]) == ({"url": "http://u:1", "path": ""}, None)


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"version": "", "url": "http://t:1"}, ["version"]),
        ({"version": "2", "url": "t:1", "path": "x"}, ["url", "path"]),
        ({"version": "2", "url": "http://t:1/v2"}, ["url"]),
        ({"version": "2", "url": "http://me:secret@t:1"}, ["url"]),
        ({"version": "2", "path": "/x"}, ["url"]),
    ],
)
async def test_faults_are_told_all_at_once_and_nothing_is_registered(
    life: Life, given: Given, fields: list[str]
) -> None:
    """By their fields."""
    with pytest.raises(ControlError) as caught:
        await register(life, "det", **given)
    assert [field for field, _ in caught.value.errors] == fields
    assert (await ids(life), life.control.state.registered) == ([], ())


async def test_version_of_the_configurations_upstream_is_that_upstream(life: Life) -> None:
    """Its own address again is no other upstream, and another address is a conflict that names it."""
    made = await register(life, "det", "1", url="http://127.0.0.1:1", description="The first")
    assert (made["upstream"]["name"], made["origin"], life.control.state.registered) == ("A", "api", ())
    with pytest.raises(Conflict, match=r"version '1' is that of the configuration's upstream A at http://127.0.0.1:1:"):
        await register(life, "det", "1", url="http://elsewhere:1")


async def test_traffic_alone_makes_a_version_known(life: Life) -> None:
    """What was never registered can't be forgotten."""
    await see(life, "gate", "9")
    assert await ids(life) == ["gate", "gate@1", "gate@9"]
    found = await life.models.get("gate@9")
    assert (found["origin"], found["upstream"], found["images"], found["created_at"]) == ("traffic", None, 0, None)
    with pytest.raises(Conflict, match="'gate@9' is known by its traffic or the configuration alone"):
        await life.models.delete("gate@9")


@pytest.mark.parametrize("model_id", ["nope", "nope@1", "det@7", "@", "det@"])
async def test_unknown_id_is_told_with_those_there_are(life: Life, model_id: str) -> None:
    """Whatever is asked of it."""
    with pytest.raises(NotThere, match="none is known yet: register it, or send a request to it"):
        await life.models.get(model_id)
    await register(life, "det")
    for asked in (life.models.get, life.models.delete):
        with pytest.raises(NotThere, match="there are det, det@1"):
            await asked(model_id)


async def test_what_was_registered_survives_a_restart_and_its_upstream_a_lost_store(tmp_path: Path) -> None:
    """The settings know where it is served, and that a person said so."""
    async with living(tmp_path) as life:
        made = await register(life, "det", "2", url="http://t:1", description="Night", metrics={"map50": 0.5})
    async with living(tmp_path) as life:
        assert await life.models.get("det@2") == made
        assert [variant.name for variant in life.control.compiled().variants] == ["A", "det-2"]
    lose_store(tmp_path)
    async with living(tmp_path) as life:
        found = await life.models.get("det@2")
        assert (found["upstream"], found["origin"], found["metrics"]) == (made["upstream"], "api", {})


async def test_forgotten_model_is_gone_with_its_versions(life: Life) -> None:
    """And what served them."""
    await register(life, "det", description="All")
    await register(life, "det", "2", url="http://t:1")
    await register(life, "det", "3")
    before = await life.models.delete("det")
    assert before["versions"] == ["det@1", "det@2", "det@3"]
    assert (await ids(life), [variant.name for variant in life.applied[-1].variants]) == ([], ["A"])
    with pytest.raises(NotThere):
        await life.models.get("det")


async def test_version_that_is_needed_is_not_forgotten(life: Life) -> None:
    """One in a test, one that serves, one that a job under way goes on from."""
    version_id = await life.version_id()
    for version in ("2", "3"):
        await register(life, "det", version, url=f"http://t:{version}")
    test = await life.trials.create_ab_test("Second", "det", "det@2", SPLIT)
    with pytest.raises(Conflict, match="det@2 serves or is in a test"):
        await life.models.delete("det@2")
    await life.trials.promote("ab", test["id"], "det@2")
    with pytest.raises(Conflict, match="det@2 serves or is in a test"):
        await life.models.delete("det")
    assert await ids(life) == ["det", "det@1", "det@2", "det@3"], "none of them goes where one must stay"
    job = await life.training.create("Third", "det", version_id, "det@3", "manual", "ann")
    with pytest.raises(Conflict, match="a training job that goes on from det@3 has not ended"):
        await life.models.delete("det@3")
    await life.training.cancel(job["id"], "ann")
    assert (await life.models.delete("det@3"))["upstream"]["url"] == "http://t:3"


async def test_trained_version_is_forgotten_with_what_was_trained(life: Life) -> None:
    """Its output goes; registered again it is another's."""
    job = await life.trained(await life.version_id(), "2")
    assert (await life.models.get("det@2"))["origin"] == "training"
    folder = JobFolder(life.folder, job.job_id)
    folder.make()
    folder.keep()
    (folder.output / "weights").write_bytes(b"w")
    row = await life.loop._models.get("det", "2")
    assert row is not None
    row.document["output"] = folder.relative_output  # type: ignore[index] - a dict as it was read
    await life.loop._models.put(row)
    await life.models.delete("det@2")
    assert not folder.output.exists()
    assert not (folder.path / "registered").exists()
    assert (await register(life, "det", "2"))["origin"] == "api"


async def test_version_for_which_there_is_no_room_is_not_registered(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither among those that are served nor in the store: nothing of it stays."""
    items = tuple(Registered(name=f"m{i}", model=f"m{i}", version="1", url="http://m:1") for i in range(REGISTERED_MAX))
    life.control._change(registered=items)
    with pytest.raises(Conflict, match="url: 100 versions have upstreams"):
        await register(life, "det", "2", url="http://t:1")
    life.control._change(registered=())
    monkeypatch.setattr(recording_training, "MODEL_VERSIONS_MAX", 0)
    with pytest.raises(Conflict, match="as many as there may be"):
        await register(life, "det", "2", url="http://t:1")
    assert life.control.state.registered == ()


async def test_version_that_can_not_be_saved_is_not_registered(life: Life, tmp_path: Path) -> None:
    """A worker would follow what a restart forgets."""
    (tmp_path / "settings.json.partial").mkdir()
    with pytest.raises(Conflict, match="can't be saved, nothing has changed"):
        await register(life, "det", "2", url="http://t:1")
    assert await ids(life) == []


async def test_list_is_bounded_and_says_how_many_more_there_are(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models come before their versions."""
    monkeypatch.setattr(models_api, "MODELS_LISTED_MAX", 3)
    await register(life, "det", "2")
    await register(life, "gate")
    listed, left_out = await life.models.list()
    assert ([item["id"] for item in listed], left_out) == (["det", "det@1", "det@2"], 2)


def test_images_are_summed_over_roles() -> None:
    """A version that served and was a treatment too."""
    summary = make_summary([make_prediction(index) for index in range(3)])
    totals = {("det", "1", "serving"): summary, ("det", "1", "control"): summary, ("det", "2", "shadow"): summary}
    assert images_of(totals) == {("det", "1"): 6, ("det", "2"): 3}


async def test_registered_version_may_be_watched_before_its_first_request(life: Life) -> None:
    """Alerts, drift, rules, feedback: none fails for want of traffic, and an unknown one is refused by each."""
    await register(life, "det", "2", url="http://t:1")
    watch, low = WatchApi(life.watching), {"metric": "avg_confidence", "operator": "lt", "threshold": 0.7}
    asked = {
        "alert": lambda of: watch.create_alert(of, f"Low {of}", {**low, "window": "1h"}, (), "", True),
        "drift": lambda of: watch.check_drift(of, "7d", "1d", **ALL_TRAFFIC),
        "rules": lambda of: life.loop.data_engines.configure(of, {"new_class": {}}, None),
        "report": lambda of: life.loop.feedback.report(of, None, None, None),
    }
    for name, ask in asked.items():
        for model_id in ("det", "det@1", "det@2"):
            assert await ask(model_id), name
        with pytest.raises(ControlError, match="model_id: no model or version is called 'det@3'; there are det, det@1"):
            await ask("det@3")
    assert [alert["model_id"] for alert in await watch.alerts("det@2", None)] == ["det@2"]
    report = await watch.check_drift("det@2", "7d", "1d", **ALL_TRAFFIC)
    assert (report["class_drift"], report["significant_drift"]) == (None, False)
