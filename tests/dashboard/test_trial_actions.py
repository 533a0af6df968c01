"""What can be done about a test of versions, in a browser."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sidecar.api import Conflict
from sidecar.experiments.definition import Definition, ShadowDefinition
from tests.dashboard.browser import Page
from tests.dashboard.live_trials import LiveTrials
from tests.dashboard.test_trials import CARD, add_ab, open_card

PATH = "/experiments"

ENTER, ESCAPE, BACKSPACE = "\ue007", "\ue00c", "\ue003"
FIELD = "#form-dialog [data-name='{}']"


def dialog(page: Page, button: str, *parts: str) -> str:
    """Press a button by keyboard; what the dialog that opens says."""
    page.wait(lambda: is_closed(page), "the dialog before it closed")
    page.tab_to(button)
    page.press(ENTER)
    return page.says("#form-dialog", *parts)


def fill(page: Page, name: str, value: str) -> None:
    """Put a value into a field."""
    page.run("document.querySelector(arguments[0]).value = arguments[1]", FIELD.format(name), value)


def submit(page: Page) -> None:
    page.run("document.querySelector('#form-submit').click()")


def fault(page: Page, name: str) -> str:
    """What is wrong with a field, as it is told to who uses it."""
    script = """const field = document.querySelector(arguments[0]);
      const id = field.getAttribute('aria-describedby').split(' ')[0];
      return document.getElementById(id).innerText"""
    return str(page.run(script, FIELD.format(name)))


def is_closed(page: Page) -> bool:
    return not page.is_visible("#form-dialog")


def test_pause_and_resume_need_no_question(page: Page, trials: LiveTrials) -> None:
    """They can be taken back by the same place on the keyboard."""
    trial_id = add_ab(trials)
    open_card(page, trials, "Pause")
    page.tab_to("Pause: Canary")
    page.press(ENTER)
    page.says(CARD, "Paused", "100 % : 0 %")
    page.wait(lambda: page.focused() == "Resume: Canary", "the focus on what takes it back")
    page.press(ENTER)
    page.says(CARD, "Running", "75 % : 25 %")
    assert [span.reason for span in trials.kept[trial_id].epochs] == ["begun", "paused", "resumed"]


def test_stop_asks_first_and_escape_means_no(page: Page, trials: LiveTrials) -> None:
    """What can't be undone says so; with Enter it is done, and the focus stays with the test."""
    trial_id = add_ab(trials)
    open_card(page, trials, "Stop")
    dialog(page, "Stop: Canary", "Stop Canary?", "det@1 serves all traffic of det.", "It can't be undone")
    page.press(ESCAPE)
    page.wait(lambda: is_closed(page), "the dialog closed")
    assert trials.kept[trial_id].status == "running"
    assert page.focused() == "Stop: Canary"
    dialog(page, "Stop: Canary", "Stop Canary?")
    page.press(*"too slow", ENTER)
    page.says(CARD, "Stopped", "because too slow")
    assert (trials.kept[trial_id].status, trials.kept[trial_id].reason) == ("stopped", "too slow")
    page.wait(lambda: page.focused() == "Promote: Canary", "the focus on what is left to do")


def test_conclude_keeps_the_decision_and_its_note(page: Page, trials: LiveTrials) -> None:
    """The winner so far is offered."""
    trial_id = add_ab(trials)
    open_card(page, trials, "det@2 is better")
    dialog(page, "Conclude: Canary", "From then on det@1 serves all traffic", "until another version is promoted")
    assert page.run("return document.querySelector(arguments[0]).value", FIELD.format("winner")) == "B"
    fill(page, "note", "It is faster.")
    submit(page)
    page.wait(lambda: trials.kept[trial_id].status == "concluded", "the test concluded")
    assert (trials.kept[trial_id].decision, trials.kept[trial_id].note) == ("B", "It is faster.")
    page.says(CARD, "decided for det@2: It is faster.", "det@1 serves now")


def test_promote_offers_every_version_and_says_what_follows(page: Page, trials: LiveTrials) -> None:
    """Control too: then nothing changes but that it is settled. What is promoted and serves is not offered again."""
    trial_id = add_ab(trials)
    open_card(page, trials, "det@2 is better")
    dialog(page, "Promote: Canary", "until another version is promoted", "The test ends with that")
    assert "undone" not in page.text("#form-dialog")
    assert page.texts(f"{FIELD.format('variant')} option") == ["det@1", "det@2"]
    submit(page)
    page.wait(lambda: trials.kept[trial_id].promoted == "B", "det@2 promoted")
    page.says(CARD, "det@2 was promoted", "det@2 serves now")
    dialog(page, "Promote another: Canary", "at present det@2 serves")
    assert page.texts(f"{FIELD.format('variant')} option") == ["det@1"]


