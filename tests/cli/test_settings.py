"""``sidecar settings``, over a configuration that was given in several ways."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.cli.conftest import Ask

CONFIG: dict[str, Any] = {
    "listen": {"host": "127.0.0.1", "port": 9000},
    "upstreams": [{"name": "A", "url": "http://127.0.0.1:8000"}, {"name": "[bold]\x1b[31m", "url": ""}],
    "routes": [],
    "trusted_proxies": ["10.0.0.0/8", "::1"],
    "notify": {"slack": {"#ml": "***"}, "smtp": None},
    "alerts": {"defaults": True},
    "slice_by": "",
    "production": {"det": "A"},
    "version": 7,
    "came_from": {"listen.port": "environment", "upstreams": "file", "notify.slack.#ml": "file"},
}


@pytest.fixture(autouse=True)
def _configured(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is served has this configuration."""

    def settings(_: object) -> Mapping[str, Any]:
        return CONFIG

    monkeypatch.setattr("tests.api.live.LiveControl.settings", settings)


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_each_setting_has_its_value_and_where_it_came_from(ask: Ask) -> None:
    """A list of parts has all of them; what came from outside is text, what is secret is said to be."""
    lines = rows(ask("settings").stdout)
    assert lines[:2] == [["setting", "value", "from"], ["slice_by", "-", "default"]]
    for told in (
        ["listen.host", "127.0.0.1", "default"],
        ["listen.port", "9000", "environment"],
        ["upstreams[0].url", "http://127.0.0.1:8000", "file"],
        ["upstreams[1].name", "[bold]?[31m", "file"],
        ["routes", "none", "default"],
        ["trusted_proxies", "10.0.0.0/8,", "::1", "default"],
        ["notify.slack.#ml", "hidden", "file"],
        ["alerts.defaults", "true", "default"],
        ["production.det", "A", "promotion"],
    ):
        assert told in lines
    assert lines[-1] == ["13", "settings,", "7", "set"]


def test_only_what_a_person_gave_counts_as_set(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the defaults beside it in an item of a list."""
    upstream = {"name": "A", "url": "http://a", "tls_verify": True}
    came_from = {"upstreams[0].name": "file", "upstreams[0].url": "file"}
    answer = {"upstreams": [upstream], "slice_by": "", "came_from": came_from}
    monkeypatch.setattr("tests.api.live.LiveControl.settings", lambda _: answer)
    assert rows(ask("settings", "--given").stdout)[1:] == [
        ["upstreams[0].name", "A", "file"],
        ["upstreams[0].url", "http://a", "file"],
        ["2", "of", "4", "settings,", "2", "set"],
    ]


def test_words_and_given_narrow_them_down(ask: Ask) -> None:
    """By name, value and origin, whatever the case; where nothing is left a sentence says so."""
    assert rows(ask("settings", "PORT", "env").stdout)[1:] == [
        ["listen.port", "9000", "environment"],
        ["1", "of", "13", "settings,", "1", "set"],
    ]
    given = [line[0] for line in rows(ask("settings", "--given").stdout)[1:-1]]
    assert {path.partition("[")[0] for path in given} == {
        *("listen.port", "upstreams", "notify.slack.#ml", "production.det")
    }
    assert ask("settings", "nothing", "here").stdout == "no setting has 'nothing' and 'here'\n"


def test_json_is_what_the_api_gives(ask: Ask) -> None:
    """All of it; what would narrow it down is refused."""
    assert json.loads(ask("settings", "--json").stdout) == CONFIG
    refused = ask("settings", "--json", "--given")
    assert (refused.exit_code, refused.stderr) == (2, "sidecar: --given: --json has all settings at once\n")


@pytest.mark.parametrize("columns", ["40", "200"])
def test_table_fits_a_terminal(ask: Ask, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    """Long names and values go on in the next line."""
    monkeypatch.setenv("COLUMNS", columns)
    assert max(map(len, ask("settings").stdout.splitlines())) <= int(columns)
