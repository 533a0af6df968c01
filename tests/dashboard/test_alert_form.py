"""Alerts that are made, changed, tried, switched off and deleted in a browser, with a look at their past."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.api.live import LiveControl
from tests.api.live_watch import LiveWatch
from tests.dashboard.browser import Page
from tests.dashboard.conftest import HOSTILE, add_alert

PATH = "/alerts"

ENTER = "\ue007"
FIELD = "#form-dialog [data-name='{}']"


def click(page: Page, selector: str) -> None:
    page.run("document.querySelector(arguments[0]).click()", selector)


def type_in(page: Page, name: str, value: str) -> None:
    """Set a field of the form as a person would, in one go."""
    script = """const field = document.querySelector(arguments[0]);
      field.value = arguments[1];
      field.dispatchEvent(new Event("input", { bubbles: true }));"""
    page.run(script, FIELD.format(name), value)


def open_form(page: Page) -> None:
    page.open()
    page.wait(lambda: page.text("#state") not in ("", "Loading…"), "the first answers")
    click(page, "#alerts-new")
    page.wait(lambda: page.is_visible(FIELD.format("name")), "the form")


def fault_at(page: Page, name: str) -> str:
    """What is said to be wrong at a field."""
    script = "return document.querySelector(arguments[0]).closest('.field').querySelector('.refused').textContent"
    return str(page.run(script, FIELD.format(name)))


def unfold(page: Page, name: str) -> None:
    click(page, f"summary[aria-label='Details: {name}']")


def test_alert_is_made_with_a_look_at_its_past(page: Page, watch: LiveWatch) -> None:
    """The preview is drawn, said and listed before anything is made; what is made is what stands in the form."""
    open_form(page)
    page.says(".preview .sentence", "Give a threshold")
    type_in(page, "threshold", "0.7")
    page.says(".preview .sentence", "Would have fired 2 times in the past week")
    assert page.count("#form-dialog .preview-chart canvas") == 1
    assert page.texts("#form-dialog .would-fire li")[0].endswith("and still, at worst 0.62")
    assert page.run("return document.querySelector('.preview-chart').getAttribute('aria-label')").startswith(
        "Would have"
    )
    type_in(page, "name", "Low confidence")
    type_in(page, "lasting", "10m")
    type_in(page, "notify", "slack:#ml\nemail:team@company.com\n")
    click(page, "#form-submit")
    page.says("#alerts-quiet", "Low confidence")
    (alert,) = watch.kept_alerts.values()
    assert alert["condition"] == {
        "metric": "avg_confidence",
        "operator": "lt",
        "threshold": 0.7,
        "window": "1h",
        "for": "10m",
    }
    assert (alert["notify"], alert["enabled"]) == (["slack:#ml", "email:team@company.com"], True)
    assert page.console_errors() == []


def test_fields_follow_the_metric(page: Page) -> None:
    """A class is asked for where the metric is of one, a sensitivity of an anomaly; the unit shows."""
    open_form(page)
    assert not page.is_visible(FIELD.format("label"))
    type_in(page, "metric", "class_share")
    assert page.is_visible(FIELD.format("label"))
    type_in(page, "threshold", "0.05")
    assert page.text("#form-dialog .unit") == "5 %"
    page.says(".preview .sentence", "Name the class")
    type_in(page, "operator", "anomaly")
    assert not page.is_visible(FIELD.format("threshold"))
    assert page.is_visible(FIELD.format("sensitivity"))
    type_in(page, "metric", "dropped")
    page.says(".preview .sentence", "There is no preview of this metric")


def test_faults_stand_at_their_fields(page: Page, watch: LiveWatch) -> None:
    """What the sidecar refuses is said where it was typed, and the form stays."""
    open_form(page)
    type_in(page, "threshold", "0.7")
    click(page, "#form-submit")
    page.wait(lambda: fault_at(page, "name") == "is needed", "the missing name")
    type_in(page, "name", "Low")
    type_in(page, "notify", "shout")
    click(page, "#form-submit")
    page.wait(lambda: "is no channel" in fault_at(page, "notify"), "the faulty channel")
    assert page.is_visible("#form-dialog")
    assert watch.kept_alerts == {}


def test_channels_that_are_configured_can_be_chosen(
    page: Page, watch: LiveWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a button each, which puts a line in or takes it out; any other can be typed. A preview that answers after
    what was refused leaves that standing."""
    notify = {"slack": {"#ml": "***", "*": "***"}, "webhooks": [{"name": "pager", "url": "host"}]}
    monkeypatch.setattr(LiveControl, "settings", lambda _: {"notify": notify})
    open_form(page)
    assert page.texts("#form-dialog .picks button[aria-pressed=false]") == ["slack:#ml", "webhook:pager"]
    page.says("#form-dialog", "any slack:#channel can be typed")
    for name in ("slack:#ml", "webhook:pager", "slack:#ml"):
        click(page, f"#form-dialog button[aria-label='Who is told: {name}']")
    assert page.texts("#form-dialog .picks button[aria-pressed=true]") == ["webhook:pager"]
    type_in(page, "threshold", "0.7")
    click(page, "#form-submit")
    page.says(".preview .sentence", "Would have fired")
    assert fault_at(page, "name") == "is needed"
    type_in(page, "name", "Low")
    assert fault_at(page, "name") == ""
    click(page, "#form-submit")
    page.wait(lambda: len(watch.kept_alerts) == 1, "the alert")
    assert [alert["notify"] for alert in watch.kept_alerts.values()] == [["webhook:pager"]]


