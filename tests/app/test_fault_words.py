"""What a faulty configuration is told: plain words, the place, what would be right, and never a secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sidecar.app.load import ConfigFaults, load_config
from tests.kit.config_faults import faults_of

UPSTREAM = "upstreams: [{name: A, url: 'http://a'}]\n"
SECRET = "geheim"


@pytest.mark.parametrize(
    "text",
    [
        "upstreams: [{name: A, url: 'http://u:geheim@127.0.0.1:21001'}]",
        "upstreams: [{name: A, url: 'http://:geheim@127.0.0.1:21001'}]",
        "upstreams: [{name: A, url: 'u:geheim@127.0.0.1:21001'}]",
        'upstreams: [{name: A, url: "http://u:x\' geheim@127.0.0.1:21001"}]',
        "upstreams: [{name: A, url: 'http://a:1/?token=geheim'}]",
        "upstreams: [{name: A, urls: ['http://b', 'http://u:geheim@127.0.0.1:21001']}]",
        "upstreams: [{name: A, urls: 'http://u:geheim@127.0.0.1:21001'}]",
        "upstreams: {name: A, url: 'http://u:geheim@127.0.0.1:21001'}",
        "upstreams: ['http://u:geheim@127.0.0.1:21001']",
        f"upstreams: ['http://u:{'x' * 90}geheim@127.0.0.1:21001']",
        "upstreams: [{name: 'http://u:geheim@x', url: 'http://a'}]",
        "upstreams: [{name: A, url: 'http://a', 'http://u:geheim@x': 1}]",
        UPSTREAM + "stream: [{url: 'ftp://u:geheim@x', headers: {Authorization: [geheim]}}]",
        UPSTREAM + "stream: [{url: 'u:geheim@x'}]",
        UPSTREAM + "notify: {webhooks: [{name: a, url: 'ftp://u:geheim@x'}], link: 'u:geheim@x', slack: {a: [geheim]}}",
        UPSTREAM + "alerts: {default_notify: ['https://u:geheim@x']}",
        UPSTREAM + "trainers: [{name: a, webhook: 'u:geheim@x', environment: {A: {B: geheim}}}]",
    ],
)
def test_no_fault_holds_a_secret(tmp_path: Path, text: str) -> None:
    """Users, passwords and queries of URLs are masked wherever they stand, and however they are written."""
    assert SECRET not in " ".join(faults_of(tmp_path, text))


def test_secret_of_a_flag_or_a_variable_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same of what no file holds; and the exception itself quotes nothing either."""
    url = f"http://u:{SECRET}@127.0.0.1:21001"
    with pytest.raises(ConfigFaults) as of_flag:
        load_config(None, {"upstreams": [{"name": "A", "url": url}]})
    assert SECRET not in f"{of_flag.value}{of_flag.value.__cause__}"
    monkeypatch.setenv("SIDECAR_UPSTREAMS", json.dumps([{"name": "A", "url": url}]))
    with pytest.raises(ConfigFaults) as of_variable:
        load_config(None, {})
    assert SECRET not in str(of_variable.value)


def test_user_in_a_url_is_answered_by_what_to_do_instead(tmp_path: Path) -> None:
    """Not by a path of its own, which nobody gave."""
    (found,) = faults_of(tmp_path, "upstreams: [{name: A, url: 'http://u:geheim@127.0.0.1:21001'}]")
    assert found.startswith("c.yaml:1: upstreams[0].url: 'http://***@127.0.0.1:21001' must be scheme, host and port")
    assert "clients send their own" in found
    assert "`path`" not in found


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "upstreams: [{name: A, urls: 'http://a'}]",
            "upstreams[0].urls: must be a list of servers, 16 at most",
        ),
        ("upstreams: [{name: A, urls: []}]", "upstreams[0].urls: must be a list of servers, 16 at most"),
        ("upstreams: [{name: A, urls: ['http://a', ftp]}]", "upstreams[0].urls[1]: 'ftp' is no address"),
        ("upstreams: [{name: A}]", "upstreams[0].url: needed: scheme, host and port of the model server"),
        ("upstreams: {name: A}", "upstreams: needed: a list of at least one model server"),
        ("upstreams: [{name: a b, url: 'http://a'}]", "upstreams[0].name: must be 1 to 64 letters"),
        (UPSTREAM + "health_path: v2/health", "health_path: must be a path that begins with / and has no spaces"),
        (UPSTREAM + "slice_by: x", "slice_by: must be route, header:NAME, or empty; got 'x'"),
        (UPSTREAM + "log_format: xml", "log_format: must be one of console, json; got 'xml'"),
        (UPSTREAM + "listen: {port: 99999}", "listen.port: must be a whole number, 0 to 65535; got 99999"),
        (UPSTREAM + "listen: 5", "listen: must be a mapping with host, port, health_port, workers, tls_cert_file"),
        (UPSTREAM + "retention: {age_days: 30d}", "retention.age_days: must be a number, over 0; got '30d'"),
        (UPSTREAM + "trusted_proxies: 10.0.0.0/8", "trusted_proxies: must be a list of text; got '10.0.0.0/8'"),
        (
            UPSTREAM + "models: [{outputs: {x: y}}]",
            "models[0].outputs.x: must be one of boxes, scores",
        ),
        (UPSTREAM + "1: 5", "1: is not a setting; here there are listen, admin"),
    ],
)
def test_fault_names_the_setting_and_what_would_be_right(tmp_path: Path, text: str, fault: str) -> None:
    """In words: neither a pattern nor a name of Python's."""
    (found,) = faults_of(tmp_path, text)
    assert found.split(": ", 1)[1].startswith(fault)
    assert not any(word in found for word in ("tuple", "pattern", "dictionary", "\\", "Field required"))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("limits: {connection_max: 5}", "limits.connection_max: is not a setting, did you mean connections_max?"),
        ("listen: {hots: x}", "listen.hots: is not a setting, did you mean host?"),
        ("health_port: 5", "health_port: is not a setting, did you mean listen.health_port?"),
        ("port: 5", "port: is not a setting, did you mean listen.port or admin.port or notify.smtp.port?"),
        ("limits: {zzz: 5}", "limits.zzz: is not a setting; here there are body_bytes_max, connections_max"),
    ],
)
def test_unknown_name_is_answered_by_the_nearest(tmp_path: Path, text: str, meant: str) -> None:
    """Of its own mapping, or where else a setting is called so; no file is named that an installation has not."""
    (found,) = faults_of(tmp_path, UPSTREAM + text)
    assert found.startswith(f"c.yaml:2: {meant}")
    assert "config/sidecar.yaml" not in found


