"""The section of alerts, in a browser."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sidecar.api import Conflict
from tests.api.live_watch import LiveWatch
from tests.dashboard.browser import Page
from tests.dashboard.conftest import HOSTILE, add_alert

PATH = "/alerts"

ENTER, ESCAPE, SPACE = "\ue007", "\ue00c", " "


def test_firing_alerts_come_first_and_inactive_ones_are_folded(page: Page, watch: LiveWatch) -> None:
    """Who opens the page sees what needs someone, with its state in a word; the rest is a count."""
    for state in ("inactive", "resolved", "pending", "firing"):
        add_alert(watch, f"is {state}", state)
    add_alert(watch, "is off", "pending", enabled=False)
    page.open()
    page.says("#alerts-count", "1 firing, 1 pending, 1 resolved")
    assert [text.split("\n")[:2] for text in page.texts("#alerts h3")] == [
        ["Firing", "is firing"],
        ["Pending", "is pending"],
        ["Resolved", "is resolved"],
    ]
    assert page.text("#alerts-quiet-count") == "2 inactive alerts"
    assert not page.is_visible("#alerts-quiet h3")
    assert page.says("#state", "1 alert firing")


def test_alert_says_what_is_known_of_it(page: Page, watch: LiveWatch) -> None:
    """The sentence, the value and what it rests on, who took note, and what keeps notices from going out."""
    until = time.time() + 1800
    add_alert(watch, "low", acknowledged_by="Ada", acknowledged_at=time.time(), silenced_until=until, flapping=True)
    page.open()
    text = page.says(
        "#alerts .alert",
        "avg_confidence of det was 0.62 over 1h",
        "det",
        "value 0.62, from 412 images",
        "acknowledged by Ada",
        "silenced until",
        "flapping",
        "email:team@company.com is not configured: no SMTP server is configured: set notify.smtp.host",
    )
    assert "slack" not in text
    assert not page.is_visible("button[aria-label='Acknowledge: low']")
    assert page.is_visible("button[aria-label='End silence: low']")


def test_alert_is_acknowledged_by_keyboard(page: Page, watch: LiveWatch) -> None:
    """Tab, Enter, a name the first time, Enter; the focus stays at the alert, and the name is remembered."""
    first, second = add_alert(watch, "first", since=2e9), add_alert(watch, "second", since=1e9)
    page.open()
    page.says("#alerts-count", "2 firing")
    page.tab_to("Acknowledge: first")
    page.press(ENTER)
    page.wait(lambda: page.is_visible("#name-dialog"), "the question for the name")
    page.press(*"Ada", ENTER)
    page.says("#alerts .alert", "acknowledged by Ada")
    assert first["acknowledged_by"] == "Ada"
    assert page.focused() == "Silence 1 h: first"
    page.tab_to("Acknowledge: second")
    page.press(SPACE)
    page.wait(lambda: second["acknowledged_by"] == "Ada", "the second one acknowledged without a question")
    page.open()
    page.says("#acting", "Ada")
    assert page.console_errors() == []


def test_leaving_the_question_for_a_name_acknowledges_nothing(page: Page, watch: LiveWatch) -> None:
    """Escape means no."""
    alert = add_alert(watch, "low")
    page.open()
    page.says("#alerts-count", "1 firing")
    page.tab_to("Acknowledge: low")
    page.press(ENTER)
    page.wait(lambda: page.is_visible("#name-dialog"), "the question for the name")
    page.press(*"Eve", ESCAPE)
    page.wait(lambda: not page.is_visible("#name-dialog"), "the dialog closed")
    assert alert["acknowledged_by"] is None
    assert page.focused() == "Acknowledge: low"
    assert not page.is_visible("#acting")


def test_alert_is_silenced_for_an_hour_and_back(page: Page, watch: LiveWatch) -> None:
    """Two presses of the same place on the keyboard: silence, and its end."""
    alert = add_alert(watch, "low")
    page.open()
    page.says("#alerts-count", "1 firing")
    page.tab_to("Silence 1 h: low")
    page.press(ENTER)
    page.says("#alerts .alert", "silenced until")
    assert 3500 < alert["silenced_until"] - time.time() <= 3600
    page.wait(lambda: page.focused() == "End silence: low", "the focus on the end of the silence")
    page.press(ENTER)
    page.wait(lambda: alert["silenced_until"] is None, "the end of the silence")
    page.wait(lambda: page.focused() == "Silence 1 h: low", "the focus on what can be done next")


def test_refused_action_is_explained_beside_its_button(
    page: Page, watch: LiveWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the API says comes in words, and the alert can be tried again."""

    async def refuse(alert_id: str, until: float | None, by: str) -> Any:
        raise Conflict("alert_id", "the alert is being changed by somebody else")

    monkeypatch.setattr(watch, "silence_alert", refuse)
    add_alert(watch, "low")
    page.open()
    page.says("#alerts-count", "1 firing")
    page.tab_to("Silence 1 h: low")
    page.press(ENTER)
    page.says("#alerts .actions [role=alert]", "Silence 1 h failed: the alert is being changed by somebody else")
    monkeypatch.undo()
    page.press(ENTER)
    page.says("#alerts .alert", "silenced until")
    assert not page.is_visible("#alerts .actions [role=alert]")


