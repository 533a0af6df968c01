"""``sidecar models`` in front of the application, over a store with predictions of det 1."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest
from rich.console import Console
from typer.testing import Result

from sidecar.cli.show_models import model_facts, models_lines
from tests.cli.trial_documents import words_of

Tell = Callable[..., Result]
pytestmark = pytest.mark.usefixtures("filled")


def test_models_are_listed_each_before_its_versions(tell: Tell) -> None:
    """The word list may be left out; what serves is said."""
    shown = tell("models").stdout
    assert shown == tell("models", "list").stdout
    lines = shown.splitlines()
    assert lines[:4] == [
        "det",
        "  2 versions, known by its traffic",
        "  det@1  serves",
        "    known by the configuration, served at http://127.0.0.1:1",
    ]
    assert [item["id"] for item in json.loads(tell("models", "--json").stdout)] == ["det", "det@1", "det@2"]


def test_version_is_registered_shown_and_forgotten(tell: Tell) -> None:
    """With where it is served and what was measured; again it changes what is given."""
    words = ["--upstream", "http://t:1/v2/infer", "--metrics", "map50=0.61,loss=2", "--description", "Night"]
    said = words_of(tell("models", "register", "det@3", *words).stdout.splitlines())
    assert said[:3] == ["model det@3", "description Night", "known by a person"]
    assert "upstream http://t:1/v2/infer (det-3)" in said
    assert "metrics map50 0.610, loss 2.000" in said or "metrics map50 0.61, loss 2" in said
    tell("models", "register", "det@3", "--description", "Day")
    found = json.loads(tell("models", "show", "det@3", "--json").stdout)
    assert (found["description"], found["metrics"]) == ("Day", {"map50": 0.61, "loss": 2.0})
    assert tell("models", "delete", "det@3", typed="n\n").exit_code == 2
    assert tell("models", "delete", "det@3", typed="y\n").stdout.endswith("det@3: forgotten\n")
    assert tell("models", "delete", "det@3", "--yes").exit_code == 2


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (("show", "nope"), "MODEL"),
        (("delete", "det", "--yes"), "MODEL"),
        (("register", "det", "--upstream", "http://t:1"), "MODEL"),
        (("register", "det@3", "--upstream", "t"), "--upstream"),
        (("register", "det@3", "--metrics", "map50"), "--metrics"),
    ],
)
def test_what_can_not_be_is_told_by_its_flag(tell: Tell, words: tuple[str, ...], flag: str) -> None:
    """With exit code 2, on standard error."""
    result = tell("models", *words)
    assert (result.exit_code, result.stderr.split(": ")[1], result.stdout) == (2, flag, "")


@pytest.mark.parametrize("width", [80, 120])
def test_whatever_models_are_called_lines_fit_and_stay_text(width: int) -> None:
    """Markup and control characters from outside are shown as they are."""
    model = {
        "id": f"[bold]{'m' * 60}@\x1b[31m2",
        "model": "[bold]m",
        "version": "2",
        "description": "[red]" + "a long story " * 20,
        "origin": "training",
        "created_at": 1_700_000_000.0,
        "serving": "1",
        "versions": [],
        "upstream": {
            "name": "m-2",
            "url": "http://t:1",
            "urls": ["http://t:1", f"http://{'t' * 60}:1"],
            "path": "/infer",
        },
        "metrics": {f"metric_{n}": 0.5 for n in range(12)},
        "images": 1_234,
    }
    for write in (lambda console: models_lines([model], console), lambda console: model_facts(model, console)):
        console = Console(width=width, record=True, file=io.StringIO())
        write(console)
        text = console.export_text()
        assert max(map(len, text.splitlines())) <= width
        assert "[bold]" in text
        assert "\x1b" not in text
        assert "known by" in text


def test_origin_that_this_program_does_not_know_is_told_as_it_is() -> None:
    """A newer sidecar may know models by more than an older program has words for."""
    model = {
        "id": "det",
        "model": "det",
        "version": "",
        "serving": "1",
        "versions": ["1"],
        "origin": "registry\x1b[31m",
        "description": "",
        "upstream": None,
        "metrics": {},
        "images": None,
        "created_at": None,
    }
    for show in (lambda console: models_lines([model], console), lambda console: model_facts(model, console)):
        console = Console(width=80, file=io.StringIO())
        show(console)
        assert "registry?[31m" in console.file.getvalue()
