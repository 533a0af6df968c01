"""``sidecar dataset`` in front of the application, over a real store."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tests.cli.trial_documents import words_of

Tell = Callable[..., Result]
pytestmark = pytest.mark.usefixtures("filled")


def version(tell: Tell, name: str, *words: str) -> str:
    """The id of a version that is made."""
    result = tell("dataset", "version", "det", name, "--by", "ann", "--json", *words)
    assert result.exit_code == 0, result.stderr
    return str(json.loads(result.stdout)["id"])


@pytest.fixture
def v1(tell: Tell) -> str:
    """The id of a version with ``i0`` and ``i1`` as predicted."""
    for item in ("i0", "i1"):
        assert tell("review", "confirm", item, "--by", "ann").exit_code == 0
    return version(tell, "v1")


def ids(tell: Tell, *words: str) -> list[str]:
    result = tell("dataset", "items", "det", "--json", *words)
    assert result.exit_code == 0, result.stderr
    return [item["id"] for item in json.loads(result.stdout)]


def test_dataset_is_made_listed_and_shown(tell: Tell) -> None:
    """By its name, its id or the beginning of that."""
    assert tell("dataset", "create", "Cars of town").stdout.splitlines()[:2] == [
        "Cars of town",
        "id          cars-of-town",
    ]
    assert words_of(tell("dataset").stdout.splitlines())[1:] == [
        "cars-of-town 0 0 0 0 0 0 bytes",
        "det 4 4 0 0 0 558 bytes",
    ]
    whole = tell("dataset", "show", "cars-of-town").stdout
    assert tell("dataset", "show", "cars").stdout == tell("dataset", "show", "Cars of town").stdout == whole
    said = words_of(tell("dataset", "show", "det").stdout.splitlines())
    assert "to review 3 by value, 1 in the audit" in said
    assert "audit 0 of 1 drawn images reviewed" in said
    result = tell("dataset", "create", "Cars", "--id", "cars of town")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "--id")
    result = tell("dataset", "create", "Cars of town")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "--id")
    assert tell("dataset", "show", "nope").stderr.startswith("sidecar: ID: ")


def test_items_are_narrowed_by_every_option(tell: Tell) -> None:
    """All that is asked for must hold; those of the highest value come first."""
    tell("review", "reject", "i1", "--by", "ann")
    tell("review", "next", "det", "--by", "bob")
    assert ids(tell) == ["i2", "i1", "i0"]
    assert ids(tell, "--limit", "2") == ["i2", "i1"]
    assert ids(tell, "--queue", "audit") == ["a0"]
    assert ids(tell, "--status", "rejected") == ["i1"]
    assert ids(tell, "--claimed-by", "bob") == ["i2"]
    assert ids(tell, "--reason", "low_confidence", "--model", "det", "--version", "1") == ["i2", "i1", "i0"]
    assert ids(tell, "--label", "dog", "--since", "2023-11-15") == ["i2"]
    assert ids(tell, "--until", "2023-11-15T00:00:00Z") == ["i1", "i0"]
    assert tell("dataset", "items", "det", "--label", "cow", "--status", "labeled").stdout == (
        "no items match --status labeled --label cow\n"
    )
    assert ids(tell, "--split", "train") == []
    for option, value in (("--queue", "best"), ("--status", "new"), ("--since", "then"), ("--split", "all")):
        result = tell("dataset", "items", "det", option, value)
        assert (result.exit_code, result.stderr.split(": ")[1]) == (2, option)
    tell("dataset", "create", "Empty")
    assert tell("dataset", "items", "empty").stdout.startswith("no items in it yet; ")


def test_items_are_shown_in_two_lines(tell: Tell) -> None:
    """What is hidden of the audit stays so."""
    tell("review", "label", "i1", "--labels", "-", "--by", "ann", typed="[]")
    assert tell("dataset", "items", "det", "--queue", "audit").stdout.splitlines()[:2] == [
        "needs_review  audit  0.30  a0",
        "  seen: 1 cat, 1 dog; 2023-11-15 01:14 UTC",
    ]
    assert tell("dataset", "items", "det", "--limit", "2").stdout.splitlines() == [
        "needs_review  value  0.20  i2",
        "  seen: 1 cat, 1 dog; det@1; low_confidence; cam-2; 2023-11-15 00:14 UTC",
        "labeled       value  0.10  i1",
        "  labels: nothing; false_positive; det@1; low_confidence; cam-1; 2023-11-14",
        "  23:14 UTC",
    ]


def test_events_say_who_did_what(tell: Tell) -> None:
    """Newest first; what was taken back says so."""
    assert tell("dataset", "events", "det").stdout == "nothing was done in it yet\n"
    tell("review", "reject", "i1", "--reason", "blurred", "--by", "ann")
    tell("review", "undo", "i1", "--by", "ann")
    said = [line.split(maxsplit=2)[2] for line in words_of(tell("dataset", "events", "det").stdout.splitlines())[1:]]
    assert said == ["ann undo i1 needs_review", "ann reject i1 rejected: blurred (undone)"]
    assert len(json.loads(tell("dataset", "events", "det", "--limit", "1", "--json").stdout)) == 1


def test_versions_follow_each_other(tell: Tell, v1: str) -> None:
    """Made, listed, shown and compared, by name or the beginning of their ids."""
    assert version(tell, "v1") == v1
    tell("review", "label", "i1", "--labels", "-", "--by", "ann", typed="[]")
    v2 = version(tell, "v2", "--parent", "v1")
    listed = [line.split()[:2] for line in tell("dataset", "versions", "det").stdout.splitlines()[1:]]
    assert listed == [[v2, "v2"], [v1, "v1"]]
    said = words_of(tell("dataset", "show-version", v2[:6]).stdout.splitlines())
    assert said[0] == "v2"
    assert f"follows {v1}" in said
    assert "cat 1 1" in said
    said = words_of(tell("dataset", "diff", "v2").stdout.splitlines())
    assert said[0] == f"{v1} to {v2}"
    assert said[1:4] == ["added 0", "removed 0", "relabeled 1: i1"]
    assert said[-2:] == ["cat 2 1 -1", "dog 2 1 -1"]
    assert json.loads(tell("dataset", "diff", "v1", "--base", "v2", "--json").stdout)["base_id"] == v2
    result = tell("dataset", "diff", "v1")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "--base")
    assert tell("dataset", "show-version", "v3").stderr.startswith("sidecar: VERSION: ")


def test_version_follows_none_that_there_is_not(tell: Tell) -> None:
    """Such a parent is told by its flag, and no version is made."""
    assert tell("dataset", "versions", "det").stdout.startswith("no versions; `sidecar dataset version det NAME`")
    tell("review", "confirm", "i0")
    result = tell("dataset", "version", "det", "v1", "--parent", "v0")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "--parent")
    assert tell("dataset", "versions", "det", "--json").stdout == "[]\n"


def test_version_is_saved_as_a_zip_file(tell: Tell, v1: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under a name of its own, or the one given; nothing is written where it can't be made."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    assert tell("dataset", "export", "v1", "--format", "coco").stdout.startswith(f"wrote det-{v1[:8]}-coco.zip (")
    assert tell("dataset", "export", v1, "--format", "yolo", "-o", "y.zip").exit_code == 0
    assert "data.yaml" in zipfile.ZipFile(place / "y.zip").namelist()
    result = tell("dataset", "export", "v1", "--format", "../gif")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "--format")
    result = tell("dataset", "export", "v1", "--format", "coco", "-o", "no/such/y.zip")
    assert (result.exit_code, result.stderr) == (2, "sidecar: --output: no/such/y.zip: No such file or directory\n")
    assert sorted(path.name for path in place.iterdir()) == [f"det-{v1[:8]}-coco.zip", "y.zip"]


def test_labels_of_another_tool_are_taken(tell: Tell, tmp_path: Path) -> None:
    """What has a fault is left out and told, and the exit code is 1 then."""
    images = [{"id": n, "file_name": f"{name}.png", "width": 64, "height": 48} for n, name in enumerate(("i0", "i99"))]
    boxes: list[dict[str, Any]] = [{"id": 1, "image_id": 0, "category_id": 7, "bbox": [1, 2, 10, 20]}]
    document = {"images": images[:1], "annotations": boxes, "categories": [{"id": 7, "name": "cat"}]}
    path = tmp_path / "coco.json"
    path.write_text(json.dumps(document))
    for said in ("1 labeled, 0 unchanged", "0 labeled, 1 unchanged"):
        result = tell("dataset", "import", "det", str(path), "--format", "coco", "--by", "ann")
        assert (result.exit_code, result.stdout) == (0, f"{said}, 0 not in the dataset\n")
    assert ids(tell, "--status", "labeled") == ["i0"]
    path.write_text(json.dumps({**document, "images": images}))
    result = tell("dataset", "import", "det", str(path), "--format", "coco")
    assert (result.exit_code, result.stdout) == (1, "0 labeled, 1 unchanged, 1 not in the dataset\n")
    assert "i99.png" in result.stderr
    path.write_text("[1]")
    result = tell("dataset", "import", "det", str(path), "--format", "coco")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "FILE")
    result = tell("dataset", "import", "det", str(tmp_path / "none.json"), "--format", "coco")
    assert result.stderr == f"sidecar: FILE: {tmp_path / 'none.json'}: No such file or directory\n"


def test_option_before_another_subcommand_is_refused(tell: Tell) -> None:
    """It belongs after that."""
    for group in ("dataset", "data-engine", "review", "train"):
        result = tell(group, "--json", "show", "x")
        assert (result.exit_code, result.stderr) == (2, "sidecar: --json: belongs after show, or to the list alone\n")
