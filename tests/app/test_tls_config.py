"""TLS of the data path in the configuration: what is refused, and what reaches the workers."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from sidecar.app.compile import compile_settings
from sidecar.app.config import Config, while_running
from sidecar.app.demo_config import demo_config
from sidecar.app.load import ConfigFaults, load_config
from sidecar.app.state import Registered, State
from sidecar.app.supervisor import Supervisor
from sidecar.app.tls_config import ended_certificates
from sidecar.link import settings_from_json, settings_to_json
from sidecar.types import ListenTls, UpstreamTls
from tests.kit.certificates import Authority

HTTPS = "https://model:8443"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "tls")


def config_with(listen: dict[str, Any] | None = None, url: str = HTTPS, **upstream: Any) -> Config:
    return load_config(None, {"listen": listen or {}, "upstreams": [{"name": "A", "url": url, **upstream}]})


def faults_with(*args: Any, **upstream: Any) -> list[str]:
    with pytest.raises(ConfigFaults) as error:
        config_with(*args, **upstream)
    return [str(fault) for fault in error.value.faults]


def test_workers_get_names_of_files_and_nothing_of_what_is_in_them(authority: Authority) -> None:
    """The paths cross the link as they were given; a key never does."""
    files, ca = authority.issue(), str(authority.ca_file)
    config = config_with(
        {"tls_cert_file": files.cert_file, "tls_key_file": files.key_file},
        tls_ca_file=ca,
        tls_cert_file=files.cert_file,
        tls_key_file=files.key_file,
        tls_server_name="model.internal",
    )
    sent = settings_to_json(compile_settings(config, State()))
    assert b"BEGIN" not in sent
    settings = settings_from_json(sent)
    assert settings.tls == files
    assert settings.variants[0].tls == UpstreamTls(ca, True, files.cert_file, files.key_file, "model.internal")
    assert config.listen.scheme == "https"
    assert compile_settings(config_with(), State()).tls == ListenTls()


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"tls_cert_file": "server.pem"}, "listen.tls_key_file: needed too"),
        ({"tls_key_file": "server.key"}, "listen.tls_cert_file: needed too"),
        ({"tls_cert_file": "nowhere", "tls_key_file": "server.key"}, "listen.tls_cert_file: "),
        ({"tls_cert_file": "server.pem", "tls_key_file": "other.key"}, "listen.tls_cert_file: certificate and key"),
    ],
)
def test_data_port_with_unusable_files_does_not_start(authority: Authority, given: dict[str, str], fault: str) -> None:
    """Half a pair, a file that is not there or the key of another are told before anything listens."""
    authority.issue()
    authority.issue("other")
    (found,) = faults_with({name: authority.folder / file for name, file in given.items()})
    assert found.startswith(fault)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"url": "http://model", "tls_verify": False}, "upstreams[0].tls_verify: goes with an https:// URL"),
        ({"tls_key_file": "server.key"}, "upstreams[0].tls_cert_file: needed too"),
        ({"tls_ca_file": "ca.pem", "tls_verify": False}, "upstreams[0].tls_ca_file: is of no use"),
        ({"tls_ca_file": "nowhere"}, "upstreams[0].tls_ca_file: "),
        ({"tls_ca_file": "server.key"}, "upstreams[0].tls_ca_file: can't be used"),
        ({"tls_cert_file": "server.pem", "tls_key_file": "other.key"}, "upstreams[0].tls_cert_file: can't be used"),
        ({"tls_server_name": "a b"}, "upstreams[0].tls_server_name: "),
    ],
)
def test_upstream_with_unusable_tls_is_refused(authority: Authority, given: dict[str, Any], fault: str) -> None:
    """What makes no sense together or can't be read is told with its place."""
    authority.issue()
    authority.issue("other")
    assert authority.ca_file.is_file()
    named = {name: authority.folder / value if name.endswith("_file") else value for name, value in given.items()}
    (found, *others) = faults_with(**named)
    assert (found.startswith(fault), others) == (True, []), found


