"""A/B tests as a person reads them in a terminal; the page of their results is show_ab_results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from sidecar.cli.show_trials import epochs_table, head_lines, is_active, lasting, lines_of_tests, notes, share_text
from sidecar.cli.tables import facts, hanging, text
from sidecar.cli.text import moment, whose

SAME_SHARE = 1e-9
"""Shares that differ by less are one: a sum of shares leaves a rounding."""
_UNITS = {"request": "requests", "client": "clients"}
Test = Mapping[str, Any]


def traffic_text(test: Test) -> str:
    """Where traffic goes while a test is active, in a few words; of one that has ended, what was promoted.

    >>> variants = [{"id": "digits@1", "variant": "A", "share": 0.9}, {"id": "digits@2", "variant": "B", "share": 0.1}]
    >>> traffic_text({"status": "running", "unit": "header:x-user", "variants": variants, "promoted": None})
    '10 % of units (by header x-user) to digits@2'
    >>> traffic_text({"status": "paused", "unit": "request", "variants": variants, "promoted": None})
    'all requests to digits@1'
    """
    control, *treatments = test["variants"]
    if not is_active(test):
        return f"{whose(test['promoted'])} promoted" if test["promoted"] else ""
    units = units_text(test["unit"])
    if test["status"] == "paused" or not any(item["share"] for item in treatments):
        return f"all {units} to {whose(control['id'])}"
    first, *more = treatments
    said = [f"{share_text(first['share'])} of {units} to {whose(first['id'])}"]
    return ", ".join(said + [f"{share_text(item['share'])} to {whose(item['id'])}" for item in more])


def units_text(unit: str) -> str:
    """
    >>> units_text("request"), units_text("header:x-user")
    ('requests', 'units (by header x-user)')
    """
    return _UNITS.get(unit) or f"units (by header {unit.removeprefix('header:')})"


def model_of(test: Test, variant: str) -> str:
    """The model that a variant serves, else the variant's name."""
    return next((whose(item["id"]) for item in test["variants"] if item["variant"] == variant), variant)


def variant_text(item: Mapping[str, Any]) -> str:
    """A variant by its model, with its own name.

    >>> variant_text({"id": "digits@1", "variant": "stable"})
    'digits@1 (stable)'
    """
    return f"{whose(item['id'])} ({item['variant']})"


def ab_tests_lines(tests: Sequence[Test], console: Console) -> None:
    """All tests, two lines each."""
    lines_of_tests(tests, [subject(test) for test in tests], console)


def subject(test: Test) -> str:
    """Which versions it is about, and with which share."""
    control, *treatments = test["variants"]
    against = ", ".join(whose(item["id"]) for item in treatments)
    split = f", {share_text(test['traffic_split'])}" if test["status"] == "running" else ""
    return f"{whose(control['id'])} against {against}{split}"


def ab_test_facts(test: Test, console: Console) -> None:
    """One test with all that was asked for, and its epochs."""
    head_lines(test, traffic_text(test), console)
    control, *treatments = test["variants"]
    first, *others = test["metrics"]
    seen = test["units_last_day"]
    days = test["duration_days"]
    facts(
        console,
        [
            ("model", "all models" if test["model"] == "*" else test["model"]),
            ("control", variant_text(control)),
            *(("treatment", variant_text(item)) for item in treatments),
            ("unit", test["unit"] + (f", {seen:,} seen in the last day" if seen is not None else "")),
            ("metrics", ", ".join([f"{first} (primary)", *others])),
            ("runs", "until it is stopped" if days is None else f"{lasting(days * 86_400)}, paused time not counted"),
            ("guardrails", _guardrails(test["guardrails"])),
            ("ramp", ramp_text(test["ramp"], test["traffic_split"])),
            ("left out", f"requests with {test['exclude']}" if test["exclude"] else ""),
            ("testers", f"choose a variant by {test['override_header']}" if test["override_header"] else ""),
            ("if one is down", "control answers for it" if test["failover"] else "its requests fail"),
            ("notifies", ", ".join(test["notify"])),
            ("alpha", f"{test['alpha']:g}, tightest at {test['plan_units']:,} units"),
            ("planned for", f"a difference of {share_text(test['effect'])}" if test["effect"] else ""),
            ("begun (UTC)", f"{moment(test['created_at'])[:16]} ({test['origin']})"),
            ("decision", decision_text(test)),
            ("promoted", _promoted(test)),
            ("serves after it" if is_active(test) else "serves now", whose(test["serving"])),
        ],
    )
    epochs_table(test, [_shares(test, epoch["shares"]) for epoch in test["epochs"]], console)
    notes(test["warnings"], console, "warning", "yellow")


def _guardrails(guardrails: Sequence[Mapping[str, Any]]) -> str:
    found = [
        f"{item['metric']} {item['margin']:g} x control's"
        + (f" or under {share_text(item['floor'])}" if item.get("floor") else "")
        for item in guardrails
    ]
    return "; ".join(found) or "none"


def ramp_text(ramp: Mapping[str, Any] | None, split: float) -> str:
    """The steps of a ramp, where it is at this ``split``, and what its next step waits for.

    >>> ramp = {"shares": [0.01, 0.5], "hours": 24, "units": 150, "next_share": 0.5, "waiting_for": "12h more"}
    >>> ramp_text(ramp, 0.01)
    '[1 %], 50 %; a step takes at least 1d and 150 units an arm; 50 % waits: 12h more'
    >>> ramp_text(ramp | {"waiting_for": ""}, 0.2)
    '1 %, 50 %; a step takes at least 1d and 150 units an arm; now 20 %; next 50 %'
    """
    if ramp is None:
        return ""
    present = [abs(share - split) < SAME_SHARE for share in ramp["shares"]]
    steps = [
        f"[{share_text(share)}]" if here else share_text(share)
        for share, here in zip(ramp["shares"], present, strict=True)
    ]
    said = [
        ", ".join(steps),
        f"a step takes at least {lasting(ramp['hours'] * 3_600)} and {ramp['units']:,} units an arm",
    ]
    said += [f"now {share_text(split)}"] if split and not any(present) else []
    if ramp["next_share"] is not None:
        following = share_text(ramp["next_share"])
        said += [f"{following} waits: {ramp['waiting_for']}" if ramp["waiting_for"] else f"next {following}"]
    return "; ".join(said)


def decision_text(test: Test) -> str:
    """What a person decided."""
    decision = test["decision"]
    if decision is None:
        return ""
    said = f"for {model_of(test, decision['winner'])}" if decision["winner"] else "for none"
    return said + (f": {decision['note']}" if decision["note"] else "")


def _promoted(test: Test) -> str:
    if not test["promoted"]:
        return ""
    return f"{whose(test['promoted'])} at {moment(test['promoted_at'])[:16]} UTC"


def _shares(test: Test, shares: Mapping[str, float]) -> str:
    control = test["variants"][0]["variant"]
    given = [f"{name} {share_text(share)}" for name, share in shares.items() if name != control and share]
    return ", ".join(given) or "none"


def metrics_lines(metrics: Sequence[Mapping[str, Any]], console: Console) -> None:
    """What a test can be about: its name, kind and direction, and below it what it is."""
    names = max(len(item["metric"]) for item in metrics)
    for item in metrics:
        head = text(f"{item['metric']:{names}}  ", "bold")
        unit = f", {item['unit']}" if item["unit"] != item["metric"] else ""
        direction = item["direction"] if "better" in item["direction"] else "neither side is better by itself"
        hanging(console, text(f"{direction}{unit}", "dim"), len(head), head)
        hanging(console, text(item["description"]), 2)
