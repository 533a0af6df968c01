"""Bars on work that takes its time: in a terminal, and nowhere else."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Ask
from tests.kit.terminal import in_terminal

SIDECAR = (sys.executable, "-m", "sidecar")


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("words", "bar", "said"),
    [
        (("predictions", "export", "out.jsonl"), "exporting predictions", "wrote out.jsonl ("),
        (("samples", "save", "images"), "saving images", "4 saved in images ("),
        (("feedback", "import", "said.jsonl"), "reading feedback", "2 statements taken"),
    ],
)
def test_bar_is_shown_and_gone_at_the_end(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], bar: str, said: str
) -> None:
    """On a terminal; what stays is the result."""
    statements = [{"prediction_id": place, "feedback_type": "correct"} for place in ("f0", "m.0")]
    (tmp_path / "said.jsonl").write_text("\n".join(map(json.dumps, statements)))
    monkeypatch.chdir(tmp_path)
    with in_terminal((*SIDECAR, *words), 100, 24, {"SIDECAR_URL": url}) as terminal:
        assert terminal.ended() == 0
        assert bar in terminal.written.decode()
        assert terminal.screen.text.startswith(said)
        assert bar not in terminal.screen.text


@pytest.mark.usefixtures("filled")
def test_version_of_a_dataset_is_exported_under_a_bar(url: str, tell: Ask, tmp_path: Path) -> None:
    """Of the bytes that came."""
    tell("review", "confirm", "i1", "--by", "ann")
    tell("dataset", "version", "det", "v1")
    path = tmp_path / "out.zip"
    words = ("dataset", "export", "v1", "--format", "coco", "--output", str(path))
    with in_terminal((*SIDECAR, *words), 200, 24, {"SIDECAR_URL": url}) as terminal:
        assert terminal.ended() == 0
        assert "exporting v1" in terminal.written.decode()
        assert terminal.screen.text.startswith(f"wrote {path} (")


@pytest.mark.usefixtures("filled")
def test_without_a_terminal_nothing_is_drawn(tell: Ask, tmp_path: Path) -> None:
    """Neither on standard output nor on standard error."""
    result = tell("samples", "save", str(tmp_path / "images"))
    assert (result.stderr, result.stdout.count("\n")) == ("", 1)
