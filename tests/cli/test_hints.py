"""What is said to somebody who mistyped."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from sidecar import __version__
from sidecar.cli import app


def said(*words: str) -> str:
    """What is wrong, in a line."""
    result = CliRunner().invoke(app, words, env={"COLUMNS": "200"}, prog_name="sidecar", catch_exceptions=False)
    assert (result.exit_code, result.stdout) == (2, "")
    return " ".join(line.strip("│ ") for line in result.stderr.splitlines() if line.startswith(("│", "sidecar: ")))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("preditions",), "No such command 'preditions'. Did you mean 'predictions'?"),
        (("samples", "sav"), "No such command 'sav'. Did you mean 'save'?"),
        (("status", "--ulr", "x"), "No such option: --ulr. Did you mean --url?"),
        (("predictions", "export", "x.csv", "--form", "csv"), "No such option: --form. Did you mean --format?"),
        (("drift", "chekcs"), "Missing option '--reference'. Did you mean `sidecar drift checks`?"),
        (("feedback", "lst"), "or missed_object sidecar: Did you mean `sidecar feedback list`?"),
        (
            ("--url", "http://x", "status"),
            "No such option here: --url. It belongs after a command: sidecar COMMAND --url",
        ),
    ],
)
def test_what_was_meant_is_offered(words: tuple[str, ...], message: str) -> None:
    """A command, an option, and a subcommand where a model or an id may stand as well."""
    assert message in said(*words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("zzz",), "No such command 'zzz'."),
        (("status", "--zzz"), "No such option: --zzz"),
        (("--zzz",), "No such option: --zzz"),
        (("drift", "digits"), "Missing option '--reference'."),
    ],
)
def test_nothing_is_offered_where_nothing_is_like_it(words: tuple[str, ...], message: str) -> None:
    """A wrong guess would mislead."""
    assert said(*words) == message


def test_version_is_told() -> None:
    """On standard output, and nothing else is done."""
    result = CliRunner().invoke(app, ["--version"], catch_exceptions=False)
    assert (result.exit_code, result.stdout) == (0, f"sidecar {__version__}\n")
