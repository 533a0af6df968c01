"""Alerts as a person reads them in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from sidecar.cli.tables import facts, row, table, text
from sidecar.cli.text import figure, moment, percent, short

_STYLES = {"firing": "bold red", "pending": "yellow", "resolved": "green", "inactive": "dim"}
_SIGNS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
SIDECAR = "(the sidecar)"
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
    """All alerts, those that fire first."""
    urgency = {state: place for place, state in enumerate(_STYLES)}
    made = table("state", "alert", "value", "since (UTC)", "id", right=("value",), whole=("since (UTC)", "id"))
    for alert in sorted(alerts, key=lambda alert: (urgency.get(alert["state"], len(urgency)), alert["model_id"])):
        name = text(f"{_whose(alert)}: {alert['name']}")
        what = Text.assemble(name, "\n", text(condition_text(alert["condition"]), "dim"))
        row(made, _state(alert), what, figure(alert["value"]), moment(alert["since"])[:16], short(alert["alert_id"]))
    console.print(made)


def _whose(alert: Alert) -> str:
    model = alert["model_id"] or SIDECAR
    return f"{model} / {alert['slice']}" if alert.get("slice") else model


def alert_facts(alert: Alert, notifications: Sequence[Mapping[str, Any]], console: Console) -> None:
    """One alert with its channels and what was sent to them."""
    console.print(text(f"{_whose(alert)}: {alert['name']}", "bold"))
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
        console.print(text(f"notifies {item['channel']}{warning}", "yellow" if warning else ""))


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
    """Changes of state."""
    made = table("at (UTC)", "alert", "state", "value", "what", whole=("at (UTC)", "state"), right=("value",))
    for item in transitions:
        state = text(item["to_state"], _STYLES.get(item["to_state"], ""))
        model = item["model_id"] or SIDECAR
        row(made, moment(item["at"]), f"{model}: {item['name']}", state, figure(item["value"]), item["sentence"])
    console.print(made)


def metrics_table(metrics: Sequence[Mapping[str, Any]], console: Console) -> None:
    """What a condition may watch."""
    made = table("metric", "unit", "operators", "what it is", whole=("metric", "unit"))
    for item in metrics:
        needs = " Needs --class." if item.get("needs_class") else ""
        row(made, item["metric"], item["unit"], " ".join(item["operators"]), item["description"] + needs)
    console.print(made)