def test_refresh_keeps_focus_and_what_is_folded_open(page: Page, watch: LiveWatch) -> None:
    """New figures come into the elements that are there; an alert that newly fires takes no focus away."""
    alert = add_alert(watch, "low", since=1e9)
    add_alert(watch, "calm", "inactive")
    page.open()
    page.says("#alerts-count", "1 firing")
    page.run("for (const name of ['quiet', 'history']) document.querySelector(`#alerts-${name}-fold`).open = true")
    page.run("document.querySelector('#alerts-history details').open = true")
    page.run("document.querySelector('#alerts .alert').isTheSame = true")
    page.tab_to("Silence 1 h: low")
    alert["sentence"] = "now it was 0.5"
    add_alert(watch, "newer", since=2e9)
    page.says("#alerts .alert:nth-child(2)", "now it was 0.5")
    assert page.focused() == "Silence 1 h: low"
    assert page.run("return document.querySelector('#alerts .alert:nth-child(2)').isTheSame")
    assert page.is_visible("#alerts-quiet .alert")
    # the history has new lines on top: the one that was unfolded still is
    assert page.count("#alerts-history details[open]") == 1


def test_focus_stays_in_the_section_when_its_alert_is_folded_away(page: Page, watch: LiveWatch) -> None:
    """An alert that becomes inactive under the hands doesn't throw a person back to the top of the page."""
    alert = add_alert(watch, "low")
    page.open()
    page.says("#alerts-count", "1 firing")
    page.tab_to("Silence 1 h: low")
    alert["state"] = "inactive"
    page.says("#alerts-empty", "All quiet")
    page.wait(lambda: page.focused() == "Alerts", "the focus on the heading")


def test_history_shows_the_last_ten_changes(page: Page, watch: LiveWatch) -> None:
    """Each change is a line with time and new state; what was said of it unfolds."""
    for index in range(5):
        add_alert(watch, f"alert {index}")
    page.open()
    page.wait(lambda: page.count("#alerts-history > li") == 10, "ten lines")
    assert "Resolved" in page.texts("#alerts-history summary")[0]
    assert "alert 0" in page.texts("#alerts-history summary")[0]
    page.run("document.querySelector('#alerts-history summary').click()")
    page.says("#alerts-history p", "avg_confidence of det was 0.62 over 1h")


def test_hostile_names_stay_text(page: Page, watch: LiveWatch) -> None:
    """Markup in a name is shown as it was written."""
    add_alert(watch, HOSTILE, model_id=HOSTILE, slice=HOSTILE, sentence=HOSTILE, acknowledged_by=HOSTILE)
    page.open()
    assert page.says("#alerts .alert", HOSTILE).count(HOSTILE) == 5
    page.says("#alerts-history", HOSTILE)
    assert page.count("img[src=x]") == 0
    assert page.run("return window.pwned") is None


def test_without_alerts_the_section_says_how_they_come(page: Page) -> None:
    """An empty section is explained."""
    page.open()
    page.says("#alerts-empty", "There are no alerts yet")
    assert not page.is_visible("#alerts-quiet-fold")
    assert not page.is_visible("#alerts-history-fold")


def test_link_of_a_notice_leads_to_its_alert(page: Page, watch: LiveWatch) -> None:
    """Also to one that is quiet by now, which is folded away."""
    add_alert(watch, "loud")
    quiet = add_alert(watch, "quiet now", "inactive")
    page.open(path=f"/alerts?alert={quiet['alert_id']}")
    page.wait(lambda: page.is_visible("#alerts-quiet .alert"), "the fold opened")
    assert "quiet now" in page.run("return document.activeElement.textContent")
