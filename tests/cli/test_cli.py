"""The command line as a whole: its ways in, its help, and docs/cli.md."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console
from rich.text import Text
from typer.testing import CliRunner, Result

from sidecar.access import TokenFile
from sidecar.api import WorkerStatus
from sidecar.cli import app
from sidecar.cli.asking import user
from sidecar.cli.show_status import status_tables
from tests.api.live import LiveTotals
from tests.api.live_watch import LiveWatch
from tests.api.serving import served
from tests.kit.command_tree import commands
from tests.kit.trials_at_hand import TrialsAtHand

ROOT = Path(__file__).resolve().parents[2]
TWO_UPSTREAMS = ("run", "--upstream", "http://a", "--upstream", "http://b")
LOOP = (("data-engine",), ("feedback", "list"), ("dataset",), ("review",), ("train",), ("model-versions",))
CLI_PAGE = ROOT / "docs" / "cli.md"


def test_module_and_script_are_the_same_program(tmp_path: Path) -> None:
    """``python -m sidecar`` and ``sidecar`` answer, and both ask a running sidecar."""
    script = shutil.which("sidecar", path=str(Path(sys.executable).parent))
    assert script is not None, "the console script is not installed beside this Python"
    environment = {**os.environ, "COLUMNS": "100"}
    with served(tmp_path, LiveWatch(), token="secret") as url:
        for program in ([sys.executable, "-m", "sidecar"], [script]):
            for token, code in (("secret", 0), ("wrong", 2)):
                done = subprocess.run(
                    [*program, "alerts", "metrics", "--url", url, "--json"],
                    env={**environment, "SIDECAR_TOKEN": token},
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert done.returncode == code, done.stderr
                assert (json.loads(done.stdout) != []) if code == 0 else "bearer token" in done.stderr


def test_nobody_there_is_told_with_the_address() -> None:
    """A sidecar that does not run is one line on standard error, and exit code 2."""
    for words in (
        ("status",),
        ("settings",),
        ("top",),
        ("top", "--json"),
        ("predictions",),
        ("predictions", "export", "-"),
        ("samples", "list"),
        ("experiment",),
        ("models",),
        ("alerts",),
        ("baseline", "list"),
        ("drift", "checks"),
        ("ab-test",),
        ("shadow",),
        *LOOP,
    ):
        result = CliRunner().invoke(app, [*words, "--url", "http://127.0.0.1:9"], catch_exceptions=False)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "127.0.0.1:9" in result.stderr
        assert "--url names its admin port, or set SIDECAR_URL" in result.stderr


def test_address_may_come_from_the_environment_and_without_a_scheme(tmp_path: Path) -> None:
    """``SIDECAR_URL`` stands for ``--url``, which wins; ``http://`` may be left out."""
    with served(tmp_path, LiveWatch()) as url:
        bare = url.removeprefix("http://")
        for words, environment in ((("--url", bare), "127.0.0.1:9"), ((), bare), ((), url)):
            result = CliRunner().invoke(app, ["status", *words], env={"SIDECAR_URL": environment})
            assert result.exit_code == 0, result.stderr


def test_address_with_a_wrong_path_is_told(tmp_path: Path) -> None:
    """What the sidecar says to it is shown, in a line."""
    with served(tmp_path, LiveWatch()) as url:
        result = CliRunner().invoke(app, ["status", "--url", f"{url}/elsewhere"], catch_exceptions=False)
        assert (result.exit_code, result.stderr) == (2, "sidecar: nothing is at this path\n")


@pytest.mark.parametrize("words", [["drift", "--help"], ["drift", "compare", "--help"], ["drift", "det"]])
def test_usage_of_drift_is_what_is_typed(words: list[str]) -> None:
    """Help and errors show ``sidecar drift MODEL``, and the group's help names every option of the comparison."""
    result = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    assert re.search(r"drift MODEL --reference PERIOD --current PERIOD \[OPTIONS\]", result.output)
    if words[-1] == "--help":
        command: Any = typer.main.get_command(app)
        options = {name for option in command.commands["drift"].commands["compare"].params for name in option.opts}
        assert [name for name in options if name.startswith("--") and name not in result.output] == []


