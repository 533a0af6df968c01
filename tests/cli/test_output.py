"""What the program writes: whole files, and a standard output that takes no more or not every character."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sidecar.client.saving import Saving
from tests.cli.conftest import Ask

SCRIPT = str(Path(sys.executable).parent / "sidecar")
FULL = Path("/dev/full")


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files can be begun, but not written."""

    def write(saving: Saving, chunk: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Saving, "write", write)


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("words", [("--version",), ("--help",), ("status",), ("alerts", "metrics", "--json")])
def test_full_standard_output_is_told_in_a_line(url: str, words: tuple[str, ...]) -> None:
    """No traceback, and no second complaint when the program ends."""
    with FULL.open("w") as full:
        done = subprocess.run(
            [SCRIPT, *words],
            env={**os.environ, "SIDECAR_URL": url},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (2, "sidecar: standard output: No space left on device\n")


def test_reader_that_leaves_ends_the_command_in_silence(url: str) -> None:
    """As ``| head`` does."""
    with subprocess.Popen(
        [SCRIPT, "alerts", "metrics"],
        env={**os.environ, "SIDECAR_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as started:
        assert started.stdout is not None
        assert started.stderr is not None
        started.stdout.close()
        assert (started.stderr.read(), started.wait(30)) == (b"", 1)


def test_characters_that_can_not_be_shown_are_question_marks(url: str) -> None:
    """On a terminal of few characters nothing breaks off."""
    done = subprocess.run(
        [SCRIPT, "predictions", "--model", "検出"],
        env={**os.environ, "SIDECAR_URL": url, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "no predictions match --model ??\n", "")


@pytest.mark.usefixtures("filled", "full_disk")
@pytest.mark.parametrize("words", [("samples", "show", "i1"), ("review", "show", "i1"), ("baseline", "export", "b1")])
def test_output_that_can_not_be_written_leaves_what_was_there(
    tell: Ask, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """Neither half a file nor a stray one stays."""
    tell("baseline", "set", "det", "--period", "7d")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "mine").write_text("old")
    result = tell(*words, "-o", str(folder / "mine"))
    told = f"sidecar: --output: {folder / 'mine'}: No space left on device\n"
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", told)
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"mine": "old"}


@pytest.mark.usefixtures("filled", "full_disk")
def test_image_that_was_claimed_but_not_saved_is_named(tell: Ask, tmp_path: Path) -> None:
    """Else nobody could review it until its lease ends, for nobody would know its id."""
    result = tell("review", "next", "det", "--by", "ann", "-o", str(tmp_path / "next.png"))
    assert result.exit_code == 2
    assert result.stderr.splitlines()[1] == (
        "sidecar: i2 is claimed all the same; `sidecar review release i2` gives it back"
    )
    assert tell("review", "release", "i2", "--by", "ann").exit_code == 0


def test_job_that_is_left_is_named_without_control_characters(capfd: pytest.CaptureFixture[str]) -> None:
    """Its id and status come from outside."""
    from sidecar.cli.following import until_ended

    class Left:
        def training_job(self, job_id: str) -> Any:
            raise KeyboardInterrupt

    client: Any = Left()
    with pytest.raises(SystemExit) as ended:
        until_ended(client, "\x1b[31mj1")
    assert ended.value.code == 130
    assert capfd.readouterr().err.endswith("the job goes on: `sidecar train show ?[31mj1`\n")