def test_shadow_version_is_promoted(page: Page, trials: LiveTrials) -> None:
    """There is one to promote, and nothing to conclude."""
    trial = trials.add(ShadowDefinition("Copy", "det", "B"))
    open_card(page, trials, "Promote")
    assert not page.is_visible("button[aria-label='Conclude: Copy']")
    dialog(page, "Promote: Copy", "Promote det@2?")
    submit(page)
    page.wait(lambda: trials.kept[trial.trial_id].promoted == "B", "det@2 promoted")
    page.says(CARD, "det@2 serves now")
    assert page.texts(f"{CARD} .trial:first-child > .actions button:not([hidden])") == []


def test_split_is_changed_and_what_is_wrong_is_said_at_its_field(page: Page, trials: LiveTrials) -> None:
    """The dialog stays until it is right."""
    trial_id = add_ab(trials)
    open_card(page, trials, "Change split")
    dialog(page, "Change split: Canary", "A new epoch begins", "Share of det@2")
    page.press(*([BACKSPACE] * 4), *"1.5", ENTER)
    page.wait(lambda: fault(page, "B"), "a fault")
    assert "expected over 0 and under 1" in fault(page, "B")
    assert page.run("return document.activeElement.getAttribute('aria-invalid')") == "true"
    fill(page, "B", "0.5")
    submit(page)
    page.says(CARD, "50 % : 50 %")
    assert trials.kept[trial_id].epoch.shares == (0.5,)


def test_split_of_several_treatments_has_a_field_for_each(page: Page, trials: LiveTrials) -> None:
    """What is wrong with all of them together is said beside the button."""
    trial = trials.add(Definition("Three", "det", "A", ("B", "C"), (0.2, 0.1)))
    open_card(page, trials, "Change split")
    dialog(page, "Change split: Three", "Share of det@2", "Share of det@3")
    fill(page, "C", "0.9")
    submit(page)
    page.says("#form-fault", "the treatments' shares come to 1.1")
    fill(page, "C", "0.3")
    submit(page)
    page.wait(lambda: trials.kept[trial.trial_id].epoch.shares == (0.2, 0.3), "the new split")


