"""``sidecar run`` does without the other commands, and nobody who types it notices."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sidecar.cli import app
from sidecar.cli.extras import DISTRIBUTION, SERVER_MODULES, packages_of

ROOT = Path(__file__).resolve().parents[2]
WHOLE = "import sys; sys.argv[0] = 'sidecar'; from sidecar.cli.program import app; app()"
ALONE = "import sys; sys.argv[0] = 'sidecar'; from sidecar.cli import main; main()"


def said(code: str, *words: str) -> tuple[int, str, str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100", "TERM": "dumb"}
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, env=environment)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--help"),
        ("run", "--upstreem", "http://a"),
        ("run", "--url", "http://a"),
        ("run",),
        ("run", "--upstream", "ftp://a", "--split", "2"),
        ("run", "too", "much"),
    ],
)
def test_run_alone_says_what_the_whole_program_says(words: tuple[str, ...]) -> None:
    """Its help and its faults, with the same exit code, and not a word of the worker that had begun."""
    assert said(ALONE, *words) == said(WHOLE, *words)


def test_run_imports_no_other_command() -> None:
    """Traffic waits for it."""
    code = f"import atexit; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); {ALONE}"
    modules = said(code, "run", "--help")[2].split()
    assert "sidecar.cli.run" in modules
    assert not {"sidecar.cli.program", "sidecar.cli.alerts", "sidecar.client"} & set(modules)


def test_whole_program_has_run_too() -> None:
    """For ``--help`` and completion."""
    assert "run" in CliRunner().invoke(app, ["--help"]).output


def test_modules_looked_for_before_a_start_are_those_of_the_extra() -> None:
    """A package that is added to the extra is looked for too."""
    by_module = metadata.packages_distributions()
    found = {by_module[name][0].lower().replace("_", "-") for name in SERVER_MODULES}
    told = {name.lower().replace("_", "-") for name in packages_of("server", metadata.requires(DISTRIBUTION) or [])}
    assert found == told
