"""The section of training jobs, in a browser."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sidecar.app.state import Registered, State, save_state
from sidecar.recording import JobRow, Jobs, Store
from tests.dashboard.browser import Page
from tests.dashboard.conftest import HOSTILE
from tests.dashboard.live_trials import LiveTrials
from tests.dashboard.reviewing import ENTER, ESCAPE, in_store

PATH = "/datasets"

CARD = "#jobs .job"
FIELD = "#form-dialog [data-name='{}']"
LONG = "a_name_without_any_place_to_break_it_" * 5
LOG = "\n".join(f"epoch {number} loss {1 / (number + 1):.3f}" for number in range(40))


def job_row(job_id: str = "j1", name: str = "Night run", status: str = "succeeded", **changes: Any) -> JobRow:
    """A job on det@1 that took an hour and made det@2."""
    now = time.time()
    document = {
        "id": job_id,
        "name": name,
        "dataset_id": "street",
        "version_id": "0123456789abcdef",
        "base_model_id": "det@1",
        "trainer": "gpu-box",
        "kind": "command",
        "status": status,
        "created_at": now - 7_300,
        "started_at": now - 7_200,
        "ended_at": now - 3_600,
        "exit_code": 0,
        "metrics": {"map50": 0.712, "base_map50": 0.75, "images": 340.0},
        "model_version_id": "det@2",
        "by": "Ada",
    } | changes
    at, ended = document["created_at"], document["ended_at"]
    return JobRow(job_id, name, "street", "0123456789abcdef", status, at, ended, document)


def keep(folder: Path, rows: Sequence[JobRow], log: str = LOG) -> None:
    """Jobs in the store, each with a log."""

    async def fill(store: Store) -> None:
        for row in rows:
            await Jobs(store).put(row)

    in_store(folder, fill)
    for row in rows:
        (folder / "jobs" / row.job_id).mkdir(parents=True)
        (folder / "jobs" / row.job_id / "log").write_text(log)


@pytest.fixture
def folder(folder: Path) -> Path:
    """A job that made det@2, and that it is known where this is served."""
    keep(folder, [job_row()])
    registered = Registered(name="det-2", model="det", version="2", url="http://127.0.0.1:2")
    save_state(folder, State(registered=(registered,)))
    return folder


def open_job(page: Page, *parts: str) -> str:
    """The first job, opened by its line; what it says once it says ``parts``."""
    page.open()
    page.wait(lambda: page.count(CARD), "a job")
    page.run("document.querySelector(arguments[0]).click()", f"{CARD} > summary")
    return page.says(CARD, *parts)


def press(page: Page, button: str) -> None:
    """Until its form is there: the one before may just be closing."""
    script = """document.querySelector(`button[aria-label='${arguments[0]}']`).click();
      return document.querySelector("#form-dialog").open"""
    page.wait(lambda: page.run(script, button), "the form")


def test_job_shows_how_it_went(page: Page) -> None:
    """Its state and what it made in a line; inside how long it took, metrics and the end of its log."""
    text = open_job(page, "epoch 39")
    for part in ("Succeeded", "Night run", "gpu-box", "det@1 on street 0123456789abcdef", "det@2"):
        assert part in text
    for part in ("Worse than its base", "Worse than the version it started from: map50 0.75 -> 0.712."):
        assert part in text
    for part in ("took 1 h 0 min", "exit code 0", "begun by Ada", "map50", "0.712", "340"):
        assert part in text
    assert not page.is_visible("button[aria-label='Cancel: Night run']")
    assert page.console_errors() == []


def test_what_was_trained_is_put_to_an_ab_test(page: Page, trials: LiveTrials) -> None:
    """The test begins with the share that was asked for, and the job says which it is in."""
    open_job(page, "Deploy")
    page.tab_to("Deploy: Night run")
    page.press(ENTER)
    page.says("#form-dialog", "Put det@2 to the test", "Worse than the version it started from", "against det@1")
    page.run("document.querySelector(arguments[0]).value = '0.25'", FIELD.format("share"))
    page.run("document.querySelector('#form-submit').click()")
    page.says(CARD, "in the test")
    (trial,) = trials.kept.values()
    assert (trial.kind, trial.definition.variants, trial.epoch.shares) == ("ab", ("A", "B"), (0.25,))
    page.open(path="/experiments")
    page.says("main", "det@1 against det@2")


def test_what_was_trained_is_put_to_a_shadow_test(page: Page, trials: LiveTrials) -> None:
    """It gets copies."""
    open_job(page, "Deploy")
    press(page, "Deploy: Night run")
    page.run("document.querySelector(arguments[0]).value = 'shadow'", FIELD.format("kind"))
    page.run("document.querySelector('#form-submit').click()")
    page.says(CARD, "in the test")
    assert [trial.kind for trial in trials.kept.values()] == ["shadow"]


def test_share_that_can_not_be_is_told_at_its_field(page: Page, trials: LiveTrials) -> None:
    """For either kind of test; Escape leaves it."""
    open_job(page, "Deploy")
    for kind in ("ab", "shadow"):
        press(page, "Deploy: Night run")
        page.run("document.querySelector(arguments[0]).value = arguments[1]", FIELD.format("kind"), kind)
        page.run("document.querySelector(arguments[0]).value = '7'", FIELD.format("share"))
        page.run("document.querySelector('#form-submit').click()")
        page.wait(lambda: page.run("return document.activeElement.dataset.name") == "share", "the fault at its field")
        page.press(ESCAPE)
        page.wait(lambda: not page.is_visible("#form-dialog"), "the dialog closed")
    assert trials.kept == {}


def test_jobs_under_way_come_first_and_a_failure_says_why(page: Page, folder: Path) -> None:
    """One that runs shows its progress."""
    running = {"ended_at": None, "exit_code": None, "model_version_id": None, "metrics": {}}
    rows = [
        job_row("j2", "Bigger", "running", progress=0.42, note="epoch 21 of 50", **running),
        job_row("j3", "Smaller", "failed", exit_code=1, error="exit code 1: no memory", model_version_id=None),
    ]
    keep(folder, rows)
    page.open()
    page.says("#jobs-count", "1 under way")
    page.run("for (const one of document.querySelectorAll('.job')) one.open = true")
    page.says(f"{CARD}:nth-child(1)", "Running", "Bigger", "42.0 %", "epoch 21 of 50", "runs for 2 h 0 min")
    page.says(f"{CARD}:nth-child(2)", "Failed", "Smaller", "no memory")
    assert page.is_visible("button[aria-label='Cancel: Bigger']")


def test_hostile_names_and_logs_stay_text_and_fit(page: Page, folder: Path) -> None:
    """What a trainer says and writes is shown as it is."""
    names = {"error": HOSTILE, "note": LONG, "trainer": LONG, "metrics": {HOSTILE: 1.0, LONG: 2.0}, "by": HOSTILE}
    keep(folder, [job_row("j2", HOSTILE, "failed", **names)], HOSTILE + LONG * 3)
    page.open(400)
    page.says("#jobs", "<img src=x")
    page.run("for (const one of document.querySelectorAll('.job')) one.open = true")
    page.says(f"{CARD}:nth-child(1) .log", "<script>")
    assert page.run("return document.documentElement.scrollWidth") <= 400
    assert page.run("return window.pwned") is None
    assert page.count("#jobs img, #jobs script") == 0
