"""Periods compared, checks over time, and baselines frozen and deleted, in a browser."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.live_watch import LiveWatch
from tests.dashboard.browser import Page
from tests.dashboard.conftest import HOSTILE, add_baseline

PATH = "/drift"
LINK = "/drift?model_id=det%401&reference_period=default&current_period=24h"
FIELD = "#form-dialog [data-name='{}']"


def click(page: Page, selector: str) -> None:
    page.run("document.querySelector(arguments[0]).click()", selector)


def compared(page: Page, path: str = LINK) -> None:
    page.open(path=path)
    page.says("#comparison", "Significant drift")


def test_link_to_a_comparison_draws_it(page: Page, watch: LiveWatch) -> None:
    """What stands in the address is asked for, with its distributions; both sides and the findings show."""
    add_baseline(watch)
    compared(page)
    assert watch.asked[-1] == {"source": "auto", "slice": "", "by_slice": False, "distributions": True}
    page.says("#comparison", "Drift", "bicycle went from 7 % to 19 %", "Reference", "20,100", "Current", "18,700")
    page.says("#comparison", "Scores", "Classes that moved", "New classes", "Input was not compared")
    assert page.texts(".distribution figcaption strong") == [
        "Class mix",
        "Confidence",
        "Detections per image",
        "Image width",
    ]
    assert page.run("return document.querySelector('#compare').elements.current_period.value") == "24h"
    click(page, ".slices button")
    page.says(".slices", "2 of 2 slices drifted", "cam-1", "cam-2", "bicycle went from 7 % to 19 %")
    assert watch.asked[-1] == {"source": "auto", "slice": "", "by_slice": True, "distributions": False}
    assert page.texts(".slices a") == ["Draw", "Draw"]
    assert page.focused() == "Each slice by itself"
    assert page.console_errors() == []


def test_distributions_have_axes_with_numbers_and_units(page: Page, watch: LiveWatch) -> None:
    """Bars of the reference, a line of the current period; ticks, a unit, and the same in words for those who can't
    see it."""
    add_baseline(watch)
    compared(page)
    texts = page.run(
        "return [...document.querySelectorAll('.distribution > svg')].map("
        "(one) => [...one.querySelectorAll('text')].map((text) => text.textContent))"
    )
    confidence, counts, width = texts
    assert {"0 %", "30 %", "60 %", "0", "0.25", "0.5", "0.75", "1"} <= set(confidence)
    assert confidence[-1] == "score of a detection (bars: per cent of detections)"
    assert {"0", "1", "2", "3+"} <= set(counts)
    assert width[-1] == "pixels (bars: per cent of probed images)"
    label = page.run("return document.querySelector('.distribution > svg').getAttribute('aria-label')")
    assert "most of the reference at 0.75 to 1 (60 %), of the current period at" in label
    assert page.run("return document.querySelectorAll('.distribution > svg rect.reference').length") == 3 + 3 + 1


def test_form_asks_and_puts_the_question_into_the_address(page: Page, watch: LiveWatch) -> None:
    """A quick choice compares at once; going back compares what was before."""
    add_baseline(watch)
    page.open()
    page.wait(lambda: page.is_visible("#compare"), "the form")
    click(page, "#compare-quick button")
    page.says("#comparison", "Significant drift")
    assert "reference_period=default&current_period=24h" in page.driver.current_url
    assert page.focused() == "Compare two periods"
    page.run("document.querySelector('#compare').elements.current_period.value = '7d'")
    click(page, "#compare-submit")
    page.wait(lambda: "current_period=7d" in page.driver.current_url, "the new address")
    page.driver.back()
    page.wait(
        lambda: page.run("return document.querySelector('#compare').elements.current_period.value") == "24h",
        "the old one",
    )


def test_fault_of_a_period_stands_at_its_field(page: Page, watch: LiveWatch) -> None:
    """What the sidecar can't compare is said where it was typed."""
    add_baseline(watch)
    page.open()
    page.wait(lambda: page.is_visible("#compare"), "the form")
    page.run("document.querySelector('#compare').elements.reference_period.value = 'once'")
    click(page, "#compare-submit")
    page.says("#compare-reference_period-fault", "'once' is neither a period nor a baseline")
    page.says("#comparison-empty", "Nothing was compared.")
    page.run("document.querySelector('#compare').elements.reference_period.value = ''")
    click(page, "#compare-submit")
    page.says("#compare-reference_period-fault", "is needed")


