"""From configuration and state to a worker's settings."""

from __future__ import annotations

from typing import Any

from sidecar.app.compile import compile_settings
from sidecar.app.config import Config
from sidecar.app.load import load_config
from sidecar.app.state import State
from sidecar.experiments.definition import Definition, ShadowDefinition
from sidecar.experiments.lifecycle import Trial, begun, paused, ramped


def config(*names: str) -> Config:
    upstreams = [{"name": name, "url": f"http://{name.lower()}:1"} for name in names or ("A", "B")]
    return load_config(None, {"upstreams": upstreams})


def ab(**fields: Any) -> Trial:
    definition = Definition("Night", "det", "A", ("B",), (0.1,), **fields)
    return begun("night", definition, 0.0)


def state(*trials: Trial, **fields: Any) -> State:
    """As it comes back from its file."""
    written = State(version=3, trials=tuple(trial.to_dict() for trial in trials), **fields).model_dump_json()
    return State.model_validate_json(written)


def test_a_test_under_way_splits_traffic_in_its_present_epoch() -> None:
    """Its id names it in every record; its salt is its id unless given, so that assignment survives restarts."""
    trial = ramped(ab(unit="header:x", exclude="x-no", override="x-try"), (0.5,), 1.0, "ramped")
    (experiment,) = compile_settings(config(), state(trial)).experiments
    assert (experiment.name, experiment.salt, experiment.model) == ("night", "night", "det")
    assert (experiment.shares, experiment.epoch, experiment.unit) == ((0.5,), 1, "header:x")
    assert (experiment.exclude, experiment.override) == ("x-no", "x-try")
    (salted,) = compile_settings(config(), state(ab(salt="s"))).experiments
    assert salted.salt == "s"


def test_a_paused_test_keeps_its_traffic_with_control() -> None:
    """An A/B test still claims it, with no share for the treatment; a shadow test copies nothing."""
    (experiment,) = compile_settings(config(), state(paused(ab(), 1.0))).experiments
    assert (experiment.shares, experiment.epoch) == ((0.0,), 1)
    copying = begun("copy", ShadowDefinition("Copy", "gate", "B", share=0.2), 0.0)
    (shadow,) = compile_settings(config(), state(copying)).shadows
    assert (shadow.variant, shadow.share, shadow.model, shadow.epoch) == ("B", 0.2, "gate", 0)
    assert compile_settings(config(), state(paused(copying, 1.0))).shadows == ()


def test_what_stands_for_an_upstream_that_is_gone_is_left_out() -> None:
    """A worker refuses settings that name what there is not: then what serves serves all."""
    settings = compile_settings(config("A", "C"), state(ab(), production={"det": "B", "gate": "C"}))
    assert settings.experiments == ()
    assert settings.production == (("gate", "C"),)


def test_a_test_that_cannot_be_read_costs_only_itself() -> None:
    """Another release may have written it."""
    odd = State(trials=({"trial_id": "odd"}, ab().to_dict()))
    assert [item.name for item in compile_settings(config(), odd).experiments] == ["night"]


def test_limits_arrive() -> None:
    """What the configuration bounds, workers bound."""
    settings = compile_settings(config(), State())
    assert settings.limits.body_bytes_max == 1 << 30
    assert settings.default == "A"