def test_status_of_a_running_sidecar_is_shown(tmp_path: Path) -> None:
    """``status`` prints words or JSON, and ends with 1 where something is wrong."""
    watch = LiveWatch()
    with served(tmp_path, watch) as url:
        assert "ok" in CliRunner().invoke(app, ["status", "--url", url], catch_exceptions=False).stdout
        watch.failing["slack:#ml"] = "404"
        result = CliRunner().invoke(app, ["status", "--url", url, "--json"], catch_exceptions=False)
    assert (result.exit_code, json.loads(result.stdout)["ok"]) == (1, False)


def test_status_lets_no_control_characters_through() -> None:
    """Not even those of the version; on a narrow terminal figures are left out, and no word of a worker is cut."""
    told = {"upstreams": {"A": {"up": True}, "B": {"up": False}}, "in_flight": 1, "connections": 2, "rss_bytes": 3e7}
    answer = {
        "ok": True,
        "version": "1\x1b[31m",
        "uptime_s": 5,
        "faults": [],
        "workers": [
            {"worker": 0, "pid": 4_026_531, "connected": True, "status": told, "requests": 21_712, "restarts": 1}
        ],
        "store": {
            "ok": True,
            "reason": "",
            "bytes": 30_000_000,
            "images_bytes": 4_000_000,
            "kept_bytes": 1_000_000,
            "used_bytes": 33_000_000,
            "bytes_max": 10_000_000_000,
            "age_days": 30.0,
            "disk_free_bytes": 2_000_000_000,
            "set_aside": ["old\x1b[31m"],
            "predictions_written": 21_712,
        },
        "backlog": [{"stage": "link", "items": 2, "bytes": 1_000, "items_max": None, "bytes_max": 64_000_000}],
        "limits_hit": [{"limit": "new\x1b", "count": 2, "meaning": ""}],
        "samples": {f"rule_{place}\x07": 1_000 for place in range(9)},
        "alerts": {},
        "certificates": [
            {
                "use": "listen",
                "expires_at": 1_700_000_040.0,
                "days_left": 12.4,
                "ends_soon": True,
                "fault": "no file: /tls/\x1bkey",
                "verifies": True,
            }
        ],
        "dropped": [{"count": 4_000, "stage": "tap", "reason": "full", "meaning": "the monitor was\x1b behind"}],
        "outbox": [],
    }
    for width in (40, 60, 80):
        console = Console(width=width, file=io.StringIO())
        status_tables(answer, None, console)
        lines = console.file.getvalue().splitlines()
        assert all(line.isprintable() and len(line) <= width for line in lines)
        assert {"4026531", "connected"} <= set(lines[2].split())
        assert "A up, B down" in lines[2]
        assert ("30 MB" in lines[2]) == (width == 80)
        said = " ".join(" ".join(lines).split())
        assert "store ok, 30 MB and 4 MB of images (1 MB stay), 21,712 predictions written" in said
        assert "waiting: 2 frames at the monitor (1 kB of 64 MB)" in said
        assert "dropped: 4,000 at tap (full): the monitor was? behind" in said
        assert "TLS: data port, its certificate ends 2023-11-14, in 12 days; the files" in said
        assert "are not taken: no file: /tls/?key" in said


def test_status_is_not_ok_where_a_part_of_a_version_fails_and_says_why(tmp_path: Path) -> None:
    """Exit code 1, the fault, and each address that does not serve with its reason."""
    up = {"address": "10.0.0.7:80", "state": "up", "reason": ""}
    down = {"address": "10.0.0.8:80", "state": "down", "reason": "the health path answered 404"}
    told = {"upstreams": {"A": {"up": True, "addresses": [up, down]}}}
    with served(tmp_path, LiveWatch(), totals=LiveTotals(crew=[WorkerStatus(0, 1, 77, True, told)])) as url:
        result = CliRunner().invoke(app, ["status", "--url", url], env={"COLUMNS": "120"}, catch_exceptions=False)
    shown = " ".join(result.stdout.split())
    assert result.exit_code == 1
    assert "1 of 2 addresses of upstream A is down: the health path answered 404" in shown
    assert "A at worker 0: 10.0.0.8:80 is down (the health path answered 404); 1 of 2 addresses up" in shown


