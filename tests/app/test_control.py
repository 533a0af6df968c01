"""Changes at run time."""

from pathlib import Path

import pytest

from sidecar.app.compile import compile_settings
from sidecar.app.control import Control
from sidecar.app.load import load_config
from sidecar.app.state import State, load_state
from sidecar.experiments.definition import Definition
from sidecar.experiments.lifecycle import Trial, begun
from sidecar.types import ProxySettings


class Bench:
    def __init__(self, data_dir: Path) -> None:
        self.applied: list[ProxySettings] = []
        upstreams = [{"name": "A", "url": "http://a:1"}, {"name": "B", "url": "http://b:1"}]
        stream = [{"url": "https://me:pw@hub/in?token=t", "headers": {"Authorization": "Bearer s"}}]
        routes = [{"path": "/gate", "model": "gate", "upstream": "B"}]
        settings = {"upstreams": upstreams, "data_dir": data_dir, "stream": stream, "routes": routes}
        self.config = load_config(None, settings)
        self.control = Control(self.config, State(version=5), self.applied.append)


def trial(name: str = "night") -> Trial:
    return begun(name, Definition(name, "det", "A", ("B",), (0.1,)), 0.0)


def test_tests_are_saved_before_they_are_applied(tmp_path: Path) -> None:
    """What workers follow is what a restart finds."""
    bench = Bench(tmp_path)
    bench.control.follow([trial()])
    saved = load_state(tmp_path)
    assert saved.version == bench.applied[-1].version == 7
    assert [item.name for item in bench.applied[-1].experiments] == ["night"]
    assert compile_settings(bench.config, saved) == bench.applied[-1]


def test_what_could_not_be_saved_is_not_applied(tmp_path: Path) -> None:
    """Workers never follow what a restart would forget."""
    bench = Bench(tmp_path)
    (tmp_path / "settings.json.partial").mkdir()
    with pytest.raises(OSError, match=r"settings.json.partial"):
        bench.control.follow([trial()])
    assert (bench.applied, bench.control.state.trials) == ([], ())


def test_what_serves_a_model_is_the_promoted_one(tmp_path: Path) -> None:
    """Its own promotion, its route's upstream, what was promoted for all, the default: the first of these there is."""
    bench = Bench(tmp_path)
    serving = bench.control.serving
    assert (serving("det"), serving("gate"), serving("*")) == ("A", "B", "A")
    bench.control.follow([], ("det", "B"))
    assert bench.applied[-1].production == (("det", "B"),)
    assert (serving("det"), serving("other")) == ("B", "A")
    bench.control.follow([], ("*", "B"))
    assert (serving("other"), serving("*")) == ("B", "B")
    bench.control.follow([], ("det", "A"))
    assert serving("det") == "A"


def test_what_serves_anyway_is_not_written_down(tmp_path: Path) -> None:
    """So that another default in the configuration has its effect."""
    bench = Bench(tmp_path)
    bench.control.follow([], ("det", "A"))
    assert bench.applied[-1].production == ()


def test_what_is_promoted_for_all_is_so_for_each(tmp_path: Path) -> None:
    """A model's own promotion yields to a later one of all."""
    bench = Bench(tmp_path)
    bench.control.follow([], ("det", "B"), 5.0)
    assert bench.control.elsewhere("*", "A") == "B"
    bench.control.follow([], ("*", "A"), 6.0)
    assert bench.control.serving("det") == "A"
    assert (bench.control.elsewhere("*", "A"), bench.control.state.promoted_at) == ("", 6.0)


def test_an_upstream_that_is_gone_serves_nothing(tmp_path: Path) -> None:
    """What was promoted counts again once it is back."""
    bench = Bench(tmp_path)
    bench.control.follow([], ("det", "B"), 5.0)
    alone = bench.config.model_copy(update={"upstreams": bench.config.upstreams[:1], "routes": ()})
    bench.control.reload(alone)
    assert bench.control.serving("det") == "A"
    bench.control.reload(bench.config)
    assert bench.control.serving("det") == "B"


def test_another_default_in_the_configuration_ends_promotions(tmp_path: Path) -> None:
    """A person has said anew what serves; a reload that leaves the default alone leaves them as they are."""
    bench = Bench(tmp_path)
    bench.control.follow([], ("det", "B"))
    bench.control.reload(bench.config)
    assert bench.applied[-1].production == (("det", "B"),)
    bench.control.reload(bench.config.model_copy(update={"default_upstream": "B"}))
    assert bench.applied[-1].production == ()
    again = Control(bench.control.config, load_state(tmp_path), bench.applied.append)
    assert again.state.default_seen == "B"


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    """Neither headers nor what a URL may hide are part of the effective settings."""
    shown = Bench(tmp_path).control.settings()["stream"][0]
    assert (shown["headers"], shown["url"]) == ({"Authorization": "***"}, "https://hub/in")


def test_addresses_that_are_secrets_are_not_shown(tmp_path: Path) -> None:
    """Whoever may read the settings does not thereby get to post to somebody's chat."""
    secret = "https://hooks.slack.com/services/T0/B0/xyzzy"
    config = load_config(
        None,
        {
            "upstreams": [{"name": "A", "url": "http://a"}],
            "data_dir": tmp_path,
            "notify": {
                "slack": {"#ml": secret},
                "apprise": {"phone": "ntfy://xyzzy"},
                "webhooks": [{"name": "w", "url": secret}],
                "alertmanagers": [{"url": "http://user:xyzzy@manager:9093/xyzzy"}],
            },
        },
    )
    shown = Control(config, State(), lambda _: None).settings()
    assert "xyzzy" not in str(shown)
    assert shown["notify"]["webhooks"][0]["url"] == "hooks.slack.com"


def test_channels_of_declared_tests_are_shown_without_their_secrets(tmp_path: Path) -> None:
    """Of a webhook's address only the host."""
    secret = "webhook:https://hooks.example.com/xyzzy"
    test = {"control": "A", "treatment": "B", "traffic_split": 0.1, "notify": secret}
    upstreams = [{"name": name, "url": "http://a"} for name in "AB"]
    config = load_config(None, {"upstreams": upstreams, "data_dir": tmp_path, "experiments": [test]})
    shown = Control(config, State(), lambda _: None).settings()
    assert "xyzzy" not in str(shown)
    assert "hooks.example.com" in shown["experiments"][0]["notify"][0]
