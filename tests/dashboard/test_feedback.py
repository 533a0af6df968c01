"""The report of what people said of a model, in a browser."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sidecar.recording import Batch, Items, Store
from sidecar.types import Label
from tests.api.live import make_prediction
from tests.dashboard.browser import Page
from tests.dashboard.conftest import HOSTILE
from tests.dashboard.pictures import BUS, CAR, DATASET, DRAWN, add_pictures, make_picture, seen
from tests.dashboard.reviewing import in_store

PATH = "/review"

REPORT = "#feedback-report"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of forty images that were drawn, of two versions, 32 are reviewed: on eight of them the bus is a lorry."""

    async def fill(store: Store) -> None:
        now = time.time()
        both = [replace(make_prediction(index), at=now - 60, version=str(index + 1)) for index in range(2)]
        await store.commit(Batch(both, [], {(0, 1): 2}))
        await add_pictures(tmp_path, store, 0)
        found = seen((HOSTILE, "bus"), (CAR, BUS), (0.9, 0.6))
        for index in range(40):
            drawn: dict[str, Any] = {"at": now - 50, "version": str(1 + index % 2), "detections": found, **DRAWN}
            await store.add_sample(make_picture(tmp_path, index, audit_rank=index / 40, **drawn))
        for index in range(32):
            await Items(store).claim_next(DATASET, "Ada", "audit", now + 60, now)
            right = index % 4 > 0
            decided = {
                "labels": (Label(HOSTILE, CAR), Label("bus" if right else "lorry", BUS)),
                "verdict": "correct" if right else "wrong_label",
            }
            await Items(store).decide(f"s{index}", "Ada", now, "label", "labeled", decided)

    in_store(tmp_path, fill)
    return tmp_path


def tell(page: Page, prediction_id: str, feedback_type: str) -> None:
    """What a user sends by the API."""
    script = """const done = arguments[arguments.length - 1];
      const body = JSON.stringify({ prediction_id: arguments[0], feedback_type: arguments[1], by: "user" });
      fetch("/api/v1/feedback", { method: "POST", headers: { "Content-Type": "application/json" }, body })
        .then((answer) => done(answer.status))"""
    assert page.driver.execute_async_script(script, prediction_id, feedback_type) == 200


def test_report_says_score_and_precision_with_their_bounds(page: Page) -> None:
    """First the sentence; users apart; then by class and by version, and the threshold."""
    page.open()
    text = page.says(REPORT, "75 % of the images of det are right", "32 of 40 drawn images reviewed")
    order = ["Reviewed at random", "75.0 %", "by 95 % bounds", "What users sent", "Nobody has sent feedback."]
    order += ["Precision by class", "Precision by confidence", "Threshold", "By version", "Fewer than 150 images"]
    assert sorted(order, key=text.index) == order
    rows = [" ".join(row.split()) for row in page.texts(f"{REPORT} [aria-label='Precision by class'] tbody tr")]
    assert [row for row in rows if row.startswith("bus 75.0 %")]
    versions = page.texts(f"{REPORT} [aria-label='Score by version'] tbody tr")
    assert sorted(" ".join(row.split()).split()[0] for row in versions) == ["1", "2"]
    assert page.console_errors() == []


def test_wanted_precision_changes_the_threshold(page: Page) -> None:
    """The sentence names it."""
    page.open()
    page.says(REPORT, "95 %", "Threshold")
    script = """const select = document.querySelector("#feedback-target");
      select.value = "0.8";
      select.dispatchEvent(new Event("change"))"""
    page.run(script)
    page.wait(lambda: "80 %" in page.text(REPORT).partition("Threshold")[2].partition("By version")[0], "the threshold")


def test_what_users_sent_stands_apart(page: Page) -> None:
    """With how often they said what, and that it is no estimate."""
    page.open()
    page.says(REPORT, "Nobody has sent feedback.")
    tell(page, "p0", "correct")
    tell(page, "p1", "missed_object")
    page.open()
    page.says(REPORT, "50.0 % correct", "1 correct", "1 missed object", "2 predictions; no estimate")


def test_hostile_class_stays_text_and_the_report_fits(page: Page) -> None:
    """On a small screen too."""
    page.open(400)
    page.says(REPORT, HOSTILE[:20])
    assert page.run("return document.documentElement.scrollWidth") <= 400
    assert page.run("return window.pwned") is None
    assert page.count(f"{REPORT} img, {REPORT} script") == 0
