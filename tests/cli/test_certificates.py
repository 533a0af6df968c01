"""The options of TLS, in front of a port that demands them."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
import typer
from typer.testing import CliRunner

from sidecar.cli import app
from tests.api.live_watch import LiveWatch
from tests.api.serving import served
from tests.kit.command_tree import commands


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """An authority, and a certificate of it with its key, as files."""
    authority, made = trustme.CA(), {}
    shown = authority.issue_cert("localhost", "127.0.0.1")
    for name, content in (
        ("ca", authority.cert_pem.bytes()),
        ("cert", shown.cert_chain_pems[0].bytes()),
        ("key", shown.private_key_pem.bytes()),
    ):
        (tmp_path / f"{name}.pem").write_bytes(content)
        made[name] = str(tmp_path / f"{name}.pem")
    return made


def demanding(files: dict[str, str]) -> ssl.SSLContext:
    """TLS that asks each client for a certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=files["ca"])
    context.load_cert_chain(files["cert"], files["key"])
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_certificate_is_shown_wherever_its_options_stand(tmp_path: Path, files: dict[str, str]) -> None:
    """After the command, before the subcommand, or in the environment."""
    with served(tmp_path / "d", LiveWatch(), tls=demanding(files)) as url:
        given = ["--ca-file", files["ca"], "--cert-file", files["cert"], "--key-file", files["key"]]
        names = ("SIDECAR_CA_FILE", "SIDECAR_CERT_FILE", "SIDECAR_KEY_FILE")
        environment = dict(zip(names, given[1::2], strict=True))
        for words, variables in (
            (["alerts", "list", *given], {}),
            (["alerts", *given, "list"], {}),
            (["alerts", *given], {}),
            (["status", *given[:4]], {"SIDECAR_KEY_FILE": files["key"]}),
            (["alerts", "list"], environment),
        ):
            result = CliRunner().invoke(app, words, env={"SIDECAR_URL": url, **variables}, catch_exceptions=False)
            assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize(
    ("left_out", "said"), [("--cert-file", "--cert-file"), ("--ca-file", "certificate verify failed")]
)
def test_what_is_missing_is_told_in_a_line(tmp_path: Path, files: dict[str, str], left_out: str, said: str) -> None:
    """Neither a traceback nor an answer."""
    with served(tmp_path / "d", LiveWatch(), tls=demanding(files)) as url:
        given = {"--ca-file": files["ca"], "--cert-file": files["cert"], "--key-file": files["key"]}
        if left_out == "--cert-file":
            del given["--key-file"]
        del given[left_out]
        words = [word for pair in given.items() for word in pair]
        result = CliRunner().invoke(app, ["alerts", "--url", url, *words], catch_exceptions=False)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["--ca-file", "nowhere.pem"], "--ca-file: 'nowhere.pem' is no file"),
        (["--key-file", "key"], "--key-file: goes with --cert-file, which is missing"),
        (["--ca-file", "empty"], "--ca-file"),
        (["--cert-file", "cert", "--key-file", "other"], "--cert-file"),
    ],
)
def test_file_that_can_not_be_used_is_told(tmp_path: Path, files: dict[str, str], words: list[str], fault: str) -> None:
    """By its option, before anybody is asked."""
    (tmp_path / "empty").write_text("")
    (tmp_path / "other").write_bytes(trustme.CA().issue_cert("other").private_key_pem.bytes())
    known = {**files, "empty": str(tmp_path / "empty"), "other": str(tmp_path / "other")}
    given = [known.get(word, word) for word in words]
    result = CliRunner().invoke(app, ["alerts", "--url", "https://127.0.0.1:9", *given], catch_exceptions=False)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"sidecar: {fault}")


def test_every_command_that_takes_a_token_takes_them() -> None:
    """Whoever adds a command need not think of them."""
    found: Any = typer.main.get_command(app)
    asking = [(words, command) for words, command in commands(found) if "token" in {it.name for it in command.params}]
    assert len(asking) > 50
    for words, command in asking:
        assert {"ca_file", "cert_file", "key_file"} <= {it.name for it in command.params}, words
