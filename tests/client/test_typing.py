"""What a type checker knows of the client, as its users run it: mypy strict."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sidecar.client import AsyncClient, Client
from tests.client import typed_program

pytestmark = pytest.mark.timeout(300)  # mypy reads the client's dependencies, which takes a minute where all is busy
ROOT = Path(__file__).resolve().parents[2]
HEAD = """from sidecar import AsyncClient, Client

def program(client: Client, aio: AsyncClient) -> None:
    """
MISTAKES = {
    "client.create_alert('m', 'n', {}).nmae": '"Alert" has no attribute "nmae"',
    "client.check_drift('m', 'a', 'b').slices[0].class_drfit": '"SliceFindings" has no attribute "class_drfit"',
    "next(client.predictions()).lable": '"Prediction" has no attribute "lable"',
    "client.get_ab_test_results('t').variants.A.confidence": '"AbFigures" has no attribute "confidence"',
    "client.get_ab_test_results('t').metrics.latency.p": '"AbMetric" has no attribute "p"',
    "client.alerts(modle_id='m')": 'Unexpected keyword argument "modle_id"',
    "client.get_alert(7)": 'incompatible type "int"; expected "str"',
    "client.stop_ab_test('t').traffic_split.upper()": '"float" has no attribute "upper"',
    "aio.alerts()[0]": "is not indexable",
    "client.check_drift('m', 'a', 'b', source='summary')": "incompatible type",
    "client.tokens()[0].token": '"Token" has no attribute "token"',
}
"""A line of a program, and what is said of it."""


@pytest.fixture(scope="session")
def mypy_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What mypy learnt of the client, for the next run."""
    return tmp_path_factory.mktemp("mypy")


def checked(program: Path, cache: Path) -> str:
    """What mypy strict says of a program, without the project's own settings."""
    flags = ["--strict", "--config-file=", f"--cache-dir={cache}", "--no-error-summary", "--hide-error-context"]
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", *flags, str(program)], cwd=ROOT, capture_output=True, text=True, timeout=280
    )
    assert ran.stderr == ""
    return ran.stdout


def test_program_of_a_user_passes_strict_checks(mypy_cache: Path) -> None:
    """It uses many calls, and asserts the type of what each gives."""
    assert checked(Path(typed_program.__file__), mypy_cache) == ""


def test_each_mistake_is_found(mypy_cache: Path, tmp_path: Path) -> None:
    """A misspelt attribute of a typed record, at any depth, and a wrong argument."""
    program = tmp_path / "program.py"
    program.write_text(HEAD + "\n    ".join(MISTAKES) + "\n")
    first = HEAD.count("\n") + 1
    said = {int(line.split(":")[1]): line for line in checked(program, mypy_cache).splitlines() if ": error:" in line}
    for number, wanted in enumerate(MISTAKES.values(), start=first):
        assert wanted in said[number]
    assert len(said) == len(MISTAKES)


def test_program_of_a_user_runs(live: Client, url: str) -> None:
    """So what the types promise is there."""
    alert = typed_program.watch(live)
    assert typed_program.compare(live) == 1.0
    assert typed_program.improve(live).name == "Typed"
    assert live.get_alert(alert.id).enabled is False


async def test_program_of_a_user_runs_awaited(url: str) -> None:
    """With the other client."""
    async with AsyncClient(url) as client:
        await client.create_alert("det", "Low", typed_program.LOW)
        assert await typed_program.ask(client) == 1
