"""From configuration and state to a worker's settings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from sidecar.app.compile import compile_settings
from sidecar.app.config import Config
from sidecar.app.load import ConfigFaults, load_config
from sidecar.app.state import Engine, State
from sidecar.experiments.definition import Definition, ShadowDefinition
from sidecar.experiments.lifecycle import Trial, begun, paused, ramped
from sidecar.types import FeedbackPath, Pin


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


def test_several_servers_of_a_version_reach_the_worker() -> None:
    """``urls`` stands for ``url``, whose place its first takes; a configuration that runs is read the same again."""
    urls = ["http://10.0.0.7:8000", "http://10.0.0.8:8000/"]
    given = load_config(None, {"upstreams": [{"name": "A", "urls": urls}, {"name": "B", "url": "http://b:1"}]})
    several, one = compile_settings(given, state()).variants
    assert (several.url, several.urls) == (urls[0], (urls[0], "http://10.0.0.8:8000"))
    assert (one.url, one.urls) == ("http://b:1", ())
    assert Config(**given.model_dump()).upstreams == given.upstreams


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"urls": ["http://a:1", "https://b:1"]}, "must all be http:// or all be https://"),
        ({"urls": ["http://a:1", "http://a:1/"]}, "must all be different"),
        ({"urls": ["http://a:1", "b"]}, "'b' is no address of a model server"),
        ({"urls": ["http://a:1"], "url": "http://c:1"}, "is not the first of `urls`"),
        ({"urls": [f"http://a:{port}" for port in range(1, 18)]}, "16 at most"),
    ],
)
def test_servers_that_can_not_be_one_version_are_refused(fields: dict[str, Any], fault: str) -> None:
    """In words that say what to write."""
    with pytest.raises(ConfigFaults, match=re.escape(fault)):
        load_config(None, {"upstreams": [{"name": "A", **fields}]})


def test_a_test_says_whether_control_answers_for_what_is_down() -> None:
    """It does unless told otherwise, for tests that were begun before this could be said too."""
    assert [one.failover for one in compile_settings(config(), state(ab())).experiments] == [True]
    assert [one.failover for one in compile_settings(config(), state(ab(failover=False))).experiments] == [False]
    old = ab().to_dict()
    del old["definition"]["failover"]
    assert Trial.from_dict(old) == ab()


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


def test_random_sample_of_each_model_is_drawn_by_the_workers() -> None:
    """At the rate of its own rules; a model that wants none has none drawn."""
    drawing = {"random_sample": {"enabled": True, "rate": 0.2}}
    engines = {"det": Engine(config=drawing), "gate": Engine(config={"random_sample": {"enabled": False, "rate": 0.2}})}
    of_all = load_config(None, {**UPSTREAMS, "sampling": {"random_sample": {"enabled": True, "rate": 0.05}}})
    assert compile_settings(of_all, state(engines=engines)).pins == (
        Pin("input_probe", 0.01),
        Pin("random_sample", 0.05),
        Pin("random_sample", 0.2, "det"),
        Pin("random_sample", 0.0, "gate"),
    )


UPSTREAMS = {"upstreams": [{"name": "A", "url": "http://a:1"}]}


def test_feedback_is_closed_until_its_path_is_given() -> None:
    """Where it is opened, the path, the origins as browsers write them and the allowance reach the workers."""
    assert compile_settings(config(), State()).feedback == FeedbackPath()
    origins = ["https://App.example.com:443", "http://localhost:3000", "capacitor://localhost", "*"]
    opened = load_config(None, {**UPSTREAMS, "feedback": {"path": "/feedback", "origins": origins, "per_minute": 5}})
    browsers = ("https://app.example.com", "http://localhost:3000", "capacitor://localhost", "*")
    assert compile_settings(opened, State()).feedback == FeedbackPath("/feedback", browsers, 5)


@pytest.mark.parametrize(
    ("feedback", "place"),
    [
        *(({"path": path}, "feedback.path") for path in ("feedback", "/", "/a b", "/f?x=1", "/%66", "/{x}")),
        *(({"path": path}, "feedback.path") for path in ("/predict", "/v2/models/m/infer", "/feedback/1", "/own/x")),
        *(({"origins": [origin]}, "feedback.origins") for origin in ("https://a/", "a.com", "null", "https://a,b", "")),
        ({"per_minute": -1}, "feedback.per_minute"),
    ],
)
def test_feedback_that_can_not_be_opened_is_a_fault(feedback: dict[str, Any], place: str) -> None:
    """No path, the path of predictions or what is no origin is named before anything starts."""
    routes = [{"path": "/own/{model}"}]
    with pytest.raises(ConfigFaults) as caught:
        load_config(None, {**UPSTREAMS, "routes": routes, "feedback": feedback})
    (fault,) = caught.value.faults
    assert str(fault).startswith(place)


def test_example_of_feedback_can_be_uncommented(tmp_path: Path) -> None:
    """What a person takes the comment sign from in the shipped file opens the path, with the defaults it shows."""
    text = (Path(__file__).resolve().parents[2] / "config/sidecar.yaml").read_text()
    block = text[text.index("# feedback:") :].split("\n\n")[0]
    file = tmp_path / "c.yaml"
    file.write_text("upstreams: [{name: A, url: 'http://a'}]\n" + block.replace("# ", "", 1).replace("\n# ", "\n"))
    assert compile_settings(load_config(file, {}), State()).feedback == FeedbackPath("/feedback")