def test_status_says_as_whom_a_token_asks(tmp_path: Path) -> None:
    """Without one there is nobody to name."""
    _, secret = TokenFile(tmp_path).create("ci", ["read", "feedback"], time.time(), time.time() + 86_400)
    with served(tmp_path, LiveWatch()) as url:
        plain = CliRunner().invoke(app, ["status", "--url", url], catch_exceptions=False)
        known = CliRunner().invoke(app, ["status", "--url", url, "--token", secret], catch_exceptions=False)
    assert "asked as" not in plain.stdout
    assert "asked as ci (read, feedback), by token until " in known.stdout


def test_status_names_the_tests_under_way(tell: Callable[..., Result], trials: TrialsAtHand) -> None:
    """In a line, with what they get now; those that have ended are not news."""
    assert "tests:" not in tell("status").stdout
    tell("ab-test", "create", "New", "--a", "digits@1", "--b", "digits@2", "--split", "0.1")
    tell("shadow", "create", "Behind", "--model", "det", "--shadow", "det@2")
    tell("shadow", "pause", "behind")
    assert tell("status").stdout.splitlines()[-1] == "tests: new (A/B test, 10 %), behind (shadow test, paused)"
    tell("ab-test", "stop", "new")
    assert tell("status").stdout.splitlines()[-1] == "tests: behind (shadow test, paused)"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "--upstream", "http://a", "--split", "0.5"), "--split"),
        (
            (*TWO_UPSTREAMS, "--split", "1.5"),
            "sidecar: --split: 1.5 is not within bounds, expected over 0 and under 1\n",
        ),
        ((*TWO_UPSTREAMS, "--split", "-0.1"), "sidecar: --split: -0.1 is not within"),
        ((*TWO_UPSTREAMS, "--split", "2", "--unit", "x"), "'x' is no unit, expected request, client or header:NAME\n"),
        (
            ("run", "--upstream", "A=http://a", "--upstream", "A=http://b"),
            "sidecar: --upstream: 'A' is control already",
        ),
        (("run", "--upstream", "http://a", "--upstream", "http://b", "--upstream", "http://c"), "--upstream"),
        (("run", "--upstream", "nonsense"), "url"),
        (("check-config", "/nowhere/sidecar.yaml"), "/nowhere/sidecar.yaml"),
    ],
)
def test_wrong_start_is_refused_with_what_is_wrong(words: tuple[str, ...], message: str) -> None:
    """Nothing starts, standard error says why, and the exit code is 2."""
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert (result.exit_code, message in result.stderr) == (2, True)


def test_every_command_has_help_for_each_of_its_options() -> None:
    """Nothing on the command line is left unexplained."""
    for words, command in commands():
        assert command.help, words
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{words} {parameter.name}"


def test_help_loses_nothing_to_markup() -> None:
    """Help is shown as markup, in which a bracket that is not escaped can swallow what it holds."""
    for words, command in commands():
        for said in (command.help, *(getattr(parameter, "help", None) for parameter in command.params)):
            assert Text.from_markup(said).plain == said.replace("\\[", "["), words


def test_documentation_names_every_command_and_no_other() -> None:
    """docs/cli.md lists the commands; ``compare``, ``give``, ``list`` and ``queues`` may be left out."""
    known = {words for words, _ in commands()}
    known = {re.sub("(?<!feedback) list$| (compare|give|queues)$", "", words) for words in known}
    listed = set(re.findall(r"^\| `(sidecar[a-z -]*?)(?: [A-Z\[].*?)?` \|", CLI_PAGE.read_text(), re.MULTILINE))
    assert listed == known


def test_user_without_an_account_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container whose user id has no entry, an acknowledgement still says where it came from."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
    assert user() == "command line"
