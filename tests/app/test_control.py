"""Changes at run time."""

from pathlib import Path

import pytest

from sidecar.api.schemas import ExperimentIn
from sidecar.api.services import ControlError
from sidecar.app.control import Control
from sidecar.app.load import load_config
from sidecar.app.state import State, load_state
from sidecar.types import ProxySettings


class Bench:
    def __init__(self, data_dir: Path) -> None:
        self.applied: list[ProxySettings] = []
        upstreams = [{"name": "A", "url": "http://a:1"}, {"name": "B", "url": "http://b:1"}]
        stream = [{"url": "https://me:pw@hub/in?token=t", "headers": {"Authorization": "Bearer s"}}]
        self.config = load_config(None, {"upstreams": upstreams, "data_dir": data_dir, "stream": stream})
        self.control = Control(self.config, State(version=5), self.applied.append)


def experiment(**fields: object) -> ExperimentIn:
    return ExperimentIn.model_validate({"name": "e", "control": "A", "treatment": "B", "split": 0.1, **fields})


async def test_experiment_is_saved_before_it_is_applied(tmp_path: Path) -> None:
    """What workers follow is what a restart finds."""
    bench = Bench(tmp_path)
    shown = await bench.control.set_experiment(experiment())
    assert (shown["split"], shown["epoch"]) == (0.1, 0)
    saved = load_state(tmp_path)
    assert saved.experiments is not None
    assert saved.version == bench.applied[-1].version == 7
    assert bench.applied[-1].experiments[0].split == 0.1


async def test_ramp_opens_an_epoch(tmp_path: Path) -> None:
    """Figures of one split are never pooled with those of another."""
    bench = Bench(tmp_path)
    await bench.control.set_experiment(experiment())
    assert (await bench.control.set_experiment(experiment(split=0.5)))["epoch"] == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"treatment": "C"}, "treatment"), ({"treatment": "A"}, "treatment"), ({"name": "f"}, "model")],
)
async def test_experiment_that_cannot_be_changes_nothing(tmp_path: Path, fields: dict[str, object], field: str) -> None:
    """An unknown upstream, control against itself, or a second experiment on the same traffic names the field."""
    bench = Bench(tmp_path)
    await bench.control.set_experiment(experiment())
    before = (load_state(tmp_path), len(bench.applied))
    with pytest.raises(ControlError) as caught:
        await bench.control.set_experiment(experiment(**fields))
    assert caught.value.field == field
    assert (load_state(tmp_path), len(bench.applied)) == before


async def test_stopped_experiment_is_gone_and_unknown_one_is_an_error(tmp_path: Path) -> None:
    """Stopping ends the split; stopping what is not there says so."""
    bench = Bench(tmp_path)
    await bench.control.set_experiment(experiment())
    await bench.control.stop_experiment("e")
    assert bench.applied[-1].experiments == ()
    with pytest.raises(ControlError, match="no experiment"):
        await bench.control.stop_experiment("e")


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
