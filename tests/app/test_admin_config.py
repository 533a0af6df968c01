"""What opens the admin port, as it is configured: the sidecar starts with it or says what would help."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from sidecar.access import TokenFile
from sidecar.app.config import Config, config_of_running
from sidecar.app.load import ConfigFaults, load_config

UPSTREAMS = [{"name": "A", "url": "http://127.0.0.1:8000"}]


def config_with(tmp_path: Path, **admin: Any) -> Config:
    """The configuration with these settings of the admin port. Raises ConfigFaults."""
    return load_config(None, {"upstreams": UPSTREAMS, "data_dir": tmp_path / "data", "admin": admin})


def faults_with(tmp_path: Path, **admin: Any) -> list[str]:
    """What is wrong with them."""
    with pytest.raises(ConfigFaults) as caught:
        config_with(tmp_path, **admin)
    return [str(fault) for fault in caught.value.faults]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A certificate, its key, another key, and an authority of clients."""
    authority, made = trustme.CA(), {}
    for name, blob in (
        ("cert", authority.issue_cert("localhost").private_key_and_cert_chain_pem),
        ("other", authority.issue_cert("localhost").private_key_pem),
        ("ca", authority.cert_pem),
    ):
        made[name] = tmp_path / f"{name}.pem"
        blob.write_to_path(str(made[name]))
    return made


def test_beyond_loopback_all_ways_to_open_the_port_are_told(tmp_path: Path) -> None:
    """Nothing starts that is open to everybody, and whoever starts it learns what to do."""
    (fault,) = faults_with(tmp_path, host="0.0.0.0")
    assert fault.startswith("admin.token_file: needed where admin.host is not loopback (it is '0.0.0.0')")
    assert f"sidecar token create NAME --scope admin --data-dir {tmp_path / 'data'}" in fault
    assert "admin.client_ca_file" in fault


def test_live_token_opens_and_an_ended_one_does_not(tmp_path: Path) -> None:
    """A token that was made beforehand is enough, as long as it lets somebody in."""
    kept, now = TokenFile(tmp_path / "data"), time.time()
    kept.create("old", ("admin",), now - 10, now - 1)
    token, _ = kept.create("ops", ("read",), now, None)
    assert config_with(tmp_path, host="0.0.0.0").admin.token_demanded
    kept.revoke(token.id, now)
    assert len(faults_with(tmp_path, host="0.0.0.0")) == 1
    assert len(faults_with(tmp_path, require_token=True)) == 1
    kept.path.write_text("{")
    (fault,) = faults_with(tmp_path, host="0.0.0.0")
    assert fault.startswith(
        "admin.token_file: needed where admin.host is not loopback (it is '0.0.0.0') and the tokens"
    )
    assert f"{kept.path}: is no file of tokens" in fault, "to make another there would not help"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_loopback_is_open_without_a_token(tmp_path: Path, host: str) -> None:
    """Whatever it is called."""
    assert not config_with(tmp_path, host=host).admin.token_demanded


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "", "0", "*", "::ffff:127.0.0.1", "127.1", "128.0.0.1", "127.0.0.1.example.com", "box"]
)
def test_any_other_address_needs_one(tmp_path: Path, host: str) -> None:
    """Also what might be loopback and can't be told from its looks."""
    assert len(faults_with(tmp_path, host=host)) == 1


def test_monitor_that_starts_anew_does_not_ask_for_a_live_token(tmp_path: Path) -> None:
    """When the last token has ended the sidecar goes on recording, and lets nobody in."""
    kept = TokenFile(tmp_path / "data")
    token, _ = kept.create("ops", ("admin",), time.time(), None)
    document = config_with(tmp_path, host="0.0.0.0").model_dump(mode="json")
    kept.revoke(token.id, time.time())
    assert config_of_running(document).admin.token_demanded
    assert len(faults_with(tmp_path, host="0.0.0.0")) == 1


