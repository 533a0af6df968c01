"""Models and their versions through the client, against the real application."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.client import AsyncClient, Client, InvalidRequest, NotFound
from tests.api.live_watch import LiveWatch
from tests.api.serving import served
from tests.kit.trials_at_hand import TrialsAtHand


@pytest.fixture
def url(tmp_path: Path, watch: LiveWatch, trials: TrialsAtHand) -> Iterator[str]:
    """Where an application is served in front of versions 1 and 2 that nobody has asked anything yet."""
    with served(tmp_path, watch, trials=trials) as found:
        yield found


def test_registered_model_answers_with_ids_for_every_call(live: Client) -> None:
    """Of itself and of its versions, by attributes and by keys."""
    model = live.register_model("gate", description="Number plates")
    assert (model.id, model["description"], model.origin) == ("gate", "Number plates", "api")
    assert [item.id for item in live.models() if item.model == "gate"] == ["gate", "gate@1", "gate@2"]
    new = live.register_model("gate", "3", url="http://127.0.0.1:9", path="/infer", metrics={"map50": 0.5})
    assert (new.id, new.upstream.path, f"{new.metrics['map50']:.2f}") == ("gate@3", "/infer", "0.50")
    assert live.get_model("gate").versions == ["gate@1", "gate@2", "gate@3"]
    assert live.get_model("gate@3") == new
    assert live.delete_model("gate@3").id == "gate@3"
    with pytest.raises(NotFound, match=r"there are .*gate, gate@1, gate@2") as caught:
        live.get_model("gate@3")
    assert caught.value.errors[0].field == "model_id"


def test_registering_again_keeps_what_is_not_given(live: Client) -> None:
    """So that one call may be made at every start of a service."""
    first = live.register_model("gate", "3", metrics={"map50": 0.5})
    assert live.register_model("gate", "3") == first
    assert live.register_model("gate", "3", description="Night").metrics == first.metrics


def test_faulty_registration_names_its_fields(live: Client) -> None:
    """A name with a sign that stands between model and version, a number that JSON can't hold."""
    with pytest.raises(InvalidRequest, match="must hold no @") as caught:
        live.register_model("gate@3")
    assert [fault.field for fault in caught.value.errors] == ["name"]
    with pytest.raises(InvalidRequest, match=r"metrics\.loss: must be a finite number"):
        live.register_model("gate", "3", metrics={"loss": math.nan})


async def test_both_clients_have_the_same_of_models(url: str) -> None:
    """Figures and what is recorded are apart from the list."""
    async with AsyncClient(url) as client:
        made = await client.register_model("gate")
        assert made in await client.models()
        assert await client.get_model("gate") == made
        figures = await client.model_figures()
        assert (figures.figures, figures.recorded) == ([], [])
        assert await client.delete_model("gate") == made
