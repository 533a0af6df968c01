"""``sidecar train`` and ``sidecar model-versions`` in front of the application, over a real store; no trainer runs."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from sidecar.cli import following
from sidecar.cli.following import followed_log
from sidecar.client import Client
from tests.api.looped import DATASET
from tests.cli.trial_documents import words_of
from tests.kit.trials_at_hand import TrialsAtHand

Tell = Callable[..., Result]
pytestmark = pytest.mark.usefixtures("filled")

WORSE = "Worse than the version it started from: map50 0.7 -> 0.61."


@pytest.fixture
def live(url: str) -> Iterator[Client]:
    """A client of the application."""
    with Client(url) as made:
        yield made


@pytest.fixture
def version_id(live: Client) -> str:
    """The id of a version called v1."""
    live.confirm_item("i0", by="ann")
    return str(live.create_dataset_version(DATASET, name="v1").id)


@pytest.fixture
def job_id(live: Client, version_id: str) -> str:
    """The id of a job called Night."""
    return str(live.create_training_job("Night", DATASET, version_id, "det@1").id)


def job(tell: Tell, name: str = "Night") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(tell("train", "show", name, "--json").stdout)
    return found


def test_job_is_started_with_every_option(tell: Tell, version_id: str) -> None:
    """Dataset and version are meant by their names too; lists show it in two lines."""
    assert tell("train").stdout == "no training jobs; `sidecar train start` begins one\n"
    words = "--dataset det --version v1 --base det@1 --trainer manual --by ann"
    said = words_of(tell("train", "start", "Night", *words.split()).stdout.splitlines())
    assert said[:2] == ["Night", "queued"]
    assert f"dataset det, version {version_id}" in said
    assert "trainer people" in said
    kept = job(tell)
    assert (kept["kind"], kept["base_model_id"], kept["by"]) == ("manual", "det@1", "ann")
    listed = tell("train", "list", "--status", "queued").stdout.splitlines()
    assert listed[0] == f"queued  Night  ({kept['id'][:8]})"
    assert listed[1].startswith(f"  det@1, on det {version_id[:8]}, by people, since ")
    assert tell("train", "--status", "failed").stdout == "no training jobs match --status failed\n"


def test_faults_are_told_as_the_flags_they_come_from(tell: Tell, version_id: str) -> None:
    """All at once; nothing begins."""
    words = "--dataset det --version v9 --base det@1 --trainer nobody"
    result = tell("train", "start", "Night", *words.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert sorted(line.split(": ")[1] for line in result.stderr.splitlines()) == ["--trainer", "--version"]
    result = tell("train", "--status", "new")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "--status")
    assert tell("train", "list").stdout == "no training jobs; `sidecar train start` begins one\n"


def test_report_ends_a_job_and_what_it_made_is_listed(tell: Tell, job_id: str) -> None:
    """Its metrics and where it is served stand with the version, and that it is worse than its base."""
    assert tell("model-versions").stdout.startswith("training made no version yet; ")
    words = "--status running --progress 0.4 --metrics loss=1.5"
    assert tell("train", "report", "Night", *words.split()).stdout == "Night: waiting\n"
    assert "waiting: 40.0 % done" in tell("train", "show", job_id[:5]).stdout
    words = "--status succeeded --version 3 --metrics map50=0.61,base_map50=0.7 --upstream http://127.0.0.1:9/x"
    assert tell("train", "report", "Night", *words.split()).stdout.endswith(f"Night: succeeded, made det@3\n{WORSE}\n")
    said = words_of(tell("train", "show", "Night").stdout.splitlines())
    assert "metrics map50 0.61, base_map50 0.7" in said
    assert WORSE in said
    shown = " ".join(tell("model-versions", "--model", "det").stdout.split())
    assert shown.startswith(f"det@3 map50 0.61, base_map50 0.7 {WORSE} from det@1, on version ")
    assert "served at http://127.0.0.1:9/x" in shown
    assert tell("model-versions", "--model", "x").stdout == "no versions match --model x\n"


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        ("--status great", "--status"),
        ("--status running --metrics loss", "--metrics"),
        ("--status running --metrics loss=low", "--metrics"),
        ("--status running --progress 4", "--progress"),
        ("--status succeeded --upstream nowhere", "--upstream"),
    ],
)
def test_report_that_can_not_be_changes_nothing(tell: Tell, job_id: str, words: str, flag: str) -> None:
    """It is told by its flag."""
    before = job(tell)
    result = tell("train", "report", "Night", *words.split())
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, flag)
    assert job(tell) == before


def test_job_is_cancelled_once(tell: Tell, job_id: str) -> None:
    """What has ended can't be."""
    assert tell("train", "cancel", "Night", "--by", "ann").stdout.endswith("Night: cancelled\n")
    assert "by ann" in tell("train", "show", "Night").stdout
    result = tell("train", "cancel", "Night")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "JOB")


