"""Alerts as a person reads them in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from sidecar.cli.tables import facts, hanging, row, table, text
from sidecar.cli.text import figure, moment, percent, short, whose

_STYLES = {"firing": "bold red", "pending": "yellow", "resolved": "green", "inactive": "dim"}
_SIGNS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
INDENT = 2
"""Of the lines below a head line."""
Alert = Mapping[str, Any]


def condition_text(condition: Mapping[str, Any]) -> str:
    """A condition in a few words.

    >>> condition_text({"metric": "avg_confidence", "operator": "lt", "threshold": 0.7, "window": "1h", "for": "5m"})
    'avg_confidence < 0.7 over 1h for 5m'
    >>> condition_text({"metric": "class_share", "class": "cat", "operator": "gt", "threshold": 1.5, "window": "1d",
    ...     "compare": "baseline_ratio"})
    'class_share of cat > 1.5 x baseline over 1d'
    """
    known = {key: condition.get(key) for key in ("metric", "operator", "window", "for", "class")}
    bound = condition.get("threshold")
    edge = f"{bound:g}" if isinstance(bound, int | float) else f"{bound}"
    subject = f"{known['metric']} of {known['class']}" if known["class"] else f"{known['metric']}"
    if known["operator"] == "anomaly":
        sensitivity = condition.get("sensitivity")
        judged = f"{subject} unusual" + (f" (sensitivity {sensitivity})" if sensitivity is not None else "")
    else:
        threshold = {
            "baseline_ratio": f"{edge} x baseline",
            "baseline_difference": f"baseline + {edge}",
        }.get(str(condition.get("compare", "value")), edge)
        judged = f"{subject} {_SIGNS.get(str(known['operator']), known['operator'])} {threshold}"
    return judged + "".join(f" {word} {known[key]}" for word, key in (("over", "window"), ("for", "for")) if known[key])


def _state(alert: Alert) -> Text:
    words = [alert["state"] if alert["enabled"] else "disabled"]
    words += ["flapping"] if alert["flapping"] else []
    words += ["acknowledged"] if alert["acknowledged_at"] else []
    words += ["silenced"] if alert["silenced_until"] else []
    return text(", ".join(words), _STYLES.get(alert["state"], "") if alert["enabled"] else "dim")


def alerts_table(alerts: Sequence[Alert], console: Console) -> None:
    """All alerts, two lines each, those that fire first; what is too long for its line ends in an ellipsis."""
    urgency = {state: place for place, state in enumerate(_STYLES)}
    states = max(len(_state(alert)) for alert in alerts)
    values = max(len(figure(alert["value"])) for alert in alerts)
    for alert in sorted(alerts, key=lambda alert: (urgency.get(alert["state"], len(urgency)), alert["model_id"])):
        state = _state(alert)
        state.pad_right(states + 2 - len(state))
        facts_of_it = text(f"{figure(alert['value']):>{values}}  {short(alert['alert_id'])}  ")
        _one_line(Text.assemble(state, facts_of_it, _name(alert)), console)
        since = "" if alert["since"] is None else f", since {moment(alert['since'])[:16]} UTC"
        _one_line(Text.assemble(" " * INDENT, text(condition_text(alert["condition"]) + since, "dim")), console)


def _one_line(line: Text, console: Console) -> None:
    console.print(line, no_wrap=True, overflow="ellipsis")


def _name(alert: Alert) -> Text:
    return text(f"{whose(alert['model_id'], alert.get('slice'))}: {alert['name']}", "bold")


def alert_facts(alert: Alert, notifications: Sequence[Mapping[str, Any]], console: Console) -> None:
    """One alert with its channels and what was sent to them."""
    console.print(_name(alert))
    console.print(_state(alert))
    if alert["sentence"]:
        console.print(text(alert["sentence"]))
    detail = ", ".join(
        f"{name} {percent(value) if name.endswith(('_rate', '_share')) else figure(value)}"
        for name, value in alert["detail"].items()
    )
    taken = f"by {alert['acknowledged_by']} at {moment(alert['acknowledged_at'])}" if alert["acknowledged_at"] else ""
    facts(
        console,
        [
            ("id", alert["alert_id"]),
            ("condition", condition_text(alert["condition"])),
            ("value", "" if alert["value"] is None else figure(alert["value"])),
            ("samples", alert["samples"] or ""),
            ("beside it", detail),
            ("since (UTC)", "" if alert["since"] is None else moment(alert["since"])),
            ("acknowledged", taken),
            ("silenced until", moment(alert["silenced_until"]) if alert["silenced_until"] else ""),
            ("origin", alert["origin"]),
        ],
    )
    delivery_lines(alert, console)
    if notifications:
        made = table("queued (UTC)", "channel", "kind", "outcome", whole=("queued (UTC)", "kind"))
        for item in notifications:
            row(made, moment(item["queued_at"]), item["channel"], item["kind"], _outcome(item))
        console.print(made)


def delivery_lines(alert: Alert, console: Console) -> None:
    """The channels, with what to set where one can't be reached."""
    for item in alert["delivery"]:
        warning = f" (not configured: {item['warning']})" if not item["configured"] else ""
        style = "yellow" if warning else ""
        head = text("notifies ", style)
        hanging(console, text(f"{item['channel']}{warning}", style), len(head), head)


def _outcome(item: Mapping[str, Any]) -> Text:
    if item["sent_at"] is not None:
        return text("sent", "green")
    attempts = f"{item['attempts']} attempt{'' if item['attempts'] == 1 else 's'}"
    why = f": {item['error']}" if item["error"] else ""
    if item["gave_up_at"] is not None:
        return text(f"given up after {attempts}{why}", "red")
    return text(f"waiting, {attempts}{why}", "yellow")


def tests_table(results: Sequence[Mapping[str, Any]], console: Console) -> None:
    """How the test of each channel went."""
    made = table("channel", "outcome")
    for item in results:
        row(made, item["channel"], text("sent", "green") if item["ok"] else text(item["error"] or "failed", "red"))
    console.print(made)


def transitions_table(transitions: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Changes of state: when, to what, the value and whose, and below it what happened."""
    states = max(len(str(item["to_state"])) for item in transitions)
    values = max(len(figure(item["value"])) for item in transitions)
    for item in transitions:
        head = Text.assemble(
            text(f"{moment(item['at'])} UTC  "),
            text(f"{item['to_state']:{states}}  ", _STYLES.get(item["to_state"], "")),
            text(f"{figure(item['value']):>{values}}  "),
        )
        hanging(console, text(f"{whose(item['model_id'])}: {item['name']}", "bold"), len(head), head)
        hanging(console, text(item["sentence"]), INDENT)


def metrics_table(metrics: Sequence[Mapping[str, Any]], console: Console) -> None:
    """What a condition may watch: its name, unit and operators, and below it what it is."""
    names = max(len(item["metric"]) for item in metrics)
    units = max(len(item["unit"]) for item in metrics)
    for item in metrics:
        head = Text.assemble(text(f"{item['metric']:{names}}  ", "bold"), text(f"{item['unit']:{units}}  "))
        hanging(console, text(" ".join(item["operators"]), "dim"), len(head), head)
        needs = " Needs --class." if item.get("needs_class") else ""
        hanging(console, text(item["description"] + needs), INDENT)