def test_model_without_a_baseline_says_so_at_a_quick_choice(page: Page) -> None:
    """Nothing to hold against: the fault is at the reference, and nothing is asked."""
    page.open()
    page.wait(lambda: page.is_visible("#compare"), "the form")
    click(page, "#compare-quick button")
    page.says("#compare-reference_period-fault", "has no baseline yet")


def test_check_of_a_card_is_drawn_on_demand(page: Page, watch: LiveWatch) -> None:
    """The latest check has no distributions: its link asks for the same comparison, without leaving the page."""
    add_baseline(watch)
    page.open()
    page.says("#drift .card", "Draw its distributions")
    page.run("window.isTheSame = true")
    page.run("[...document.querySelectorAll('#drift .card a')].find((a) => a.textContent.startsWith('Draw')).click()")
    page.says("#comparison", "Significant drift")
    assert page.run("return window.isTheSame")


def test_checks_stand_in_a_table_and_from_two_on_in_a_chart(
    page: Page, watch: LiveWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each check has its window, verdict and scores."""
    add_baseline(watch)
    asked = watch.drift_checks

    async def twice(**arguments: Any) -> dict[str, Any]:
        found = dict(await asked(**(arguments | {"slice": ""})))
        (one,) = found["items"]
        found["items"] = [
            {**one, "until": one["until"] + 86_400 * n, "checked_at": one["checked_at"] + n} for n in (1, 0)
        ]
        return found

    monkeypatch.setattr(watch, "drift_checks", twice)
    page.open()
    page.wait(lambda: page.count("#checks-rows tr") == 2, "two checks")
    assert "Drift" in page.texts("#checks-rows tr")[0]
    assert page.count("#checks-chart canvas") == 1
    assert page.texts("#checks-key .series-key")[0] == "Class mix"


def test_baseline_is_frozen_exported_and_deleted(page: Page, watch: LiveWatch) -> None:
    """By a form, by a link, and after a question."""
    page.open()
    page.says("#baselines-empty", "Nothing is frozen yet")
    click(page, "#baseline-new")
    page.wait(lambda: page.is_visible(FIELD.format("period")), "the form")
    page.run("document.querySelector(arguments[0]).value = '1999-01-01:1999-01-31'", FIELD.format("period"))
    click(page, "#form-submit")
    page.wait(lambda: "holds no predictions" in page.text("#form-dialog"), "the fault at the period")
    page.run("document.querySelector(arguments[0]).value = '7d'", FIELD.format("period"))
    click(page, "#form-submit")
    page.says("#baselines", "default", "det@1", "20,100 images")
    page.wait(lambda: not page.is_visible("#form-dialog"), "the form closed")
    exported = page.run("return fetch(document.querySelector('#baselines a').href).then((answer) => answer.json())")
    assert exported["name"] == "default"
    click(page, "#baselines button")
    page.wait(lambda: page.is_visible("#form-dialog"), "the question")
    click(page, "#form-submit")
    page.wait(lambda: watch.kept_baselines == {}, "it is gone")
    page.says("#baselines-empty", "Nothing is frozen yet")


def test_hostile_names_stay_text_in_a_comparison(page: Page, watch: LiveWatch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of classes are anybody's, in drawings too."""
    add_baseline(watch)
    real = watch.check_drift

    async def hostile(*asked: Any, **more: Any) -> dict[str, Any]:
        report = dict(await real(*asked, **more))
        report["distributions"] = {
            "class": {"names": [HOSTILE], "reference": [1.0], "current": [1.0]},
        }
        return report

    monkeypatch.setattr(watch, "check_drift", hostile)
    compared(page)
    page.says(".distribution", HOSTILE)
    assert page.count("img[src=x]") == 0
    assert page.run("return window.pwned") is None