def test_unknown_name_of_an_upstream_is_answered_too(tmp_path: Path) -> None:
    """Names within a list are known as well."""
    (found,) = faults_of(tmp_path, "upstreams: [{name: A, url: 'https://a', tls_verfy: false}]")
    assert "did you mean tls_verify?" in found


def test_variable_that_is_no_json_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """And an example of what would do is given."""
    monkeypatch.setenv("SIDECAR_UPSTREAMS", "http://127.0.0.1:8000")
    with pytest.raises(ConfigFaults, match=r"SIDECAR_UPSTREAMS: must be JSON.+http://127\.0\.0\.1:8000"):
        load_config(None, {})


@pytest.mark.parametrize(("given", "seconds"), [("30s", 30.0), ("1m30s", 90.0), ("2.5", 2.5), ("45", 45.0)])
def test_every_time_may_be_written_as_one(tmp_path: Path, given: str, seconds: float) -> None:
    """As docs/settings.md says: also those whose names end in _s, and from the environment."""
    file = tmp_path / "c.yaml"
    file.write_text(f"{UPSTREAM}limits: {{first_byte_timeout_s: {given}}}")
    assert load_config(file, {}).limits.first_byte_timeout_s == seconds


def test_time_out_of_its_bounds_is_told_as_one(tmp_path: Path) -> None:
    """What is no time, and what is too short."""
    text = f"{UPSTREAM}limits:\n  first_byte_timeout_s: 30x\n  idle_timeout_s: 0s\n"
    assert faults_of(tmp_path, text) == [
        "c.yaml:3: limits.first_byte_timeout_s: '30x' is no length of time, expected e.g. 30s, 15m, 1h30m or 7d",
        "c.yaml:4: limits.idle_timeout_s: must be a time such as 30s or 15m, over 0s; got '0s'",
    ]


@pytest.mark.parametrize(
    ("listen", "upstream", "place"),
    [
        ("{}", "{name: A, url: 'http://localhost:8080'}", "upstreams[0].url"),
        ("{host: 0.0.0.0, port: 80}", "{name: A, url: 'http://127.0.0.5'}", "upstreams[0].url"),
        ("{port: 9000}", "{name: A, urls: ['http://b', 'http://127.0.0.1:9000']}", "upstreams[0].urls[1]"),
        ("{host: 10.0.0.5}", "{name: A, url: 'http://10.0.0.5:8080'}", "upstreams[0].url"),
    ],
)
def test_upstream_that_is_the_data_port_itself_is_refused(
    tmp_path: Path, listen: str, upstream: str, place: str
) -> None:
    """Every request would come back to the sidecar, and be answered 508."""
    (found,) = faults_of(tmp_path, f"upstreams: [{upstream}]\nlisten: {listen}\n")
    assert found.startswith(f"c.yaml:1: {place}: ")
    assert "is the sidecar's own data port" in found


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("{}", "http://127.0.0.1:8000"),
        ("{}", "http://model:8080"),
        ("{host: 10.0.0.5}", "http://127.0.0.1:8080"),
        ("{port: 0}", "http://127.0.0.1:8080"),
    ],
)
def test_upstream_that_may_be_another_server_is_not_refused(tmp_path: Path, listen: str, url: str) -> None:
    """Only what is plainly the sidecar's own port."""
    file = tmp_path / "c.yaml"
    file.write_text(f"upstreams: [{{name: A, url: '{url}'}}]\nlisten: {listen}\n")
    assert load_config(file, {}).upstreams[0].url == url
