"""How the results of a test came to be, drawn in a browser."""

from __future__ import annotations

import time

import pytest

from sidecar.experiments.definition import Definition, ShadowDefinition
from sidecar.experiments.lifecycle import ramped
from sidecar.experiments.pairs import PairSummary, pair_request
from tests.api.live import make_prediction
from tests.dashboard.browser import Page
from tests.dashboard.drawn import epoch
from tests.dashboard.live_trials import LiveTrials
from tests.dashboard.test_trials import add_ab, open_card, page_of

CHART = "#experiment .over-time"
DRAWN = """const canvas = document.querySelector('.over-time canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const found = {};
  for (let at = 0; at < data.length; at += 4) if (data[at + 3]) found[[data[at], data[at + 1], data[at + 2]]] = 1;
  return Object.keys(found).length"""
INK = """const canvas = document.querySelector('.over-time canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((value, place) => place % 4 === 3 && value > 0).length"""


def test_sequence_is_drawn_with_the_words_that_it_means(page: Page, trials: LiveTrials) -> None:
    """The last point stands in words; where it was at other times is in a table, for whoever does not see the chart."""
    trial_id = add_ab(trials)
    trials.saw(trial_id, *(epoch(number, 2_000, 0.25, b={"latency_ms": 17.0}) for number in range(6)))
    trials.step(trial_id, ramped, (0.5,), time.time() - 40_000, "by hand")
    open_card(page, trials, "Latency: the difference to control, now: ", "between", "n 9,000 and 3,000")
    page.says(CHART, "estimate", "confidence sequence", "no difference", "another split")
    page.says(CHART, "Units came as they were to be split all the time")
    page.wait(lambda: page.count(f"{CHART} canvas") and page.run(DRAWN) > 20, "a chart with its colours")
    label = page.run("return document.querySelector('.over-time-picture').getAttribute('aria-label')")
    assert "All points are in the table below" in label
    page.run("document.querySelector('.over-time details').open = true")
    rows = [" ".join(row.split()) for row in page.texts(f"{CHART} tbody tr")]
    assert len(rows) == 6
    assert "9,000 and 3,000" in rows[0]
    assert "1,500 and 500" in rows[-1]
    assert page.console_errors() == []


def test_another_metric_is_chosen_by_keyboard(page: Page, trials: LiveTrials) -> None:
    """The primary one comes first; a rate of rare events is a ratio, whose line of no difference is at 1."""
    trial_id = add_ab(trials)
    trials.saw(trial_id, epoch(0, 6_000, 0.25, a={"error_rate": 0.02}, b={"error_rate": 0.02}))
    open_card(page, trials, "Latency: the difference to control")
    assert page.texts(f"{CHART} option") == ["Latency", "Confidence", "Error rate"]
    page.tab_to("Shown over time")
    page.press("E")
    page.says(CHART, "Error rate: the new version's over control's, now:", "times, between")
    assert page.focused() == "Shown over time"


def test_units_that_came_otherwise_are_said_with_their_time(page: Page, trials: LiveTrials) -> None:
    """Once the split was off it stays said."""
    trial_id = add_ab(trials)
    found = epoch(0, 6_000, 0.4)
    trials.saw(trial_id, type(found)(found.control, found.treatments, (0.75, 0.25), 0))
    open_card(page, trials, "Units have not come as they were to be split since", "p < 0.001")


def test_nothing_is_drawn_before_there_is_something(page: Page, trials: LiveTrials) -> None:
    """It says what it waits for."""
    trials.add(Definition("New", "det", "A", ("B",), (0.1,)))
    open_card(page, trials, "Nothing to draw yet: it begins once both have answered.")
    assert page.count(f"{CHART} canvas") == 0
    assert not page.is_visible(f"{CHART} .legend")


def test_agreement_of_a_shadow_test_is_drawn(page: Page, trials: LiveTrials) -> None:
    """Rates first, then differences with their bounds."""
    trial = trials.add(ShadowDefinition("Copy", "det", "B"))
    trials.pairs[trial.trial_id] = PairSummary()
    trials.pairs[trial.trial_id].add(pair_request([make_prediction()], [make_prediction()]))
    open_card(page, trials, "Images alike, now: 100.0 % (n 1)")
    page.wait(lambda: page.count(f"{CHART} canvas"), "a chart")
    page.tab_to("Shown over time")
    page.press("L")
    page.says(CHART, "Latency: the shadow's less what serves, now: ")


@pytest.mark.parametrize("width", [400, 1280])
def test_chart_fits_its_place_after_the_screen_changed(page: Page, trials: LiveTrials, width: int) -> None:
    """It is drawn anew for the room it has."""
    trial_id = add_ab(trials)
    trials.saw(trial_id, *(epoch(number, 2_000, 0.25) for number in range(3)))
    page.open(1680 - width, page_of(trials.kept[trial_id]))
    page.says(CHART, "between")
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    widths = """return ['.over-time-picture', '.over-time canvas'].map(
      (one) => Math.round(document.querySelector(one).getBoundingClientRect().width))"""
    page.wait(lambda: len(set(page.run(widths))) == 1, "a chart as wide as its place")
    assert page.run("return document.documentElement.scrollWidth") <= width
    assert page.run(INK) > 0


def test_test_that_is_not_there_is_said(page: Page, trials: LiveTrials) -> None:
    """Also where the address is of no kind of test."""
    for path in ("/experiments/ab-tests/none", "/experiments/none/none"):
        page.open(path=path)
        page.says("#experiment-empty", "it may have been removed")
