"""The command line where only the light base is installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.kit.light_install import COMMAND, alone, installed, needed


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what ``pip install inference-sidecar`` installs."""
    return installed(tmp_path_factory.mktemp("light"), needed("inference-sidecar"))


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (("run", "--upstream", "http://127.0.0.1:9"), "server"),
        (("check-config", "sidecar.yaml"), "server"),
        (("demo",), "demo"),
    ],
)
def test_command_that_needs_an_extra_names_it(light: Path, words: tuple[str, ...], extra: str) -> None:
    """With the packages that are missing and how to install them; nothing is begun."""
    done = alone(light, COMMAND, *words)
    assert (done.returncode, done.stdout) == (2, "")
    missing, how = done.stderr.splitlines()
    assert missing.startswith(
        f"sidecar: sidecar {words[0]} needs more than the light install that asks a running sidecar"
    )
    assert "aiohttp" in missing
    assert ("scikit-learn" in missing) is (extra == "demo")
    assert how == f"sidecar: install it with: pip install 'inference-sidecar[{extra}]'"


@pytest.mark.usefixtures("filled")
def test_every_command_that_asks_works(light: Path, url: str, tmp_path: Path) -> None:
    """They and their pages need nothing of an extra."""
    for words in (
        ("top",),
        ("predictions",),
        ("predictions", "show", "f0"),
        ("predictions", "export", str(tmp_path / "out.csv")),
        ("samples",),
        ("samples", "show", "i1"),
        ("samples", "save", str(tmp_path / "images")),
        ("baseline",),
        ("drift", "checks"),
        ("experiment",),
        ("shadow",),
        ("data-engine", "show", "det"),
        ("feedback", "report", "det"),
        ("dataset", "items", "det"),
        ("review",),
        ("models",),
        ("model-versions",),
        ("token", "list"),
        ("--version",),
    ):
        done = alone(light, COMMAND, *words, SIDECAR_URL=url)
        assert (done.returncode, done.stderr) == (0, ""), words
        assert done.stdout, words
    found = alone(light, COMMAND, "predictions", "--json", SIDECAR_URL=url)
    assert len(json.loads(found.stdout)) == 3


def test_help_imports_neither_the_client_nor_what_it_stands_on(light: Path) -> None:
    """So that it answers at once, on a machine with everything as well."""
    heavy = ("httpx2", "yaml", "sidecar.client", "rich.progress", "rich.live", "importlib.metadata", "pydantic_core")
    code = f"import sidecar.cli, sys; print([name for name in {heavy} if name in sys.modules])"
    assert alone(light, code).stdout == "[]\n"
