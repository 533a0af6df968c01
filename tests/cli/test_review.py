"""``sidecar review`` in front of the application, over a real store."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from sidecar.cli.show_items import item_page
from tests.cli.trial_documents import page, words_of

Tell = Callable[..., Result]
pytestmark = pytest.mark.usefixtures("filled")


def item(tell: Tell, item_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(tell("review", "show", item_id, "--json").stdout)
    return found


def test_queues_tell_how_much_waits(tell: Tell) -> None:
    """What is claimed stands in its queue until it is reviewed; ``queues`` may be left out."""
    tell("dataset", "create", "Empty")
    tell("review", "next", "det", "--by", "ann")
    tell("review", "reject", "i0", "--by", "ann")
    said = words_of(tell("review").stdout.splitlines())
    assert said == [
        "dataset value audit claimed labeled rejected audited",
        "det 2 1 1 0 1 0 of 1",
        "empty 0 0 0 0 0 0 of 0",
    ]
    assert words_of(tell("review", "queues", "--dataset", "Empty").stdout.splitlines())[1:] == said[2:]
    assert tell("review", "--dataset", "nope").stderr.startswith("sidecar: --dataset: ")


def test_next_is_claimed_and_shown_with_its_image(tell: Tell, url: str, tmp_path: Path) -> None:
    """The address of its image, or the file it was saved as; exit code 1 where none waits."""
    result = tell("review", "next", "det", "--by", "ann", "--lease", "1h")
    said = words_of(result.stdout.splitlines())
    assert (result.exit_code, said[0]) == (0, "i2")
    assert said[1].startswith("in_review by ann until ")
    assert f"image {url}/api/v1/samples/i2/image" in said
    assert "model det@1" in said
    assert "0 cat 0.90 1,2,30,40" in said
    path = tmp_path / "next.png"
    audit = tell("review", "next", "det", "--queue", "audit", "--by", "bob", "-o", str(path)).stdout
    assert "model (hidden until it is reviewed)" in words_of(audit.splitlines())
    assert "cam-" not in audit
    assert path.read_bytes().startswith(b"\x89PNG")
    result = tell("review", "next", "det", "--queue", "audit", "--by", "ann")
    assert (result.exit_code, result.stdout) == (1, "nothing waits in the audit queue of det\n")
    assert tell("review", "next", "det", "--queue", "audit", "--by", "ann", "--json").stdout == "null\n"


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (("next", "det", "--queue", "best"), "--queue"),
        (("next", "det", "--lease", "long"), "--lease"),
        (("next", "det", "--lease", "1s"), "--lease"),
        (("next", "nope"), "DATASET"),
        (("show", "nope"), "ITEM"),
        (("confirm", "nope"), "ITEM"),
        (("confirm", "i0", "--by", ""), "--by"),
        (("show", "i0", "-o", "/nowhere/x.png"), "--output"),
        (("release", "i0"), "ITEM"),
        (("undo", "i0"), "ITEM"),
    ],
)
def test_faults_are_told_as_the_words_they_come_from(tell: Tell, words: tuple[str, ...], flag: str) -> None:
    """In a line on standard error."""
    result = tell("review", *words)
    assert (result.exit_code, result.stdout, result.stderr.split(": ")[1]) == (2, "", flag)


def test_item_is_labeled_from_a_file_or_standard_input(tell: Tell, tmp_path: Path) -> None:
    """Its labels decide the verdict; it may be labeled again, by another who says which revision is corrected."""
    path = tmp_path / "labels.json"
    path.write_text('[{"label": "cat", "box": [1, 2, 30, 40]}]')
    said = tell("review", "label", "i0", "--labels", str(path), "--by", "ann").stdout
    assert said == "i0: labeled, labels: 1 cat, false_positive\n"
    refused = tell("review", "label", "i0", "--labels", "-", "--by", "bob", typed="[]")
    assert "ann" in refused.stderr
    revision = str(item(tell, "i0")["revision"])
    again = ("review", "label", "i0", "--labels", "-", "--by", "bob", "--revision", revision)
    assert tell(*again, typed="[]").stdout == "i0: labeled, labels: nothing, false_positive\n"
    assert item(tell, "i0")["labels"] == []


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ('{"label": "cat"}', ["--labels"]),
        ("[3]", ["--labels"]),
        ("[", ["--labels"]),
        ('[{"label": "cat", "box": [1, 2, 3000, 40]}]', ["--labels 0.box"]),
        ('[{"label": "cat", "box": [1, 2, 9, 9]}, {"box": [9, 9, 1]}]', ["--labels 1.box", "--labels 1.label"]),
    ],
)
def test_labels_that_can_not_be_are_told_with_their_places(tell: Tell, given: str, faults: list[str]) -> None:
    """Nothing is labeled."""
    result = tell("review", "label", "i0", "--labels", "-", typed=given)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sorted(line.split(": ")[1] for line in result.stderr.splitlines()) == faults
    assert item(tell, "i0")["status"] == "needs_review"


def test_life_of_an_item_is_told_line_by_line(tell: Tell) -> None:
    """Claimed, released, confirmed, undone, rejected; another's action is not one's own to undo."""
    tell("review", "next", "det", "--by", "ann")
    assert tell("review", "release", "i2", "--by", "ann").stdout == "i2: needs_review\n"
    assert tell("review", "confirm", "i2", "--by", "ann").stdout == "i2: labeled, labels: 1 cat, 1 dog, correct\n"
    result = tell("review", "undo", "i2", "--by", "bob")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "--by")
    assert tell("review", "undo", "i2", "--by", "ann").stdout == "i2: needs_review\n"
    assert tell("review", "reject", "i2", "--by", "ann", "--reason", "too [red]dark[/]").stdout == "i2: rejected\n"
    shown = tell("review", "show", "i2").stdout
    assert "rejected: too [red]dark[/]" in shown
    actions = [line.split()[3] for line in shown.split("action")[1].splitlines()[1:]]
    assert actions == ["reject", "undo", "confirm", "release", "claim"]
    assert json.loads(tell("review", "confirm", "i0", "--json").stdout)["verdict"] == "correct"


def test_item_that_another_holds_is_refused(tell: Tell) -> None:
    """With who holds it."""
    tell("review", "next", "det", "--by", "ann")
    result = tell("review", "confirm", "i2", "--by", "bob")
    assert (result.exit_code, "'ann'" in result.stderr) == (2, True)


def test_deletion_is_asked_for(tell: Tell) -> None:
    """No, and nobody there to ask, leave it; ``--yes`` asks nothing."""
    result = tell("review", "delete", "i0", typed="n\n")
    assert (result.exit_code, "Delete the image i0, which det has as needs_review" in result.stderr) == (2, True)
    assert tell("review", "delete", "i0", typed="").exit_code == 1
    assert item(tell, "i0")["id"] == "i0"
    assert tell("review", "delete", "i0", typed="y\n").exit_code == 0
    assert tell("review", "delete", "i1", "--yes", "--by", "ann").stdout == "i1: deleted\n"
    assert tell("review", "show", "i1").stderr == "sidecar: ITEM: no item has the id 'i1'\n"


def test_page_tells_what_counts_and_what_is_not_known(tell: Tell) -> None:
    """Detections under the threshold do not count; an image without any, or with none known, says so."""
    found = item(tell, "i0")
    low = {**found["detections"][1], "score": 0.1, "label": "[b]dog[/b]"}
    shown = page(80, item_page, {**found, "detections": [found["detections"][0], low]}, "http://x")
    said = words_of(shown)
    assert "1 [b]dog[/b] 0.10 5,5,9,9" in said
    assert "1 under the threshold of 0.5: they do not count" in said
    assert "the model saw nothing" in page(80, item_page, {**found, "detections": []}, "http://x")
    unknown = page(80, item_page, {**found, "detections": None, "labels": []}, "http://x")
    assert unknown[-3:] == ["what the model saw is not known", "", "labels: nothing is there"]
