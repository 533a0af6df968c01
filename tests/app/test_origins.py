"""Where settings came from is told as it is: by the file, the environment, a flag, or by nobody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sidecar.app.config import config_of_running
from sidecar.app.control import Control
from sidecar.app.load import load_config
from sidecar.app.origins import origins_of
from sidecar.app.state import State

UPSTREAMS = [{"name": "A", "url": "http://127.0.0.1:1"}]


def test_origin_is_that_of_the_value_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag wins over the environment, that over the file, in what is told as in what holds."""
    file = tmp_path / "sidecar.yaml"
    file.write_text(json.dumps({"upstreams": UPSTREAMS, "listen": {"port": 1, "workers": 2}, "retention": {}}))
    monkeypatch.setenv("SIDECAR_LISTEN__PORT", "2")
    monkeypatch.setenv("SIDECAR_SAMPLING__RANDOM_SAMPLE", '{"rate": 0.5}')
    token = tmp_path / "token"
    token.write_text("t" * 40)
    token.chmod(0o600)
    monkeypatch.setenv("SIDECAR_ADMIN_TOKEN_FILE", str(token))
    config = load_config(file, {"data_dir": tmp_path})
    assert (config.listen.port, config.listen.workers, config.sampling.random_sample.rate) == (2, 2, 0.5)
    assert dict(config.came_from) == {
        "admin.token_file": "environment",
        "data_dir": "flag",
        "listen.port": "environment",
        "listen.workers": "file",
        "retention": "file",
        "sampling.random_sample.rate": "environment",
        "upstreams[0].name": "file",
        "upstreams[0].url": "file",
    }


def test_origins_reach_the_settings_of_the_api(tmp_path: Path) -> None:
    """Also through the line by which the supervisor hands the configuration to the monitor, and with no secret."""
    config = load_config(None, {"upstreams": UPSTREAMS, "data_dir": tmp_path})
    handed = config_of_running(json.loads(config.model_dump_json()), config.came_from)
    assert handed == config
    settings: dict[str, Any] = Control(handed, State(), lambda _: None).settings()
    assert settings["came_from"] == {
        "data_dir": "flag",
        "upstreams[0].name": "flag",
        "upstreams[0].url": "flag",
    }


def test_what_replaces_a_mapping_is_the_only_origin_at_its_place() -> None:
    """No path is told beneath one that is a single value."""
    assert origins_of({"a": {"b": 1, "c": 2}}, {}, {"a": None}) == {"a": "flag"}
    assert origins_of({"a": None}, {"a": {"b": 1}}, {}) == {"a.b": "environment"}


def test_a_list_is_replaced_whole_and_told_by_what_was_given_in_it() -> None:
    """Nothing of the former is left, and defaults within it have no origin."""
    assert origins_of({"a": [{"b": 1}, {"c": 2}]}, {}, {"a": [{"b": {"d": 3}}]}) == {"a[0].b.d": "flag"}
    assert origins_of({"a": [{"b": 1}]}, {"a": []}, {}) == {"a": "environment"}
    assert origins_of({"a": []}, {}, {"a": [{"b": [1, 2]}]}) == {"a[0].b": "flag"}
