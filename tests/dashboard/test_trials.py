"""The section of tests of versions, in a browser."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sidecar.experiments.definition import Definition, Ramp, ShadowDefinition
from sidecar.experiments.lifecycle import Trial, paused, promoted, ramped, resumed, stopped
from sidecar.recording import StoreError
from tests.dashboard.browser import Page
from tests.dashboard.conftest import HOSTILE
from tests.dashboard.drawn import epoch, pair_report, side_of
from tests.dashboard.live_trials import LiveTrials

PATH = "/experiments"

DAY_S = 86_400.0
LONG = "a_name_without_any_place_to_break_it_" * 5
LINE = "#trials .trial"
CARD = "#main"
UNFOLD = "for (const one of document.querySelectorAll('#main details')) one.open = true"


def add_ab(trials: LiveTrials, name: str = "Canary", *, days_ago: float = 1.0, **changes: Any) -> str:
    """An A/B test of a B that is faster; its id."""
    definition = {"metrics": ("latency", "confidence", "error_rate")} | changes
    trial = trials.add(Definition(name, "det", "A", ("B",), (0.25,), **definition), time.time() - days_ago * DAY_S)
    trials.saw(trial.trial_id, epoch(0, 6_000, 0.25, b={"latency_ms": 17.0}))
    return trial.trial_id


def page_of(trial: Trial) -> str:
    """Where a test has its page."""
    return f"/experiments/{'ab' if trial.kind == 'ab' else 'shadow'}-tests/{trial.trial_id}"


def open_card(page: Page, trials: LiveTrials, *parts: str, width: int = 1280) -> str:
    """The page of the first test; what it says once it says ``parts``."""
    page.open(width, page_of(next(iter(trials.kept.values()))))
    return page.says(CARD, *parts)


def unfold(page: Page, summary: str) -> None:
    """Open the fold of a card whose line says ``summary``."""
    script = (
        "[...document.querySelectorAll('#experiment summary')].find((one) => one.textContent === arguments[0]).click()"
    )
    page.run(script, summary)


def test_tests_under_way_come_first_and_ended_ones_are_folded(page: Page, trials: LiveTrials) -> None:
    """A line says name, kind, status, model, versions, split, since when, and the verdict in a word."""
    ended = add_ab(trials, "Old", days_ago=9)
    trials.step(ended, stopped, time.time() - 8 * DAY_S, "it was slow")
    add_ab(trials)
    shadow = trials.add(ShadowDefinition("Copy", "det", "B", 0.2))
    trials.reports[shadow.trial_id] = pair_report(100)
    page.open()
    page.says(f"{LINE}:nth-child(2)", "Running", "Canary", "A/B", "det", "det@1 against det@2", "75 % : 25 %", "since")
    page.says(f"{LINE}:nth-child(2)", "det@2 is better")
    page.says(f"{LINE}:nth-child(1)", "Copy", "Shadow", "copied to det@2", "20 %", "% agree")
    page.says("#trials-count", "2 running")
    page.says("#trials-ended-count", "1 test that has ended")
    assert not page.is_visible("#trials-ended .trial")
    page.run("document.querySelector('#trials-ended-count').click()")
    text = page.says("#trials-ended .trial", "Stopped", "Old", "det@2 is better", "ended ")
    assert "since" not in text
    assert page.console_errors() == []


def test_opened_test_says_its_sentence_before_its_figures(page: Page, trials: LiveTrials) -> None:
    """What was found, in words; then figures by variant, differences, guardrails, the split, how much longer."""
    add_ab(trials)
    text = open_card(page, trials, "B is better: with B, latency is")
    order = [
        "B is better", "det@1 (A, control)", "Latency p99", "det@2 less det@1", "always-valid p < 0.001",
        "fixed-horizon p", "Guardrails", "latency is surely not over 1.1 times", "Split of the units", "As planned",
        "How much longer", "It is sure that latency differs", "Not a full week", "Split over time",
    ]  # fmt: skip
    assert [part for part in order if part not in text] == []
    assert sorted(order, key=text.index) == order
    rows = [" ".join(row.split()) for row in page.texts(f"{CARD} .scroll tbody tr")]
    assert rows[0] == "Units 4,500 1,500"
    assert page.console_errors() == []


def test_interval_is_drawn_beside_the_value_of_no_difference(page: Page, trials: LiveTrials) -> None:
    """A difference that is sure lies to one side of the mark, one that is not lies over it."""
    add_ab(trials)
    open_card(page, trials, "det@2 less det@1")
    script = """return [...document.querySelectorAll('.difference:has(svg)')].map((row) => {
      const x = (name) => [...row.querySelectorAll(`svg .${name}`)].map((path) => path.getBBox());
      const [range] = x('range');
      return [x('mark')[0].x, range.x, range.x + range.width, x('point')[0].x];
    })"""
    latency, confidence = page.run(script)
    assert latency[1] < latency[3] < latency[2] < latency[0]
    assert confidence[1] < confidence[0] < confidence[2]
    assert page.texts(".difference .tag")[:2] == ["primary", "better"]


def test_before_any_traffic_nothing_is_made_up(page: Page, trials: LiveTrials) -> None:
    """No figure, no line, and no error of the page."""
    trial = trials.add(Definition("New", "det", "A", ("B",), (0.1,)))
    text = open_card(page, trials, "No traffic yet.", "Nothing to compare yet", "It can't be told yet")
    assert "NaN" not in text
    assert "null" not in text
    assert page.count(f"{CARD} svg.interval") == 0
    trials.kept.pop(trial.trial_id)
    trials.add(ShadowDefinition("Copy", "det", "B"))
    text = open_card(
        page,
        trials,
        "Copy",
        "Nothing to compare yet",
        "Nothing compared yet",
        "None among those that are still recorded.",
    )
    assert "NaN" not in text
    assert page.console_errors() == []


def test_shadow_test_shows_where_versions_disagree(page: Page, trials: LiveTrials) -> None:
    """Rates, flips, classes, latency side by side, histograms, and what was left out."""
    shadow = trials.add(ShadowDefinition("Copy", "det", "B", 0.2))
    trials.reports[shadow.trial_id] = pair_report(300)
    trials.facts = {"waiting": 3, "skipped": {"no_shadow": 12, "full": 0}}
    open_card(
        page,
        trials,
        "det@2 agrees with det@1 in full on",
        "Left out: 12 pairs, since the shadow did not answer in time.",
        "3 requests wait",
    )
    assert "too many" not in page.text(CARD)
    rows = [" ".join(row.split()) for row in page.texts(f"{CARD} .part:not(.over-time) .scroll tbody tr")]
    assert rows[0] == "car → truck 34 5.7 %"
    assert "p99 9.9 ms 15 ms" in rows
    assert page.count(f"{CARD} svg.histogram") == 2
    assert page.count(f"{CARD} svg.histogram .disagreement") > 2
    unfold(page, "3 classes, the most disputed first")
    page.says(f"{CARD} details.part[open] table", "Missed", "Flipped away", "truck")


def test_split_over_time_shows_ramp_and_pause(page: Page, trials: LiveTrials) -> None:
    """Each epoch is a block as high as its share; a pause is a gap; what comes next is said."""
    began = time.time() - 4 * DAY_S
    trial = trials.add(Definition("Canary", "det", "A", ("B",), (0.05,), ramp=Ramp((0.05, 0.25, 0.5))), began)
    trials.step(trial.trial_id, ramped, (0.25,), began + DAY_S, "ramp step 2")
    trials.step(trial.trial_id, paused, began + 2 * DAY_S)
    trials.step(trial.trial_id, resumed, began + 3 * DAY_S)
    trials.waiting_for = "every guardrail to be safe"
    open_card(page, trials, "next step 50 %, waits for every guardrail to be safe", "5 % → 25 % → 0 % → 25 % for det@2")
    script = """return [...document.querySelectorAll('.timeline .arm')].map((one) =>
      [one.x, one.width, one.height].map((side) => Math.round(side.baseVal.value)))"""
    assert page.run(script) == [[0, 25, 2], [25, 25, 6], [75, 25, 6]]
    unfold(page, "Epochs")
    page.says(f"{CARD} .epochs", "det@1 75 % : det@2 25 %", "ramp step 2, 1 d 0 h", "paused")


def test_several_treatments_each_have_their_comparison(page: Page, trials: LiveTrials) -> None:
    """Against the same control, with a verdict of their own."""
    trials.add(Definition("Three", "det", "A", ("B", "C"), (0.2, 0.1)))
    open_card(page, trials, "det@1 against det@2, det@3", "70 % : 20 % : 10 %", "det@2 less det@1", "det@3 less det@1")
    page.says(CARD, "Guardrails of det@3")


def test_mismatch_of_the_split_is_said(page: Page, trials: LiveTrials) -> None:
    """Units that arrive otherwise than they were to be assigned void the verdict."""
    trial_id = add_ab(trials)
    found = epoch(0, 6_000, 0.4)
    trials.saw(trial_id, type(found)(found.control, found.treatments, (0.75, 0.25), 0))
    open_card(page, trials, "Invalid: units arrived as", "Sample ratio mismatch", "det@1 : det@2 got 3,600 : 2,400")
    assert "Invalid" in page.texts(f"{CARD} .title .badge")[-1]


def test_warnings_reason_and_promotion_are_told(page: Page, trials: LiveTrials) -> None:
    """What a person should know of a test stands under its sentence."""
    trial_id = add_ab(trials)
    trials.warnings = ["Only 40 units were seen within a day."]
    trials.step(trial_id, stopped, time.time(), "the guardrail of latency was passed")
    trials.step(trial_id, promoted, "A", time.time())
    page.open()
    page.says("#trials-empty", "No test is under way.")
    open_card(page, trials, "because the guardrail of latency was passed", "det@1 was promoted")
    page.says(CARD, "Only 40 units were seen within a day.")
    page.says(CARD, "det@1 serves now")
    assert page.texts(f"{CARD} .trial > .actions button:not([hidden])") == ["Promote another"]


def test_ended_test_tells_nothing_of_what_is_still_to_come(page: Page, trials: LiveTrials) -> None:
    """Its verdict is final, and no more units are waited for."""
    trial_id = add_ab(trials, metrics=("confidence",))
    trials.saw(trial_id, epoch(0, 6_000, 0.25))
    text = open_card(page, trials, "No sure difference yet: ", "How much longer", "when it ends, det@1 serves")
    assert "more units" in text or "enough units" in text
    trials.step(trial_id, stopped, time.time())
    text = page.says(CARD, "Stopped", "No sure difference found: ", "Split of the units", "det@1 serves now")
    assert not any(part in text for part in ("yet", "How much longer", "more units", "enough units"))


def test_rate_without_events_is_not_drawn(page: Page, trials: LiveTrials) -> None:
    """Nothing is known of it but that none was seen."""
    trial_id = add_ab(trials, metrics=("error_rate", "confidence"))
    trials.saw(trial_id, epoch(0, 6_000, 0.25))
    open_card(page, trials, "No difference so far, not bounded yet", "no events yet")
    assert page.texts(".difference .drawn")[0] == ""
    assert page.count(".difference:first-child svg") == 0
    assert page.count(f"{CARD} svg.interval") == 1


def test_images_that_all_shadow_tests_kept_are_not_called_one_tests(page: Page, trials: LiveTrials) -> None:
    """The count is of the sidecar."""
    trials.reports[trials.add(ShadowDefinition("Copy", "det", "B")).trial_id] = pair_report(30)
    open_card(page, trials, "% agree")
    script = """const done = arguments[arguments.length - 1];
      import("/static/any/experiments/shadow_results.js").then(({ shadowParts }) => {
        const results = { limitations: [], counts: {}, skipped: {}, latency: {}, flips: [], classes: [] };
        const part = shadowParts(results, { disagreement: 235 }).find(({ name }) => name === "left out");
        done(part.data);
      })"""
    (line,) = page.driver.execute_async_script(script)
    assert line == "Kept for review by all shadow tests since the sidecar's start, as both disagree: 235 images."


def test_results_that_cannot_be_read_are_said_in_their_card(
    page: Page, trials: LiveTrials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list stays, and so does what was read before."""

    async def broken(*_: object) -> Any:
        raise StoreError("io", "the disk is gone")

    add_ab(trials)
    monkeypatch.setattr(trials, "results", broken)
    open_card(page, trials, "The results could not be read just now", "Canary")
    assert not page.is_visible("#experiment-fault")
    monkeypatch.undo()
    page.says(CARD, "B is better")
    assert "could not be read" not in page.text(CARD)


