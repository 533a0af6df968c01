"""The section of baselines and drift, in a browser."""

from __future__ import annotations

from typing import Any

import pytest

from sidecar.watch.normal import IMAGES_MIN
from tests.api.live import LiveControl
from tests.api.live_watch import LiveWatch, drift_findings
from tests.dashboard.browser import Page
from tests.dashboard.conftest import HOSTILE, add_baseline

PATH = "/drift"

CARD = "#drift .card"


async def no_checks(**_: object) -> dict[str, Any]:
    """What a monitor that has compared nothing yet says."""
    return {"items": [], "next": None}


def test_version_shows_its_normal_and_its_latest_check(page: Page, watch: LiveWatch) -> None:
    """The baseline's name and size, the verdict, the sentence, and what limits it."""
    add_baseline(watch)
    page.open()
    page.says(
        CARD,
        "det",
        "Drift",
        "default",
        "set by a person",
        "20,100",
        "against default",
        "Significant drift: bicycle went from 7 % to 19 % of the detections.",
        "Input was not compared: no image was probed.",
    )
    assert page.console_errors() == []


def test_scores_are_bars_with_their_p_values(page: Page, watch: LiveWatch) -> None:
    """Each of the five has a bar of its corrected distance; one that is significant says so in a word too."""
    add_baseline(watch)
    page.open()
    page.says(CARD, "Class mix")
    rows = [" ".join(text.split()) for text in page.texts(f"{CARD} .scores tbody tr")]
    assert rows == [
        "Class mix drifted 0.28 0.005",
        "Confidence 0.02 0.90",
        "Detections per image 0.09 0.90",
        "Box size and shape 0.01 0.90",
        "Input images – no data",
    ]
    script = "return [...document.querySelectorAll('.scores rect.filled')].map((bar) => bar.width.baseVal.value)"
    assert page.run(script) == pytest.approx([28.2, 2.4, 9.1, 0.8])


@pytest.mark.parametrize("width", [400, 1024, 1280, 1340, 1400])
def test_labels_of_scores_break_between_words_only(page: Page, watch: LiveWatch, width: int) -> None:
    """The column of labels is as wide as its longest word, on every screen."""
    add_baseline(watch)
    for score in watch.findings["scores"].values():
        score["significant"] = True
    page.open(width)
    page.says(CARD, "Class mix")
    lines = page.run(
        """return [...document.querySelectorAll('.scores tbody th')].flatMap((label) => {
          const text = label.firstChild;
          return text.data.split(" ").map((word) => {
            const range = document.createRange();
            range.setStart(text, text.data.indexOf(word));
            range.setEnd(text, text.data.indexOf(word) + word.length);
            return range.getClientRects().length;
          });
        })"""
    )
    assert set(lines) == {1}


def test_scores_without_a_test_show_the_raw_distance(page: Page, watch: LiveWatch) -> None:
    """With too few blocks nothing looks significant, and nothing looks tested."""
    add_baseline(watch)
    findings = drift_findings(verdict="too_few_blocks", significant_drift=False, sentence="Too few days to judge.")
    for score in findings["scores"].values():
        score.update(corrected=None, null_mean=None, p_value=None, p_adjusted=None, significant=False)
    watch.findings = findings
    page.open()
    page.says(CARD, "Too little to judge", "Too few days to judge.")
    assert " ".join(page.texts(f"{CARD} .scores tbody tr")[0].split()) == "Class mix 0.31 not tested"


def test_classes_that_moved_are_pairs_of_bars(page: Page, watch: LiveWatch) -> None:
    """Before above after, to one scale, with the shares in figures; new classes stand below."""
    add_baseline(watch)
    page.open()
    page.says(CARD, "Classes that moved")
    assert [" ".join(text.split()) for text in page.texts(f"{CARD} .moved li")] == [
        "bicycle 7.0 % → 19 %",
        "[bold]person[/] 52 % → 41 %",
    ]
    script = "return [...document.querySelectorAll('.moved rect:not(.track)')].map((bar) => bar.width.baseVal.value)"
    assert page.run(script) == pytest.approx([100 * share / 0.52 for share in (0.07, 0.19, 0.52, 0.41)], rel=1e-3)
    page.says(f"{CARD} .chips", "scooter", "in 17 images")


def test_hostile_class_names_stay_text(page: Page, watch: LiveWatch) -> None:
    """Names of classes are anybody's."""
    add_baseline(watch, name=HOSTILE)
    moved = {"class": HOSTILE, "share_before": 0.1, "share_after": 0.3, "change": 0.2, "p_value": 0.001}
    fresh = {"class": HOSTILE, "images": 9, "blocks": 3}
    watch.findings = drift_findings(
        affected_classes=[moved], new_classes=[fresh], sentence=HOSTILE, limitations=[HOSTILE]
    )
    page.open()
    assert page.says(CARD, HOSTILE).count(HOSTILE) == 6
    assert page.count("img[src=x]") == 0
    assert page.run("return window.pwned") is None


def test_version_without_a_baseline_says_what_will_be_it(
    page: Page, watch: LiveWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person who waits knows what for."""
    rule = {"drift": {"baseline": "auto", "baseline_period": 7 * 86_400.0}}
    monkeypatch.setattr(LiveControl, "settings", lambda _: rule)
    monkeypatch.setattr(watch, "drift_checks", no_checks)
    page.open()
    first = f"No baseline yet: the first 7 days of traffic will be it, once that has {IMAGES_MIN} images."
    page.says(CARD, "Not checked yet", first, "No check yet")


def test_version_without_a_baseline_says_that_none_will_come(
    page: Page, watch: LiveWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where freezing is switched off nobody waits in vain."""
    monkeypatch.setattr(LiveControl, "settings", lambda _: {"drift": {"baseline": "off"}})
    page.open()
    page.says(CARD, "none is frozen automatically: drift.baseline is off")


def test_new_version_is_judged_by_its_predecessors_normal(page: Page, watch: LiveWatch) -> None:
    """A version without a baseline of its own shows whose it is held against."""
    add_baseline(watch, version="0", model_id="det@0")
    page.open()
    page.says(f"{CARD}:nth-child(2)", "of det@0", "this version has none of its own", "against default of det@0")


def test_newer_check_takes_the_place_of_the_one_before(
    page: Page, watch: LiveWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page follows the monitor; a card that stays as it is isn't made anew."""
    add_baseline(watch)
    page.open()
    page.says(CARD, "bicycle went from 7 % to 19 %")
    page.run("document.querySelector('#drift .card').isTheSame = true")
    asked = watch.drift_checks

    async def later(**arguments: Any) -> dict[str, Any]:
        found = dict(await asked(**arguments))
        found["items"] = [{**item, "checked_at": item["checked_at"] + 9} for item in found["items"]]
        return found

    watch.findings = drift_findings(verdict="no_drift", sentence="No drift any more.")
    monkeypatch.setattr(watch, "drift_checks", later)
    page.says(CARD, "No drift any more.")
    assert page.run("return document.querySelector('#drift .card').isTheSame")
