"""How images of each model are chosen, as people set it at run time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidecar.api.errors import Conflict, ControlError, NotThere
from sidecar.app.state import load_state
from sidecar.recording import Batch, SummaryRow
from sidecar.types import Pin
from tests.api.live import START, make_prediction, make_summary
from tests.app.looping import NOW, Life, living

DRAWING = {"random_sample": {"rate": 0.25}}


@pytest.fixture
async def life(tmp_path: Path) -> AsyncIterator[Life]:
    async with living(tmp_path) as life:
        yield life


async def test_rules_set_by_a_versions_id_are_its_models(life: Life) -> None:
    """They hold at once, for all versions, and are read back by either id."""
    made = await life.loop.data_engines.configure("det@2", DRAWING, None)
    assert (made["model"], made["dataset_id"], made["origin"], made["updated_at"]) == ("det", "det", "api", NOW)
    assert await life.loop.data_engines.get("det") == await life.loop.data_engines.get("det@7") == made
    assert life.loop.engine.config_of("det").random_sample.rate == 0.25


async def test_all_faults_are_listed_and_nothing_changes(life: Life) -> None:
    """Of the rules by their path, and of the dataset with those that there are."""
    await life.loop.review.create_dataset("Night", None)
    config = {"low_confidence": {"threshold": 2, "limits": {"per_minute": -1}}, "colour": {}}
    with pytest.raises(ControlError) as caught:
        await life.loop.data_engines.configure("det", config, "nowhere")
    faults = dict(caught.value.errors)
    assert set(faults) == {
        "config.low_confidence.threshold",
        "config.low_confidence.limits.per_minute",
        "config.colour",
        "target_dataset_id",
    }
    assert faults["target_dataset_id"] == "no dataset has the id 'nowhere'; there are: night"
    assert life.control.state.engines == {}
    with pytest.raises(NotThere, match="no model is called 'det', none is known yet"):
        await life.loop.data_engines.get("det")


async def test_model_that_nobody_knows_gets_no_rules(life: Life) -> None:
    """The fault names those there are, beside those of the rules; once it is registered it may have some."""
    await life.models.register("gate", "", "", "", "", {})
    for model_id in ("det", "det@1", "gate@9"):
        with pytest.raises(ControlError) as caught:
            await life.loop.data_engines.configure(model_id, {"colour": {}}, None)
        assert [field for field, _ in caught.value.errors] == ["model_id", "config.colour"]
        assert "there are gate, gate@1" in str(caught.value)
        with pytest.raises(NotThere, match="there are gate, gate@1"):
            await life.loop.data_engines.get(model_id)
    await life.models.register("det", "", "", "", "", {})
    assert (await life.loop.data_engines.configure("det@1", DRAWING, None))["model"] == "det"


async def test_rules_and_their_dataset_survive_a_restart(tmp_path: Path) -> None:
    """A later change without a dataset leaves it as it is."""
    async with living(tmp_path) as life:
        await life.loop.review.create_dataset("Night", None)
        await life.loop.data_engines.configure("det", {"new_class": {}}, "night")
    async with living(tmp_path) as life:
        assert life.loop.engine.dataset_of("det") == "night"
        assert life.loop.engine.config_of("det").new_class.enabled
        made = await life.loop.data_engines.configure("det", DRAWING, None)
        assert (made["dataset_id"], made["config"]["new_class"]["enabled"]) == ("night", False)
        assert await life.loop.data_engines.list() == [made]


async def test_what_is_drawn_without_the_answer_reaches_the_workers(life: Life) -> None:
    """The pin of the model's own rate, and none to draw once its rules want none."""
    await life.loop.data_engines.configure("det@1", DRAWING, None)
    assert Pin("random_sample", 0.25, "det") in life.applied[-1].pins
    await life.loop.data_engines.configure("det", {"new_class": {}}, None)
    assert [pin for pin in life.applied[-1].pins if pin.model == "det"] == [Pin("random_sample", 0.0, "det")]


async def test_rules_that_can_not_be_saved_do_not_hold(life: Life, tmp_path: Path) -> None:
    """Neither here nor with the workers."""
    told = len(life.applied)
    (tmp_path / "settings.json.partial").mkdir()
    with pytest.raises(Conflict, match="can't be saved, nothing has changed"):
        await life.loop.data_engines.configure("det", DRAWING, None)
    assert (len(life.applied), load_state(tmp_path).engines) == (told, {})
    assert life.loop.engine.config_of("det").random_sample.rate != 0.25


async def test_models_that_answered_are_listed_with_the_rules_of_the_configuration(life: Life) -> None:
    """Beside those that have their own."""
    await life.loop.data_engines.configure("det", DRAWING, None)
    made = [make_prediction(0, model="gate")]
    row = SummaryRow(int(START) // 60 * 60, 60, "gate", "1", "serving", "", 0, "", 1, make_summary(made).encode())
    await life.store.commit(Batch(made, [row]))
    assert {one["model"]: one["origin"] for one in await life.loop.data_engines.list()} == {
        "det": "api",
        "gate": "config",
    }


async def test_models_with_rules_of_their_own_are_bounded(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is refused; those that there are can be changed."""
    monkeypatch.setattr("sidecar.app.data_engines_api.ENGINES_MAX", 1)
    await life.loop.data_engines.configure("det", {"new_class": {}}, None)
    with pytest.raises(Conflict, match="1 models have rules of their own"):
        await life.loop.data_engines.configure("gate", DRAWING, None)
    assert (await life.loop.data_engines.configure("det", DRAWING, None))["config"]["random_sample"]["rate"] == 0.25