def test_refresh_keeps_what_is_open_and_the_focus(page: Page, trials: LiveTrials) -> None:
    """New figures come into the card that is there."""
    trial_id = add_ab(trials)
    open_card(page, trials, "B is better")
    page.run("document.querySelector('.trial.found').isTheSame = true")
    unfold(page, "Epochs")
    page.tab_to("Change split: Canary")
    trials.step(trial_id, ramped, (0.5,), time.time(), "by hand")
    trials.saw(trial_id, epoch(0, 6_000, 0.25, b={"latency_ms": 17.0}), epoch(1, 2_000, 0.5))
    page.says(CARD, "50 % : 50 %", "by hand", "The split changed")
    assert page.focused() == "Change split: Canary"
    assert page.run("return document.querySelector('.trial.found').isTheSame")
    assert page.count(".trial .part:not(.over-time) details[open]") == 1


def test_hostile_names_stay_text(page: Page, trials: LiveTrials) -> None:
    """Names of tests, reasons, headers and classes are anybody's."""
    trials.add(Definition(HOSTILE, HOSTILE, "A", ("B",), (0.1,), exclude=HOSTILE, notify=(HOSTILE,)))
    shadow = trials.add(ShadowDefinition(HOSTILE, "seg", "B"))
    trials.reports[shadow.trial_id] = pair_report(50, (HOSTILE, "truck", "dog"))
    trials.step(shadow.trial_id, ramped, (0.5,), time.time(), HOSTILE)
    trials.side_by_side[shadow.trial_id] = [side_of(HOSTILE)]
    for path, parts in ((PATH, [HOSTILE]), (page_of(shadow), [HOSTILE, f"{HOSTILE} → truck", "missed by the shadow"])):
        page.open(path=path)
        page.says(CARD, *parts)
        page.run(UNFOLD)
    page.says(f"{CARD} .epochs", HOSTILE)
    page.says(f"{CARD} .fates", HOSTILE)
    open_card(page, trials, HOSTILE, "Guardrails")
    page.run(UNFOLD)
    page.says(f"{CARD} .settings", f"header {HOSTILE}", HOSTILE)
    assert page.count("img[src=x]") == 0
    assert page.run("return window.pwned") is None