def test_certificates_of_clients_open(tmp_path: Path, files: dict[str, Path]) -> None:
    """Mutual TLS alone is enough; a token beside it is demanded where one is configured."""
    tls = {"tls_cert_file": files["cert"], "tls_key_file": files["cert"], "client_ca_file": files["ca"]}
    assert not config_with(tmp_path, host="0.0.0.0", **tls).admin.token_demanded
    (tmp_path / "token").write_text("secret\n")
    assert config_with(tmp_path, host="0.0.0.0", token_file=tmp_path / "token", **tls).admin.token_demanded
    TokenFile(tmp_path / "data").create("ops", ("read",), time.time(), None)
    assert not config_with(tmp_path, host="0.0.0.0", **tls).admin.token_demanded
    assert config_with(tmp_path, host="0.0.0.0", require_token=True, **tls).admin.token_demanded


def test_loopback_is_open_though_there_are_tokens(tmp_path: Path) -> None:
    """Whoever makes a token locks nobody out at home, unless that is asked for."""
    TokenFile(tmp_path / "data").create("ops", ("read",), time.time(), None)
    assert not config_with(tmp_path).admin.token_demanded
    assert config_with(tmp_path, require_token=True).admin.token_demanded


def test_tls_alone_lets_nobody_in(tmp_path: Path, files: dict[str, Path]) -> None:
    """It hides what is said, it does not ask who says it."""
    (fault,) = faults_with(tmp_path, host="0.0.0.0", tls_cert_file=files["cert"], tls_key_file=files["cert"])
    assert fault.startswith("admin.token_file: needed where admin.host is not loopback")


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"tls_cert_file": "cert"}, "admin.tls_key_file: needed too"),
        ({"tls_key_file": "cert"}, "admin.tls_cert_file: needed too"),
        ({"client_ca_file": "ca"}, "admin.tls_cert_file: needed where client_ca_file is set"),
        ({"tls_cert_file": "nowhere", "tls_key_file": "cert"}, "admin.tls_cert_file: "),
        ({"tls_cert_file": "cert", "tls_key_file": "other"}, "admin.tls_cert_file: certificate, key and client_ca"),
        ({"tls_cert_file": "cert", "tls_key_file": "locked"}, "admin.tls_cert_file: certificate, key and client_ca"),
        ({"tls_cert_file": "cert", "tls_key_file": "cert", "client_ca_file": "empty"}, "admin.tls_cert_file: "),
        ({"token_file": "empty"}, "admin.token_file: "),
        ({"token_file": "binary"}, "admin.token_file: "),
        ({"token_file": "lines"}, "admin.token_file: "),
    ],
)
def test_files_that_can_not_be_used_are_told(
    tmp_path: Path, files: dict[str, Path], given: dict[str, str], place: str
) -> None:
    """By the setting, at the start, without what stands in them; a key with a password does not make it hang."""
    files["nowhere"] = tmp_path / "nowhere.pem"
    contents = {"empty": b"\n", "binary": b"se\xffcret", "lines": b"secret\nsecret\n"}
    key = load_pem_private_key(files["cert"].read_bytes(), None)
    contents["locked"] = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password"))
    for name, content in contents.items():
        files[name] = tmp_path / name
        files[name].write_bytes(content)
    (fault,) = faults_with(tmp_path, **{name: files[file] for name, file in given.items()})
    assert fault.startswith(place)
    assert "secret" not in fault


def test_token_file_of_a_container_is_named_by_one_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``SIDECAR_ADMIN_TOKEN_FILE`` is as good as the name by the rule, which wins, and wins itself over the file."""
    for name in ("one", "two", "three"):
        (tmp_path / name).write_text(name)
    file = tmp_path / "c.yaml"
    file.write_text(
        f"upstreams: [{{name: A, url: 'http://a'}}]\nadmin: {{port: 9, token_file: {tmp_path / 'three'}}}\n"
    )
    monkeypatch.setenv("SIDECAR_ADMIN_TOKEN_FILE", str(tmp_path / "two"))
    admin = load_config(file, {}).admin
    assert (admin.token_file, admin.port) == (tmp_path / "two", 9)
    monkeypatch.setenv("SIDECAR_ADMIN__TOKEN_FILE", str(tmp_path / "one"))
    assert load_config(file, {}).admin.token_file == tmp_path / "one"
