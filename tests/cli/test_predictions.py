"""``sidecar predictions`` in front of the real application over a store."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from sidecar.recording import Batch, Store
from tests.api.live import make_prediction
from tests.cli.conftest import Ask

pytestmark = pytest.mark.usefixtures("filled")


def record(folder: Path, **changes: object) -> None:
    """Record a prediction that is unlike the others in that."""

    async def add() -> None:
        store = await Store.open(folder)
        await store.commit(Batch([make_prediction(60, **changes)], [], {(0, 10): 1}))
        await store.close()

    asyncio.run(add())


def test_latest_are_listed_with_what_they_saw(tell: Ask) -> None:
    """Newest first, two lines each; the word list may be left out."""
    lines = tell("predictions").stdout.splitlines()
    assert lines[-2:] == [
        "2023-11-14 22:14:20  det@1  12.5 ms  200  f0",
        "  seen: 1 cat, 1 dog; 64 x 48 px",
    ]
    assert [line.split()[-1] for line in lines[::2]] == ["m.1", "m.0", "f0"]
    assert tell("predictions", "list").stdout.splitlines() == lines


def test_all_filters_must_hold(tell: Ask, tmp_path: Path) -> None:
    """As the API has them; what nothing matches is said with what was asked for."""
    record(tmp_path, prediction_id="bad", version="2", role="treatment", experiment="new", status=503, detections=None)
    for words in (
        ("--version", "2"),
        ("--role", "treatment"),
        ("--status", "503"),
        ("--status", "error"),
        ("--since", "2023-11-14T22:15:00Z"),
        ("--limit", "1"),
    ):
        lines = tell("predictions", *words).stdout.splitlines()
        assert lines[0].endswith("503  bad"), words
        assert lines[1:] == ["  detections not known; treatment of new; 64 x 48 px"]
    told = tell("predictions", "list", "--model", "det", "--label", "bird", "--until", "2023-11-15")
    assert told.stdout == "no predictions match --model det --label bird --until 2023-11-15\n"


@pytest.mark.parametrize(
    "words",
    [
        ("--unit", "gate"),
        ("--min-confidence", "0.95"),
        ("--label", "dog", "--min-confidence", "0.9", "--max-confidence", "0.98"),
        ("--min-latency-ms", "80", "--max-latency-ms", "100"),
    ],
    ids=" ".join,
)
def test_those_that_look_odd_are_found(tell: Ask, tmp_path: Path, words: tuple[str, ...]) -> None:
    """By unit, confidence and latency, in the list and in an export."""
    found = make_prediction().detections
    assert found is not None
    sure = replace(found, scores=np.array([0.99, 0.97], np.float32))
    record(tmp_path, prediction_id="odd", unit="gate", latency_ms=90.0, detections=sure)
    assert [item["prediction_id"] for item in json.loads(tell("predictions", *words, "--json").stdout)] == ["odd"]
    lines = tell("predictions", "export", "-", *words).stdout.splitlines()
    assert [json.loads(line)["prediction_id"] for line in lines] == ["odd"]


def test_those_whose_image_was_kept_are_found(tell: Ask) -> None:
    """None was: that is said with the flag that was given."""
    assert tell("predictions", "--sampled").stdout == "no predictions match --sampled\n"
    assert len(tell("predictions", "--not-sampled").stdout.splitlines()) == 6


def test_range_the_wrong_way_round_is_told_by_its_flag(tell: Ask) -> None:
    """As the sidecar says it."""
    result = tell("predictions", "--min-confidence", "0.9", "--max-confidence", "0.5")
    assert (result.exit_code, result.stderr) == (2, "sidecar: --min-confidence: 0.9 is above max_confidence, 0.5\n")


def test_wrong_filters_are_told_by_their_flags(tell: Ask) -> None:
    """All at once, in the words of the command line, with what would be right."""
    result = tell("predictions", "--role", "boss", "--status", "fine")
    assert (result.exit_code, result.stdout) == (2, "")
    role, status = sorted(result.stderr.splitlines())
    assert role.startswith("sidecar: --role: ")
    assert "treatment" in role
    assert status.startswith("sidecar: --status: ")


def test_list_for_machines_is_what_the_api_gives(tell: Ask) -> None:
    """A JSON array of predictions."""
    found = json.loads(tell("predictions", "--json", "--limit", "2").stdout)
    assert [item["prediction_id"] for item in found] == ["m.1", "m.0"]
    assert found[0]["detections"][0]["label"] == "cat"


def test_one_is_shown_with_its_detections_and_what_was_said(tell: Ask) -> None:
    """Boxes are numbered as feedback names them; feedback stands below."""
    tell("feedback", "f0", "wrong_label", "--detection", "1", "--class", "cat", "--by", "ann", "--note", "a cub")
    page = tell("predictions", "show", "f0").stdout
    assert page.splitlines()[:2] == ["f0", "200"]
    assert "1  dog     0.60  5,5,9,9" in page
    assert "12.5 ms in all, 11 ms of the model server, 10 ms to the first byte" in page
    assert "wrong_label  detection 1 (dog 0.60), rather cat" in page
    assert "a cub" in page
    document = json.loads(tell("predictions", "show", "f0", "--json").stdout)
    assert (document["prediction_id"], document["feedback"][0]["by"]) == ("f0", "ann")


def test_detections_under_the_operating_point_do_not_count(tell: Ask, tmp_path: Path) -> None:
    """They are shown on the page, and said to be under it."""
    record(tmp_path, prediction_id="unsure", score_threshold=0.7)
    assert tell("predictions", "--limit", "1").stdout.splitlines()[1] == "  seen: 1 cat; 64 x 48 px"
    assert "1 under the threshold of 0.7: they do not count" in tell("predictions", "show", "unsure").stdout


def test_id_that_nothing_has_is_told(tell: Ask) -> None:
    """On standard error, with exit code 2."""
    result = tell("predictions", "show", "nope")
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", "sidecar: no prediction has the id 'nope'\n")


def test_names_from_outside_stay_text(tell: Ask, tmp_path: Path) -> None:
    """A model's name and a client's request id are neither markup nor move the cursor."""
    record(tmp_path, prediction_id="odd", model="[red]m\x1b[2J", client_request_id="[b]r\x07")
    assert "[red]m?[2J@1" in tell("predictions", "--limit", "1").stdout
    assert "[b]r?" in tell("predictions", "show", "odd").stdout


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_lines_fit_the_terminal(tell: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    """However long names and errors are."""
    record(tmp_path, prediction_id="i" * 70, model="m" * 90, error="e" * 60, slice="s" * 90, status=502)
    monkeypatch.setenv("COLUMNS", columns)
    for words in (("predictions",), ("predictions", "show", "i" * 70)):
        assert max(map(len, tell(*words).stdout.splitlines())) <= int(columns)


def test_export_takes_its_format_from_the_name(tell: Ask, tmp_path: Path) -> None:
    """The same predictions as JSON Lines, CSV and Parquet; it says where they are."""
    paths = [tmp_path / f"out.{ending}" for ending in ("jsonl", "csv", "parquet")]
    for path in paths:
        result = tell("predictions", "export", str(path), "--model", "det")
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout.startswith(f"wrote {path} (")
    ids = ["m.1", "m.0", "f0"]
    assert [json.loads(line)["prediction_id"] for line in paths[0].read_text().splitlines()] == ids
    assert [row["prediction_id"] for row in csv.DictReader(paths[1].open())] == ids
    assert pq.read_table(paths[2]).column("prediction_id").to_pylist() == ids


def test_export_of_detections_has_a_row_each(tell: Ask, tmp_path: Path) -> None:
    """Those that are sure enough, where that is asked for."""
    path = tmp_path / "boxes.csv"
    tell("predictions", "export", str(path), "--detections", "--min-confidence", "0.8")
    rows = list(csv.DictReader(path.open()))
    assert [(row["prediction_id"], row["label"]) for row in rows] == [("m.1", "cat"), ("m.0", "cat"), ("f0", "cat")]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("out.xlsx",), "sidecar: --format: 'out.xlsx' does not say which; end its name in .jsonl, .csv or .parquet"),
        (("out.csv", "--format", "yaml"), "sidecar: --format: "),
        (("out.csv", "--role", "boss"), "sidecar: --role: "),
        (("nowhere/out.csv",), "sidecar: FILE: nowhere/out.csv: No such file or directory"),
    ],
)
def test_export_that_can_not_be_leaves_no_file(
    tell: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str
) -> None:
    """What is wrong is told by its flag; nothing stands under the name, not even a part."""
    target = tmp_path / "target"
    target.mkdir()
    monkeypatch.chdir(target)
    result = tell("predictions", "export", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(message)
    assert list(target.iterdir()) == []


def test_export_to_standard_output_is_nothing_but_the_data(url: str) -> None:
    """JSON Lines by default; a format may be asked for."""

    def ran(*words: str) -> bytes:
        command = [sys.executable, "-m", "sidecar", "predictions", "export", "-", *words]
        done = subprocess.run(command, env={**os.environ, "SIDECAR_URL": url}, capture_output=True, check=True)
        assert done.stderr == b""
        return done.stdout

    assert [json.loads(line)["prediction_id"] for line in ran().splitlines()] == ["m.1", "m.0", "f0"]
    assert len(list(csv.DictReader(io.StringIO(ran("--format", "csv").decode())))) == 3


def test_options_of_the_list_before_another_subcommand_are_refused(tell: Ask) -> None:
    """They would be lost."""
    result = tell("predictions", "--model", "det", "export", "out.csv")
    assert (result.exit_code, result.stderr) == (2, "sidecar: --model: belongs after export, or to the list alone\n")