@pytest.mark.parametrize("width", [400, 800, 1280])
def test_section_fits_its_screen(page: Page, trials: LiveTrials, width: int) -> None:
    """Long names wrap or are scrolled in their table: the page is never wider than the screen."""
    trials.add(Definition(LONG, LONG, "A", (LONG,), (0.1,), exclude=LONG, notify=(LONG,)))
    shadow = trials.add(ShadowDefinition("Copy", "seg", "B"))
    trials.reports[shadow.trial_id] = pair_report(50, (LONG, "truck", "dog"))
    trials.side_by_side[shadow.trial_id] = [side_of(LONG)]
    found = {PATH: LONG, page_of(shadow): f"{LONG} → truck", page_of(next(iter(trials.kept.values()))): "Guardrails"}
    for path, part in found.items():
        page.open(width, path)
        page.says(CARD, part)
        page.run(UNFOLD)
        assert page.run("return document.documentElement.scrollWidth") <= width, path


def test_headings_of_a_wide_table_are_whole_on_a_narrow_screen(page: Page, trials: LiveTrials) -> None:
    """The table is scrolled within its frame, whose rows keep their names in sight."""
    trials.reports[trials.add(ShadowDefinition("Copy", "det", "B")).trial_id] = pair_report(100)
    open_card(page, trials, "3 classes, the most disputed first", width=400)
    page.run(UNFOLD)
    frame = "details.part[open] .scroll:has(tr > :nth-child(8))"
    script = """const frame = document.querySelector(arguments[0]);
      frame.scrollLeft = 10000;
      const heights = [...frame.querySelectorAll('thead th')].map((one) => one.clientHeight);
      const inside = frame.querySelector('tbody th').getBoundingClientRect().left - frame.getBoundingClientRect().left;
      return [Math.max(...heights), frame.scrollLeft > 0, inside]"""
    height, scrolled, inside = page.run(script, frame)
    assert height < 60
    assert scrolled
    assert 0 <= inside < 5


def test_without_tests_the_section_says_what_they_are(page: Page) -> None:
    """An empty section is explained."""
    page.open()
    page.says("#trials-empty", "No two versions have been compared yet.")
    assert not page.is_visible("#trials-ended-fold")
