"""``sidecar samples`` in front of the real application over a store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sidecar.cli.saving_samples import saved
from sidecar.client import Client
from tests.cli.conftest import Ask

pytestmark = pytest.mark.usefixtures("filled")


def test_latest_are_listed_with_why_they_were_kept(tell: Ask) -> None:
    """Newest first, two lines each; of an image of the audit neither model nor reason is told before its review."""
    lines = tell("samples").stdout.splitlines()
    assert lines[0] == "2023-11-15 01:14:00  needs_review  a0"
    assert lines[1].startswith("  dataset det; 64 x 48 px")
    assert lines[2].endswith("needs_review  i2")
    assert lines[3].startswith("  dataset det; det@1; low_confidence; 64 x 48 px")
    assert tell("samples", "list").stdout.splitlines() == lines


def test_all_filters_must_hold(tell: Ask) -> None:
    """What nothing matches is said with what was asked for."""
    assert tell("samples", "--reason", "low_confidence", "--limit", "1").stdout.splitlines()[0].endswith("i2")
    assert [item["sample_id"] for item in json.loads(tell("samples", "--model", "det", "--json").stdout)] == [
        "i2",
        "i1",
        "i0",  # but not a0: whose it is is not told before its review
    ]
    told = tell("samples", "--status", "rejected", "--reason", "new_class")
    assert told.stdout == "no samples match --reason new_class --status rejected\n"


def test_status_that_there_is_not_is_refused(tell: Ask, tmp_path: Path) -> None:
    """With those there are: an empty list would pass for an answer."""
    for words in ((), ("save", str(tmp_path / "out"))):
        result = tell("samples", *words, "--status", "new")
        told = "sidecar: --status: must be needs_review, in_review, labeled or rejected\n"
        assert (result.exit_code, result.stdout, result.stderr) == (2, "", told)


def test_one_is_shown_and_its_image_saved(tell: Ask, tmp_path: Path) -> None:
    """Without a file it says where the image is."""
    assert "/api/v1/samples/i1/image" in tell("samples", "show", "i1").stdout.replace("\n        ", "")
    target = tmp_path / "one.png"
    page = tell("samples", "show", "i1", "--output", str(target)).stdout
    assert "kept for    low_confidence" in page
    assert target.read_bytes() == (tmp_path / "samples" / "i1.png").read_bytes()
    assert json.loads(tell("samples", "show", "i1", "--json").stdout)["sample_id"] == "i1"
    hidden = [line.split()[0] for line in tell("samples", "show", "a0").stdout.splitlines() if "(hidden until" in line]
    assert hidden == ["model", "prediction"]


def test_images_of_all_that_match_are_saved_under_their_ids(tell: Ask, tmp_path: Path) -> None:
    """In a folder that is made; a second time nothing is asked for again."""
    folder = tmp_path / "there" / "images"
    first = tell("samples", "save", str(folder), "--reason", "low_confidence")
    assert first.stdout.startswith(f"3 saved in {folder} (")
    assert sorted(path.name for path in folder.iterdir()) == ["i0.png", "i1.png", "i2.png"]
    assert (folder / "i1.png").read_bytes() == (tmp_path / "samples" / "i1.png").read_bytes()
    (folder / "i1.png").write_bytes(b"mine")
    (folder / "i2.png").unlink()
    again = tell("samples", "save", str(folder), "--reason", "low_confidence", "--json")
    assert (again.exit_code, json.loads(again.stdout) | {"bytes": 0}) == (
        0,
        {"found": 3, "saved": 1, "skipped": 2, "gone": 0, "bytes": 0},
    )
    assert (folder / "i1.png").read_bytes() == b"mine"


def test_images_that_are_gone_are_counted(tell: Ask, tmp_path: Path) -> None:
    """The others are saved; the exit code says that not all were."""
    (tmp_path / "samples" / "i1.png").unlink()
    result = tell("samples", "save", str(tmp_path / "out"), "--limit", "3")
    assert (result.exit_code, result.stdout.endswith("1 are gone from the sidecar\n")) == (1, True)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a0.png", "i2.png"]


def test_nothing_to_save_is_told(tell: Ask, tmp_path: Path) -> None:
    """By what was asked for."""
    result = tell("samples", "save", str(tmp_path / "out"), "--model", "other")
    assert (result.exit_code, result.stdout) == (0, "no samples match --model other\n")


def test_folder_that_can_not_be_is_told(tell: Ask, tmp_path: Path) -> None:
    """A file is in its place."""
    (tmp_path / "taken").write_text("")
    result = tell("samples", "save", str(tmp_path / "taken"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"sidecar: FOLDER: {tmp_path / 'taken'}: ")


def test_saving_over_many_pages_saves_each_once(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages of the list are no bound."""
    monkeypatch.setattr("sidecar.cli.saving_samples.PAGE_MAX", 1)
    with Client(url) as client:
        came = saved(client, tmp_path / "out", None)
    assert (came.found, came.saved, len(list((tmp_path / "out").iterdir()))) == (4, 4, 4)
