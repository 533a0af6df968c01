"""What a trainer says it made, as a file and as a report: read with every fault, whatever stands there."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from sidecar.training import Result, TrainingFault, Upstream, read_report
from sidecar.training.result import RESULT_BYTES_MAX, free_version, made_version, read_result, result_of


def written(folder: Path, content: Any) -> Path:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    (folder / "result.json").write_bytes(text)
    return folder


def test_result_is_read_whole(tmp_path: Path) -> None:
    """A number is a version too, and integers are metrics."""
    document = {"version": 4, "metrics": {"map50": 0.5, "epochs": 3}, "upstream": {"url": "http://triton:8000/"}}
    result, faults = read_result(written(tmp_path, document))
    assert faults == []
    assert result == Result("4", {"map50": 0.5, "epochs": 3.0}, Upstream("http://triton:8000/", ""))
    assert read_result(tmp_path / "nowhere") == (None, [])


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "is no JSON: Expecting value"),
        (b"\xff\xfe{}", "is no JSON: "),
        (b"[" * 100_000, "is no JSON: "),
        (b"[1]", 'must be an object such as {"metrics": {"map50": 0.7}}'),
        (b'{"a": "%s"}' % (b"x" * RESULT_BYTES_MAX), f"is larger than {RESULT_BYTES_MAX} bytes"),
    ],
)
def test_what_is_no_result_is_said_to_be_none(tmp_path: Path, content: bytes, fault: str) -> None:
    """Bytes of any kind have one fault, of the file."""
    result, faults = read_result(written(tmp_path, content))
    assert result is None
    ((place, message),) = faults
    assert place == "result.json"
    assert message.startswith(fault)


def test_result_is_not_read_through_a_link_a_pipe_or_a_folder(tmp_path: Path) -> None:
    """A trainer can neither show other files by it nor make the monitor wait."""
    secret = written(tmp_path, {"metrics": {"secret": 1}}) / "result.json"
    for number, make in enumerate((lambda path: path.symlink_to(secret), os.mkfifo, Path.mkdir)):
        folder = tmp_path / str(number)
        folder.mkdir()
        make(folder / "result.json")
        result, faults = read_result(folder)
        assert result is None
        assert [place for place, _ in faults] == ["result.json"]


@pytest.mark.parametrize(
    ("document", "places"),
    [
        ({"version": ""}, ["version"]),
        ({"version": True}, ["version"]),
        ({"version": "a b"}, ["version"]),
        ({"metrics": [1]}, ["metrics"]),
        ({"metrics": {str(number): 1 for number in range(101)}}, ["metrics"]),
        ({"metrics": {"": 1, "x" * 101: 1}}, ["metrics.", "metrics." + "x" * 100]),
        ({"metrics": {"a": True, "b": None, "c": 10**400, "d": float("inf")}}, [f"metrics.{name}" for name in "abcd"]),
        ({"upstream": "http://triton:8000"}, ["upstream"]),
        ({"upstream": {"url": "http://h", "key": 1}}, ["upstream"]),
        ({"upstream": {"url": "ftp://h", "path": "x"}}, ["upstream.url", "upstream.path"]),
        ({"upstream": {"url": "http://user:pw@h"}}, ["upstream.url"]),
        ({"upstream": {"url": "http://h:99999"}}, ["upstream.url"]),
        ({"upstream": {"url": "http://h/x?y"}}, ["upstream.url"]),
        ({"upstream": {"url": None, "path": "/a b"}}, ["upstream.url", "upstream.path"]),
        ({"upstream": {"url": "http://h", "path": 3}}, ["upstream.path"]),
    ],
)
def test_every_fault_of_a_result_is_named(document: dict[str, Any], places: list[str]) -> None:
    """By its place."""
    assert [place for place, _ in result_of(document)[1]] == places


def test_version_is_one_above_the_highest_number() -> None:
    """Names that are no numbers do not count; where there is none, it is the job's id."""
    assert made_version({"9", "10", "v99", "1.5", ""}, "j1") == "11"
    assert made_version({"", "v2"}, "j1") == "j1"
    assert (free_version("4", {"3"}, "j1"), free_version("3", {"3"}, "j1")) == ("4", "3-j1")


def test_report_is_read_with_every_fault() -> None:
    """Those of the report and those of the result in it."""
    good = {"status": "running", "progress": 1, "metrics": {"loss": 2}, "error": None}
    report = read_report(json.dumps(good).encode(), "j1")
    assert (report.status, report.progress, report.result.metrics, report.error) == ("running", 1.0, {"loss": 2.0}, "")
    bad = {"status": "done", "progress": 1.5, "error": 3, "metrics": {"a": "b"}, "job_id": "j2", "state": 1}
    with pytest.raises(TrainingFault) as caught:
        read_report(json.dumps(bad).encode(), "j1")
    assert [place for place, _ in caught.value.faults] == [
        *("state", "job_id", "status", "error", "progress", "metrics.a")
    ]
    with pytest.raises(TrainingFault, match="job_id: must be 'j1'"):
        read_report(json.dumps(good).encode(), "j1", signed=True)
    with pytest.raises(TrainingFault, match="body: is no JSON"):
        read_report(b"status=running", "j1")
