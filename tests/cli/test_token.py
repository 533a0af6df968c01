"""``sidecar token`` on a data folder, and in front of the application."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sidecar.access import TokenFile
from sidecar.cli import app
from tests.api.live_watch import LiveWatch
from tests.api.serving import served

Tell = Callable[..., Result]
FIXED = "the-token-of-the-file"
SECRET = re.compile(r"sct_[A-Za-z0-9_-]{43}\n")
DAMAGED = (
    "sidecar: tokens.json: is no file of tokens of this release (JSONDecodeError); put a copy of it back, or move it "
    "away and make new tokens\n"
)


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tell:
    """``beside("list")`` runs ``sidecar token list`` in an empty folder, where no sidecar runs."""
    for name in ("SIDECAR_URL", "SIDECAR_TOKEN", "SIDECAR_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)

    def run(*words: str, **environment: str) -> Result:
        return CliRunner().invoke(app, ["token", *words], env=environment, catch_exceptions=False)

    return run


def test_token_is_made_listed_and_revoked_in_a_folder(beside: Tell, tmp_path: Path) -> None:
    """Without a running sidecar; standard output is the secret alone, and it lets in what was made."""
    made = beside("create", "ci", "--scope", "read", "--scope", "feedback", "--expires", "90d", "--data-dir", "d")
    assert (made.exit_code, bool(SECRET.fullmatch(made.stdout))) == (0, True)
    assert re.search(r"token ci \([0-9a-f]{8}\) for read, feedback, until 20\d\d-\d\d-\d\d", made.stderr)
    found = TokenFile(tmp_path / "d").find(made.stdout.strip())
    assert found is not None
    assert (tmp_path / "d").stat().st_mode & 0o777 == 0o700
    listed = beside("--data-dir", "d")
    assert listed.stdout == beside("list", "--data-dir", "d").stdout
    assert found.id in listed.stdout
    assert "live" in listed.stdout
    assert max(map(len, listed.stdout.splitlines())) <= 80
    revoked = beside("revoke", found.id[:4], "--data-dir", "d")
    assert revoked.stdout == f"token ci ({found.id}) is revoked\n"
    assert "revoked" in beside("--data-dir", "d").stdout


def test_name_means_the_token_that_is_not_revoked(beside: Tell, tmp_path: Path) -> None:
    """As after a rotation; where two are live it has to be said which."""
    beside("create", "ci", "--data-dir", "d")
    beside("revoke", "ci", "--data-dir", "d")
    beside("create", "ci", "--data-dir", "d")
    beside("create", "ci", "--data-dir", "d")
    both = beside("revoke", "ci", "--data-dir", "d")
    assert (both.exit_code, both.stderr.startswith("sidecar: ID: 'ci' may be ")) == (2, True)
    assert beside("revoke", TokenFile(tmp_path / "d").tokens()[1].id, "--data-dir", "d").exit_code == 0
    assert beside("revoke", "ci", "--data-dir", "d").exit_code == 0
    assert all(token.revoked_at for token in TokenFile(tmp_path / "d").tokens())


@pytest.mark.parametrize(
    ("words", "faults"),
    [
        (("create", "ci", "--scope", "write", "--expires", "2001-01-01"), ["--scope: 'write' is none", "--expires: "]),
        (("create", "", "--scope", "read"), ["NAME: must be one line"]),
        (("create", "ci", "--expires", "99999999999d"), ["--expires: must be at most 36500d from now"]),
        (("create", "ci", "--expires", "9999-01-01"), ["--expires: must be at most 36500d from now"]),
        (("create", "ci", "--expires", "soon"), ["--expires: 'soon' is no time, expected e.g. 90d"]),
        (("create", "ci", "--url", "http://127.0.0.1:9"), ["--data-dir: goes in place of --url"]),
        (("revoke", "nobody"), ["ID: no token has the id 'nobody'"]),
    ],
)
def test_what_is_wrong_is_told_by_its_option(beside: Tell, tmp_path: Path, words: list[str], faults: list[str]) -> None:
    """All of it at once, and nothing is made."""
    (tmp_path / "d").mkdir()
    result = beside(*words, "--data-dir", "d")
    assert (result.exit_code, result.stdout) == (2, "")
    lines = result.stderr.splitlines()
    assert len(lines) == len(faults)
    assert [line.startswith(f"sidecar: {fault}") for line, fault in zip(lines, faults, strict=True)] == [True] * len(
        lines
    )
    assert TokenFile(tmp_path / "d").tokens() == ()


def test_folder_that_is_none_is_told(beside: Tell, tmp_path: Path) -> None:
    """A mistyped folder does not look like one without tokens, and a file is no folder."""
    (tmp_path / "file").write_text("")
    for words in (("list", "--data-dir", "nowhere"), ("create", "ci", "--data-dir", "file")):
        result = beside(*words)
        assert (result.exit_code, result.stderr.startswith("sidecar: --data-dir: ")) == (2, True)
    (tmp_path / "tokens.json").write_text("{")
    result = beside("list", "--data-dir", ".")
    assert (result.exit_code, result.stderr) == (2, DAMAGED)


def test_folder_or_sidecar_is_what_was_named(beside: Tell, tmp_path: Path) -> None:
    """What is typed wins over the environment; where nothing is named it is the default folder, if that is there."""
    nobody = {"SIDECAR_URL": "http://127.0.0.1:9"}
    beside("create", "in-d", "--data-dir", "d")
    beside("create", "by-default", "--data-dir", "sidecar-data")
    assert "in-d" in beside("--data-dir", "d", "list", **nobody).stdout
    assert "in-d" in beside("list", SIDECAR_DATA_DIR="d", **nobody).stdout
    assert "by-default" in beside("list").stdout
    for words, environment in ((("--url", "127.0.0.1:9"), {"SIDECAR_DATA_DIR": "d"}), ((), nobody)):
        result = beside("list", *words, **environment)
        assert (result.exit_code, "127.0.0.1:9" in result.stderr) == (2, True)


def test_running_sidecar_is_asked_with_a_token(beside: Tell, tmp_path: Path) -> None:
    """The same commands over the API, where the token's scopes count."""
    with served(tmp_path / "d", LiveWatch(), token=FIXED) as url:
        ops = {"SIDECAR_URL": url, "SIDECAR_TOKEN": FIXED}
        made = json.loads(beside("create", "ci", "--expires", "2100-01-31", "--json", **ops).stdout)
        assert (made["scopes"], made["expires_at"], bool(SECRET.fullmatch(made["token"] + "\n"))) == (
            ["read"],
            4_105_036_800.0,
            True,
        )
        (listed,) = json.loads(beside("list", "--json", **ops).stdout)
        assert (listed["id"], "token" in listed) == (made["id"], False)
        refused = beside("list", SIDECAR_URL=url, SIDECAR_TOKEN=made["token"])
        assert (refused.exit_code, refused.stderr) == (2, "sidecar: this needs the scope admin; the token has read\n")
        faulty = beside("create", "ci", "--scope", "write", **ops)
        assert (faulty.exit_code, faulty.stderr.startswith("sidecar: --scope")) == (2, True)
        assert beside("revoke", "ci", **ops).stdout == f"token ci ({made['id']}) is revoked\n"
        assert beside("revoke", "nobody", **ops).exit_code == 2


def test_empty_list_says_how_to_begin(beside: Tell, tmp_path: Path) -> None:
    """Not an empty table."""
    assert "sidecar token create NAME" in beside("list", "--data-dir", ".").stdout
