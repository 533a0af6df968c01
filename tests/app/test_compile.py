"""From configuration and state to a worker's settings."""

from sidecar.app.compile import compile_settings, with_epochs
from sidecar.app.config import Config
from sidecar.app.load import load_config
from sidecar.app.state import State


def config(split: float = 0.1, score_threshold: float = 0.25) -> Config:
    return load_config(
        None,
        {
            "upstreams": [
                {"name": "A", "url": "http://a:1"},
                {"name": "B", "url": "http://b:1", "score_threshold": score_threshold},
            ],
            "experiments": [{"control": "A", "treatment": "B", "split": split}],
        },
    )


def test_a_changed_split_opens_an_epoch_and_a_restart_does_not() -> None:
    """Figures of different splits are never pooled; the same definition goes on in its epoch."""
    state = with_epochs(config(), State())
    assert compile_settings(config(), state).experiments[0].epoch == 0
    assert with_epochs(config(), state) == state
    assert compile_settings(config(0.2), with_epochs(config(0.2), state)).experiments[0].epoch == 1


def test_a_changed_operating_point_opens_an_epoch() -> None:
    """What counts as a detection is part of what an epoch measured."""
    state = with_epochs(config(), State())
    assert with_epochs(config(score_threshold=0.5), state).epochs["experiment"][1] == 1


def test_experiments_set_at_run_time_replace_the_files() -> None:
    """None means that the file's hold; an empty list means that all were stopped."""
    stopped = with_epochs(config(), State(experiments=()))
    assert compile_settings(config(), stopped).experiments == ()


def test_salt_is_stable_and_limits_arrive() -> None:
    """The salt is the experiment's name unless given, so that assignment survives restarts."""
    settings = compile_settings(config(), with_epochs(config(), State()))
    assert settings.experiments[0].salt == "experiment"
    assert settings.limits.body_bytes_max == 1 << 30
    assert settings.default == "A"