@pytest.mark.parametrize(
    ("words", "shares", "command"),
    [
        ("--ab --split 0.2 --metric latency --unit client --name Next", (0.2,), "ab-test"),
        ("--shadow --share 0.3 --days 2", (0.3,), "shadow"),
    ],
)
def test_what_a_job_made_is_put_to_the_test(
    tell: Tell, live: Client, trials: TrialsAtHand, job_id: str, words: str, shares: tuple[float, ...], command: str
) -> None:
    """With the options of such a test; the line says where to look."""
    result = tell("train", "deploy", "Night", *words.split())
    assert (result.exit_code, result.stderr.split(": ")[1:3]) == (2, ["JOB", "the job is queued"])
    live.report_training_job(
        job_id, "succeeded", {"map50": 0.61, "base_map50": 0.7}, version="3", upstream="http://127.0.0.1:9"
    )
    result = tell("train", "deploy", "Night", *words.split())
    (test_id,) = trials.kept
    assert result.stderr == f"warning: {WORSE}\n"
    assert result.stdout == f"det@3: in test {test_id}; `sidecar {command} results {test_id}`\n"
    assert trials.kept[test_id].epoch.shares == shares
    assert job(tell)["test_id"] == test_id


def test_all_else_of_a_test_comes_from_a_file(
    tell: Tell, live: Client, trials: TrialsAtHand, job_id: str, tmp_path: Path
) -> None:
    """What is typed wins over it; its faults are told by their flags."""
    live.report_training_job(job_id, "succeeded", version="3", upstream="http://127.0.0.1:9")
    path = tmp_path / "test.yaml"
    path.write_text("traffic_split: 0.1\nalpha: 0.01\ncolour: red\n")
    result = tell("train", "deploy", "Night", "--ab", "--config", str(path), "--split", "2")
    assert (result.exit_code, trials.kept) == (2, {})
    assert sorted(line.split(": ")[1] for line in result.stderr.splitlines()) == ["--config colour", "--split"]
    path.write_text("traffic_split: 0.1\nalpha: 0.01\n")
    assert tell("train", "deploy", "Night", "--ab", "--config", str(path), "--split", "0.3").exit_code == 0
    (kept,) = trials.kept.values()
    assert (kept.epoch.shares, getattr(kept.definition, "alpha", None)) == ((0.3,), 0.01)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "give one of --ab and --shadow"),
        ("--ab --shadow", "give one of --ab and --shadow"),
        ("--ab --share 0.1", "--share: belongs to --shadow"),
        ("--shadow --split 0.1", "--split: belongs to --ab"),
        ("--shadow --share 10%", "--share: '10%' is no number; shares are 0 to 1: 10 % is 0.1"),
        ("--ab --config /nowhere.yaml", "--config: /nowhere.yaml: No such file or directory"),
    ],
)
def test_deployment_that_makes_no_sense_is_refused(tell: Tell, job_id: str, words: str, message: str) -> None:
    """Before anything is asked for."""
    result = tell("train", "deploy", "Night", *words.split())
    assert (result.exit_code, result.stderr) == (2, f"sidecar: {message}\n")


@pytest.mark.parametrize(("status", "code"), [("succeeded", 0), ("failed", 1)])
def test_start_waits_until_the_job_has_ended(
    tell: Tell, live: Client, version_id: str, monkeypatch: pytest.MonkeyPatch, status: str, code: int
) -> None:
    """The exit code says whether it succeeded."""
    monkeypatch.setattr(following, "POLL_S", 0.02)
    stop = threading.Event()

    def report() -> None:
        while not stop.wait(0.02):
            for found in live.training_jobs():
                live.report_training_job(found.id, status, error="no disk" if code else "")
                return

    trainer = threading.Thread(target=report)
    trainer.start()
    try:
        words = f"--dataset det --version {version_id} --base det@1 --wait"
        result = tell("train", "start", "Night", *words.split())
    finally:
        stop.set()
        trainer.join(20)
    assert (result.exit_code, job(tell)["status"]) == (code, status)
    assert f"\n{status}: " in result.stdout


def test_log_is_shown_as_far_as_there_is_one(tell: Tell, job_id: str) -> None:
    """Nothing is told apart from what was written."""
    result = tell("train", "log", "Night")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "nothing is written yet\n")
    assert tell("train", "log", "nope").stderr == "sidecar: JOB: no training job has the id 'nope'\n"


class Growing:
    """A sidecar whose job writes a little more each time it is asked."""

    def __init__(self, *logs: str) -> None:
        self._logs = list(logs)

    def training_job(self, _: str) -> Any:
        return Job(ended_at=None if len(self._logs) > 1 else 5.0)

    def training_job_log(self, _: str) -> str:
        return self._logs.pop(0)


class Job:
    """A job of which only one thing matters."""

    def __init__(self, ended_at: float | None) -> None:
        self.ended_at = ended_at


def test_followed_log_is_printed_once_in_whole_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half a line waits for its end; the last one is shown however it ends."""
    monkeypatch.setattr(following, "POLL_S", 0.0)
    growing: Any = Growing("", "epo", "epoch 1\nep", "epoch 1\nepoch 2\n", "epoch 1\nepoch 2\ndone\x1b[0m")
    followed_log(growing, "j")
    assert capsys.readouterr().out == "epoch 1\nepoch 2\ndone?[0m\n"