def test_preview_that_is_refused_says_so_at_the_field(
    page: Page, watch: LiveWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is typed, what is wrong is told at once; right again, it is gone."""
    from sidecar.api import ControlError

    real = watch.preview_alert

    async def picky(**asked: Any) -> Any:
        if asked["condition"]["window"] == "7x":
            raise ControlError("condition.window", "'7x' is no length of time")
        return await real(**asked)

    monkeypatch.setattr(watch, "preview_alert", picky)
    open_form(page)
    type_in(page, "threshold", "0.7")
    type_in(page, "window", "7x")
    page.wait(lambda: "no length of time" in fault_at(page, "window"), "the fault at the window")
    page.says(".preview .sentence", "No preview: '7x' is no length of time")
    type_in(page, "window", "1h")
    page.says(".preview .sentence", "Would have fired")
    assert fault_at(page, "window") == ""


def test_threshold_moves_as_it_is_typed(page: Page) -> None:
    """The line is there before the sidecar has answered: only the firings wait for that."""
    open_form(page)
    type_in(page, "threshold", "0.7")
    page.says(".preview .sentence", "Would have fired")
    busy = page.run(
        """const field = document.querySelector("#form-dialog [data-name='threshold']");
        field.value = "0.5";
        field.dispatchEvent(new Event("input", { bubbles: true }));
        return document.querySelector(".preview").getAttribute("aria-busy");"""
    )
    assert busy == "true"
    page.wait(
        lambda: page.run("return document.querySelector('.preview').getAttribute('aria-busy')") is None, "an answer"
    )


def test_details_show_condition_channels_notifications_and_past(page: Page, watch: LiveWatch) -> None:
    """What is folded away is asked for when it is unfolded."""
    add_alert(watch, "low")
    page.open()
    page.says("#alerts-count", "1 firing")
    unfold(page, "low")
    page.says(
        "#alerts .about", "Average confidence below 0.7, over 1h", "tells email:team@company.com (not configured)"
    )
    page.says("#alerts .sent", "Sent", "Waiting", "no SMTP server is configured")
    page.says("#alerts .preview", "Would have fired 2 times")


def test_alert_is_changed_switched_off_tried_and_deleted(page: Page, watch: LiveWatch) -> None:
    """All that can be done about an alert, one after the other."""
    alert = add_alert(watch, "low")
    page.open()
    page.says("#alerts-count", "1 firing")
    unfold(page, "low")
    click(page, "button[aria-label='Test channels: low']")
    page.says("#alerts .about [role=status]", "email:team@company.com: no SMTP server is configured")
    click(page, "button[aria-label='Change: low']")
    page.wait(lambda: page.is_visible(FIELD.format("name")), "the form")
    assert page.run("return document.querySelector(arguments[0]).value", FIELD.format("threshold")) == "0.7"
    type_in(page, "threshold", "0.6")
    type_in(page, "name", "lower")
    click(page, "#form-submit")
    page.says("#alerts h3", "lower")
    kept = watch.kept_alerts[alert["alert_id"]]
    assert (kept["name"], kept["condition"]["threshold"], kept["model_id"]) == ("lower", 0.6, "det")
    page.wait(lambda: not page.is_visible("#form-dialog"), "the form closed")
    click(page, "button[aria-label='Switch off: lower']")
    page.wait(lambda: watch.kept_alerts[alert["alert_id"]]["enabled"] is False, "it is off")
    page.wait(lambda: page.count("button[aria-label='Switch on: lower']") == 1, "it can be switched on")
    click(page, "button[aria-label='Delete: lower']")
    page.wait(lambda: page.is_visible("#form-dialog"), "the question")
    click(page, "#form-submit")
    page.wait(lambda: watch.kept_alerts == {}, "it is gone")
    page.wait(lambda: page.focused() == "Alerts", "the focus on the heading")


def test_alert_is_silenced_for_a_length_of_ones_own(page: Page, watch: LiveWatch) -> None:
    """Lengths are offered, and any other can be typed."""
    alert = add_alert(watch, "low")
    page.open()
    page.says("#alerts-count", "1 firing")
    page.tab_to("Silence for a time: low")
    page.press(ENTER)
    page.wait(lambda: page.is_visible(FIELD.format("for")), "the question")
    assert page.texts("#form-dialog .picks button") == ["30m", "1h", "4h", "12h", "1d", "7d"]
    type_in(page, "for", "2h30m")
    click(page, "#form-submit")
    page.says("#alerts .alert", "silenced until")
    assert 8_900 < alert["silenced_until"] - time.time() <= 9_000


def test_history_is_of_one_alert_where_that_is_asked(page: Page, watch: LiveWatch) -> None:
    """The choice of an alert filters; its own button leads there; more is shown on demand."""
    for index in range(5):
        add_alert(watch, f"alert {index}")
    page.open()
    page.wait(lambda: page.count("#alerts-history > li") == 10, "ten lines")
    click(page, "#alerts-history-more")
    page.wait(lambda: page.count("#alerts-history > li") == 15, "all lines")
    assert not page.is_visible("#alerts-history-more")
    unfold(page, "alert 3")
    click(page, "button[aria-label='Its history: alert 3']")
    page.wait(lambda: page.count("#alerts-history > li") == 3, "its own lines")
    assert page.focused() == "History"
    assert all("alert 3" in text for text in page.texts("#alerts-history summary"))


def test_hostile_names_stay_text_in_the_details(page: Page, watch: LiveWatch) -> None:
    """Markup in a name, a channel or a class is shown as it was written."""
    alert = add_alert(watch, HOSTILE)
    alert["condition"] = {**alert["condition"], "metric": "class_share", "class": HOSTILE}
    page.open()
    page.says("#alerts-count", "1 firing")
    click(page, "#alerts .about summary")
    page.says("#alerts .about", HOSTILE, "Share of one class")
    assert page.count("img[src=x]") == 0
    assert page.run("return window.pwned") is None
