"""Upstreams of trained versions: what they are called, whom they answer for, and which of them go."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.app.config import Config
from sidecar.app.control import Control
from sidecar.app.load import load_config
from sidecar.app.registered import (
    NAME_MAX,
    REGISTERED_MAX,
    RegistryFull,
    add_registered,
    upstream_name,
    versions_in_use,
    versions_of,
    with_registered,
    without_registered,
)
from sidecar.app.state import Registered, State, load_state
from sidecar.experiments.definition import Definition, ShadowDefinition
from sidecar.experiments.lifecycle import begun

UPSTREAMS = [{"name": "A", "url": "http://a:1", "version": "1"}, {"name": "det-2", "url": "http://own:1"}]


def config(data_dir: Path = Path("data")) -> Config:
    return load_config(None, {"upstreams": UPSTREAMS, "data_dir": data_dir})


def registered(*trained: tuple[str, str], taken: tuple[str, ...] = (), **fields: object) -> State:
    """A state in which these (model, version) were registered one after the other, each at its own address."""
    state = State(**fields)
    for model, version in trained:
        item = Registered(model=model, version=version, url=f"http://{len(state.registered)}:1", job_id="j")
        state = state.model_copy(update={"registered": add_registered(state, item, taken)})
    return state


def test_names_that_would_be_one_are_told_apart() -> None:
    """Two models' names and versions that read alike when joined, names cut at the same place, names altered alike."""
    alike = [("det", "night-2"), ("det-night", "2"), ("m" * 70, "1"), ("m" * 70, "2"), ("a/b", "1"), ("a b", "1")]
    state = registered(*alike)
    assert [(item.model, item.version) for item in state.registered] == alike
    names = [item.name for item in state.registered]
    assert len(set(names)) == len(alike)
    assert names[0] == "det-night-2"
    assert max(map(len, names)) == NAME_MAX
    with_registered(config(), state)  # all of them are names of upstreams


@pytest.mark.parametrize("model", ["", "-", "../x", "ü", "x" * 300, "_m", ".m"])
def test_any_model_makes_the_name_of_an_upstream(model: str) -> None:
    """Whatever it is called."""
    with_registered(config(), registered((model, "1")))
    assert upstream_name(model, "1") != upstream_name(model, "2")


def test_version_that_is_trained_again_takes_its_own_place() -> None:
    """Its name stays, since tests and promotions know it by that; another model's of a like name is left alone."""
    state = registered(("det", "night-2"), ("det-night", "2"), ("det", "night-2"))
    assert [(item.model, item.url) for item in state.registered] == [("det-night", "http://1:1"), ("det", "http://2:1")]
    assert state.registered[1].name == "det-night-2"


def test_upstream_of_the_configuration_keeps_its_name(tmp_path: Path) -> None:
    """A version that would be called like it is called otherwise, and lasts."""
    applied: list[object] = []
    control = Control(config(tmp_path), State(), applied.append)
    control.register(Registered(model="det", version="2", url="http://trained:1"))
    names = {upstream.name: upstream.url for upstream in control.config.upstreams}
    assert names == {
        "A": "http://a:1",
        "det-2": "http://own:1",
        upstream_name("det", "2", {"det-2"}): "http://trained:1",
    }
    again = Control(config(tmp_path), load_state(tmp_path), applied.append)
    assert again.config.upstreams == control.config.upstreams


def test_oldest_that_nobody_needs_makes_room_and_none_in_use_does() -> None:
    """One serves, one is a shadow, one is a treatment: the first beside them goes. With all in use the new one is
    refused."""
    state = registered(*(("det", str(i)) for i in range(REGISTERED_MAX)))
    copying = begun("copy", ShadowDefinition("Copy", "det", "det-1", share=0.2), 0.0)
    testing = begun("ab", Definition("AB", "det", "A", ("det-2",), (0.1,)), 0.0)
    fields = {"production": {"det": "det-0"}, "trials": (copying.to_dict(), testing.to_dict())}
    more = Registered(model="det", version="more", url="http://m:1")
    kept = add_registered(state.model_copy(update=fields), more)
    assert {item.name for item in state.registered} - {item.name for item in kept} == {"det-3"}
    full = state.model_copy(update={"production": {f"m{i}": f"det-{i}" for i in range(REGISTERED_MAX)}})
    with pytest.raises(RegistryFull, match="100 versions have upstreams"):
        add_registered(full, more)
    anew = add_registered(full, Registered(model="det", version="7", url="http://anew:1"))
    assert (len(anew), anew[-1].name, anew[-1].url) == (REGISTERED_MAX, "det-7", "http://anew:1")


def test_what_a_person_registered_makes_no_room() -> None:
    """Only a person takes it away again."""
    items = [Registered(name=f"det-{i}", model="det", version=str(i), url="http://m:1") for i in range(REGISTERED_MAX)]
    state = State(registered=tuple(items))
    more = Registered(model="det", version="more", url="http://m:1", job_id="j")
    with pytest.raises(RegistryFull, match="were registered by people: delete one of those first"):
        add_registered(state, more)
    left = state.model_copy(update={"registered": without_registered(state, "det", "3")})
    assert [item.version for item in add_registered(left, more)][-2:] == [str(REGISTERED_MAX - 1), "more"]


def test_versions_in_use_are_those_that_serve_or_are_tested() -> None:
    """Of the file's own upstreams any version may be any model's."""
    state = registered(("det", "3"), ("det", "4"), ("gate", "4"), production={"det": "det-3"})
    whole = with_registered(config(), state)
    assert versions_in_use(whole, state) == {("", "1"), ("det", "3")}
    assert versions_of("gate", whole.upstreams) == {"1", "4"}