def test_files_that_went_bad_keep_no_monitor_away(authority: Authority) -> None:
    """While the sidecar runs its processes come up whatever became of the files: the workers judge them."""
    config = config_with(tls_ca_file=authority.ca_file)
    authority.ca_file.unlink()
    with while_running():
        assert Config(**json.loads(config.model_dump_json())) == config


def test_reload_with_unusable_files_is_refused(authority: Authority, tmp_path: Path) -> None:
    """A reload that would leave an upstream without its authority changes nothing, and says why; one that names what
    is in use already is taken, whatever became of it."""
    file = tmp_path / "c1.yaml"
    file.write_text(f"upstreams:\n- {{name: A, url: '{HTTPS}', tls_ca_file: '{authority.ca_file}'}}\n")
    supervisor = Supervisor(load_config(file, {}), lambda: load_config(file, {}))
    before = supervisor.config
    file.write_text(f"upstreams:\n- name: A\n  url: '{HTTPS}'\n  tls_ca_file: nowhere.pem\n")
    with capture_logs() as logs:
        supervisor._hangup()
    assert supervisor.config is before
    assert [entry["event"] for entry in logs] == ["reload_refused"]
    assert logs[0]["faults"] == [f"{file}:4: upstreams[0].tls_ca_file: 'nowhere.pem' is no file"]
    used = authority.ca_file
    used.write_text("")
    file.write_text(f"upstreams:\n- {{name: A, url: '{HTTPS}', version: '2', tls_ca_file: '{used}'}}\n")
    supervisor._hangup()
    assert supervisor.config.upstreams[0].version == "2"


def test_certificate_that_has_ended_is_warned_of(authority: Authority) -> None:
    """The start goes on, since a new one may be on its way; the log names the setting."""
    now = time.time()
    files = authority.issue(days=-1)
    config = config_with({"tls_cert_file": files.cert_file, "tls_key_file": files.key_file})
    assert list(ended_certificates(config.listen, config.admin, config.upstreams, now)) == [("listen.tls_cert_file", 1)]
    with capture_logs() as logs:
        Supervisor(config, lambda: config)._hangup()
    assert [entry["setting"] for entry in logs if entry["event"] == "CERTIFICATE_ENDED"] == ["listen.tls_cert_file"]


def test_upstream_that_is_not_verified_is_warned_of(authority: Authority) -> None:
    """Whoever switches the check off reads at every reload what that means."""
    config = config_with(tls_verify=False)
    with capture_logs() as logs:
        Supervisor(config, lambda: config)._hangup()
    assert [(entry["log_level"], entry["upstream"]) for entry in logs if "VERIFIED" in entry["event"]] == [
        ("warning", "A")
    ]


def test_registered_version_at_the_same_server_is_spoken_to_alike(authority: Authority) -> None:
    """A trained version at the URL of an upstream of the file has its TLS; at another URL it has none."""
    config = config_with(tls_ca_file=authority.ca_file)
    registered = tuple(
        Registered(model="det", version=version, name=f"det-{version}", url=url)
        for version, url in (("2", HTTPS), ("3", "https://other:8443"))
    )
    settings = compile_settings(config, State(registered=registered))
    own = UpstreamTls(ca_file=str(authority.ca_file))
    assert [variant.tls for variant in settings.variants] == [own, own, UpstreamTls()]


def test_demo_speaks_plain_http_whatever_the_environment(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables that are meant for a real sidecar don't make the demo's own clients fail."""
    files = authority.issue()
    monkeypatch.setenv("SIDECAR_LISTEN__TLS_CERT_FILE", files.cert_file)
    monkeypatch.setenv("SIDECAR_LISTEN__TLS_KEY_FILE", files.key_file)
    ports = {"port": 8080, "admin_port": 8081, "health_port": 8082}
    config = demo_config("127.0.0.1", ports, tmp_path, "http://127.0.0.1:8000", [sys.executable])
    assert config.listen.scheme == "http"