def test_refused_action_is_explained_beside_its_button(
    page: Page, trials: LiveTrials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the API says comes in words, and can be tried again."""

    async def refuse(*_: object) -> Any:
        raise Conflict("status", "the test has just ended")

    add_ab(trials)
    monkeypatch.setattr(trials, "pause", refuse)
    open_card(page, trials, "Pause")
    page.tab_to("Pause: Canary")
    page.press(ENTER)
    page.says(f"{CARD} .trial > .actions [role=alert]", "Pause failed: status: the test has just ended")
    monkeypatch.undo()
    page.press(ENTER)
    page.says(CARD, "Paused")
    assert not page.is_visible(f"{CARD} .trial > .actions [role=alert]")


def test_ab_test_is_begun_by_the_form(page: Page, trials: LiveTrials) -> None:
    """Every fault at its field, those in the fold too; when all is right its page opens."""
    page.open()
    page.says("#trials-empty", "No two versions")
    dialog(page, "New A/B test", "Model B, treatment", "latency: ")
    submit(page)
    page.wait(lambda: fault(page, "name") == "is needed", "what is missing")
    for name, value in {
        "name": "Canary",
        "model_a_id": "det@1",
        "model_b_id": "det@9",
        "traffic_split": "10 %",
    }.items():
        fill(page, name, value)
    fill(page, "guardrails", "latenzy 1.1")
    submit(page)
    page.wait(lambda: "'det@9'" in fault(page, "model_b_id"), "the fault of a model")
    assert "is no number, expected over 0 and under 1" in fault(page, "traffic_split")
    assert "'latenzy' is not one of" in fault(page, "guardrails")
    assert fault(page, "name") == ""
    for name, value in {
        "model_b_id": "det@2", "traffic_split": "0.1", "guardrails": "latency 1.2\nerror_rate 2 0.01",
        "primary": "latency", "unit": "header:X-Camera", "duration_days": "", "exclude": "X-Internal",
        "failover": "no",
    }.items():  # fmt: skip
        fill(page, name, value)
    submit(page)
    page.says(CARD, "Running", "Canary", "90 % : 10 %", "No traffic yet.", "until it is stopped")
    (trial,) = trials.kept.values()
    asked = trial.definition
    assert isinstance(asked, Definition)
    assert (asked.control, asked.treatments, asked.shares) == ("A", ("B",), (0.1,))
    assert asked.metrics == ("latency", "feedback_score")
    assert (asked.unit, asked.exclude, asked.duration_days) == ("header:x-camera", "x-internal", None)
    assert not asked.failover
    assert [(item.metric, item.margin, item.floor) for item in asked.guardrails] == [
        ("latency", 1.2, 0.0),
        ("error_rate", 2.0, 0.01),
    ]
    assert page.run("return location.pathname") == "/experiments/ab-tests/canary"


def test_ramp_takes_the_place_of_the_split(page: Page, trials: LiveTrials) -> None:
    """It begins with its first share; further models share it."""
    page.open()
    page.says("#trials-empty", "No two versions")
    dialog(page, "New A/B test", "Model B, treatment")
    for name, value in {
        "name": "Slowly", "model_a_id": "det@1", "model_b_id": "det@2", "ramp": "0.02, 0.1, 0.5", "treatments": "det@3",
        "notify": "email:team@company.com, slack:#ml",
    }.items():  # fmt: skip
        fill(page, name, value)
    submit(page)
    page.says(CARD, "98 % : 1 % : 1 %", "next step 10 %")
    (trial,) = trials.kept.values()
    assert isinstance(trial.definition, Definition)
    assert trial.definition.notify == ("email:team@company.com", "slack:#ml")


def test_primary_metric_is_no_further_one(page: Page) -> None:
    """It goes from the list while it is the primary one, and keeps its tick."""
    page.open()
    page.says("#trials-empty", "No two versions")
    dialog(page, "New A/B test", "Primary metric")
    shown = f"{FIELD.format('metrics')} label:not([hidden])"
    ticked = "return [...document.querySelectorAll(arguments[0])].filter((one) => one.checked).map((one) => one.value)"
    assert page.run(ticked, f"{shown} input") == ["latency", "feedback_score"]
    fill(page, "primary", "latency")
    page.run("document.querySelector(arguments[0]).dispatchEvent(new Event('change'))", FIELD.format("primary"))
    assert page.run(ticked, f"{shown} input") == ["confidence", "feedback_score"]


@pytest.mark.parametrize("width", [400, 1280])
def test_fault_of_no_field_is_seen_wherever_the_form_is_scrolled_to(
    page: Page, trials: LiveTrials, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    """It stands beside the button, and both stay in sight."""

    async def refuse(**_: object) -> Any:
        raise Conflict("", "the store is full")

    monkeypatch.setattr(trials, "create_ab_test", refuse)
    page.open(width)
    page.says("#trials-empty", "No two versions")
    dialog(page, "New A/B test", "Model B, treatment")
    page.run("document.querySelector('#form-dialog details').open = true")
    for name, value in {"name": "Canary", "model_a_id": "det@1", "model_b_id": "det@2"}.items():
        fill(page, name, value)
    submit(page)
    page.says("#form-fault", "the store is full")
    for place in (0, 10_000):
        page.run("document.querySelector('#form-dialog').scrollTop = arguments[0]", place)
        box = page.run("return document.querySelector('#form-fault').getBoundingClientRect().toJSON()")
        assert 0 < box["top"] < box["bottom"] < page.run("return window.innerHeight")
    assert page.run("const one = document.querySelector('#form-dialog'); return one.scrollWidth <= one.clientWidth")


def test_shadow_test_is_begun_by_the_form_and_keeps_what_was_filled_in(page: Page, trials: LiveTrials) -> None:
    """Also where another test is on the same traffic."""
    first = add_ab(trials)
    page.open()
    page.says("#trials-count", "1 running")
    dialog(page, "New shadow test", "what clients get does not change")
    for name, value in {"name": "Copy", "model_id": "det", "shadow_model_id": "det@2", "share": "0.5"}.items():
        fill(page, name, value)
    submit(page)
    page.says("#form-dialog", "'canary' is running on 'det': stop it first")
    del trials.kept[first]
    submit(page)
    page.says(CARD, "Copy", "50 %", "Nothing to compare yet")
    (trial,) = trials.kept.values()
    assert isinstance(trial.definition, ShadowDefinition)
    assert (trial.definition.share, trial.definition.duration_days) == (0.5, 7.0)
    assert trial.created_at <= time.time()


def test_form_suggests_the_models_that_were_seen(page: Page, trials: LiveTrials) -> None:
    """A model that is recorded is there to be chosen, and so are those of tests."""
    add_ab(trials)
    page.open()
    page.says("#trials", "Canary")
    dialog(page, "New shadow test", "Model that serves")
    script = "return [...document.querySelector(arguments[0]).list.options].map((one) => one.value)"
    assert page.run(script, FIELD.format("model_id")) == ["det@1", "det@2"]
    page.tab_to("Shadow version: to try: det@2")
    page.press(ENTER)
    assert page.run("return document.querySelector(arguments[0]).value", FIELD.format("shadow_model_id")) == "det@2"
    page.run("document.querySelector('#form-cancel').click()")
    page.wait(lambda: is_closed(page), "the dialog closed")
    assert page.focused() == "New shadow test"
