"""Which models and versions there are, by whoever knows of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sidecar.app.config import Config
from sidecar.app.known_models import configured_models, known_pairs
from sidecar.app.load import load_config
from sidecar.app.registered import with_registered
from sidecar.app.state import Registered, State
from tests.app.looping import Life, living

UPSTREAMS = [{"name": "A", "url": "http://a:1", "version": "1"}, {"name": "B", "url": "http://b:1"}]


@pytest.fixture
async def life(tmp_path: Path) -> AsyncIterator[Life]:
    async with living(tmp_path) as life:
        yield life


def config(**settings: Any) -> Config:
    return load_config(None, {"upstreams": UPSTREAMS, **settings})


def test_configuration_names_models_where_it_speaks_of_one() -> None:
    """Of how answers are read, of routes and of tests; never of all models."""
    routes = [{"path": "/gate", "model": "gate"}, {"path": "/{model}/run"}]
    tests = [{"model": "det", "control": "A", "treatment": "B", "traffic_split": 0.1}]
    named = config(models=[{"name": "*"}, {"name": "plates"}], routes=routes, experiments=tests)
    assert configured_models(named) == {"plates", "gate", "det"}
    assert configured_models(config()) == set()


def test_every_known_model_has_the_versions_of_the_upstreams_that_may_answer_for_it() -> None:
    """One without a version has its name for one; what was registered for one model is of no other."""
    item = Registered(model="gate", version="7", url="http://g:1", name="gate-7")
    whole = with_registered(config(models=[{"name": "plates"}]), State(registered=(item,)))
    every = {("", "x"), ("det", "5")}
    own = {("det", "5"), ("gate", "7")}
    of_all = {(model, version) for model in ("det", "gate", "plates") for version in ("", "1", "B")}
    assert known_pairs(whole, every) == own | of_all


def test_where_nothing_is_known_there_is_nothing() -> None:
    """Upstreams alone make no model."""
    assert known_pairs(config(), [("", "")]) == set()


async def test_base_is_the_version_that_serves_where_a_model_alone_is_named(life: Life) -> None:
    """A version is itself, and what nobody knows is told with what there is; before anything is known all is taken."""
    known = life.loop.known
    assert await known.base("det") == ("det@1", "")
    assert await known.base("det@4") == ("det@4", "")
    await life.models.register("det", "2", "http://t:1", "", "", {})
    assert await known.base("det") == ("det@1", "")
    assert await known.base("det@2") == ("det@2", "")
    life.control._change(production={"det": "det-2"})
    assert await known.base("det") == ("det@2", "")
    for unknown in ("gate", "gate@1", "det@4", "det@"):
        base, fault = await known.base(unknown)
        assert (base, fault) == (
            unknown,
            f"no model or version is called {unknown!r}; there are det, det@1, det@2",
        )
