"""What pages of A/B tests and of shadow tests have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from rich.console import Console
from rich.text import Text

from sidecar.cli.tables import hanging, row, table, text
from sidecar.cli.text import NOTHING, moment, whose
from sidecar.durations import duration_text

EPOCHS_SHOWN = 12
NAME_MAX = 26
"""Of a name in a table."""
INDENT = 2
"""Of the lines below a head line."""
_STYLES = {"running": "bold green", "paused": "yellow", "stopped": "red"}
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400
Document = Mapping[str, Any]


def lasting(seconds: float) -> str:
    """A length of time, as exactly as its length is worth.

    >>> lasting(200_000), lasting(7_265), lasting(59.6), lasting(float("nan"))
    ('2d7h', '2h1m', '1m', '-')
    """
    if not isfinite(seconds):
        return NOTHING
    step = _HOUR_S if seconds >= 2 * _DAY_S else _MINUTE_S if seconds >= 2 * _MINUTE_S else 1
    whole = seconds // step * step if step > 1 else round(seconds)
    return duration_text(whole)


def share_text(share: float | None) -> str:
    """A share of traffic as it was given, not rounded to a whole.

    >>> share_text(0.1), share_text(0.125), share_text(0.001), share_text(1 / 3)
    ('10 %', '12.5 %', '0.1 %', '33.3 %')
    """
    return NOTHING if share is None or not isfinite(share) else f"{100 * share:.3g} %"


def p_text(p_value: float | None) -> str:
    """A p-value; what is under 0.0001 is only said to be so.

    >>> p_text(0.04123), p_text(1e-9), p_text(1.0), p_text(None)
    ('0.041', '<0.0001', '1', '-')
    """
    if p_value is None or not isfinite(p_value):
        return NOTHING
    return "<0.0001" if p_value < 0.0001 else f"{p_value:.2g}"


def time_text(test: Document) -> str:
    """How long it has run, and when it ends or has ended.

    >>> time_text({"running_s": 86_400, "duration_days": 7, "ended_at": None, "ends_at": 1_700_000_040})
    '1d so far of 7d, ends 2023-11-14 22:14 UTC'
    >>> time_text({"running_s": 60, "duration_days": None, "ended_at": None, "ends_at": None})
    '1m so far, no end set'
    """
    ran, days = lasting(test["running_s"]), test["duration_days"]
    if test["ended_at"] is not None:
        return f"ran {ran}, ended {moment(test['ended_at'])[:16]} UTC"
    if days is None:
        return f"{ran} so far, no end set"
    ends = "" if test["ends_at"] is None else f", ends {moment(test['ends_at'])[:16]} UTC"
    return f"{ran} so far of {lasting(days * _DAY_S)}{ends}"


def under_way_text(test: Document) -> str:
    """A test that is under way, in a few words.

    >>> under_way_text({"id": "new", "kind": "ab_test", "status": "running", "traffic_split": 0.1})
    'new (A/B test, 10 %)'
    >>> under_way_text({"id": "behind", "kind": "shadow_test", "status": "paused", "share": 0.0})
    'behind (shadow test, paused)'
    """
    kind, key = ("A/B test", "traffic_split") if test["kind"] == "ab_test" else ("shadow test", "share")
    return f"{test['id']} ({kind}, {share_text(test[key]) if test['status'] == 'running' else test['status']})"


def is_active(test: Document) -> bool:
    """Whether it may still get traffic."""
    return test["status"] in ("running", "paused")


def said_line(test: Document, traffic: str, console: Console) -> None:
    """What became of a test, in a line; of one that has ended also what serves now."""
    said = ", ".join(part for part in (test["status"], traffic) if part)
    serves = "" if is_active(test) else f"; {whose(test['serving'])} serves now"
    console.print(Text.assemble(text(test["name"], "bold"), text(f": {said}{serves}")), soft_wrap=True)


def status_text(test: Document) -> Text:
    """The status in its colour."""
    return text(test["status"], _STYLES.get(test["status"], "bold"))


def head_lines(test: Document, traffic: str, console: Console, frozen_at: float | None = None) -> None:
    """Whose page it is: name and id, status, where traffic goes, how long it runs; why it ended."""
    name = text(test["name"], "bold")
    if test["id"] != test["name"]:
        name = Text.assemble(name, text(f"  ({test['id']})", "dim"))
    hanging(console, name, 0)
    status = status_text(test)
    said = "; ".join(part for part in (traffic, test["reason"]) if part)
    hanging(console, Text.assemble(status, text(f": {said}" if said else "")), 0)
    for item in (time_text(test), "" if frozen_at is None else f"figures as of {moment(frozen_at)[:16]} UTC"):
        if item:
            hanging(console, text(item), 0)


def lines_of_tests(tests: Sequence[Document], subjects: Sequence[str], console: Console) -> None:
    """Tests, those that are active first, two lines each; what is too long for its line ends in an ellipsis."""
    statuses = max(len(str(test["status"])) for test in tests)
    order = sorted(range(len(tests)), key=lambda place: not is_active(tests[place]))
    for place in order:
        test = tests[place]
        status = status_text(test)
        status.pad_right(statuses + 2 - len(status))
        name = text(test["name"], "bold")
        if test["id"] != test["name"]:
            name = Text.assemble(name, text(f"  ({test['id']})", "dim"))
        _one_line(Text.assemble(status, name), console)
        _one_line(text(f"{' ' * INDENT}{subjects[place]}, {time_text(test)}", "dim"), console)


def _one_line(line: Text, console: Console) -> None:
    console.print(line, no_wrap=True, overflow="ellipsis")


def epochs_table(test: Document, shares: Sequence[str], console: Console) -> None:
    """The latest epochs, each with what its ``shares`` say; a single one is no news."""
    epochs = test["epochs"]
    if len(epochs) < 2:
        return
    made = table("epoch", "since (UTC)", "shares", "why", right=("epoch",), whole=("since (UTC)",))
    for place in range(max(0, len(epochs) - EPOCHS_SHOWN), len(epochs)):
        epoch = epochs[place]
        row(made, epoch["number"], moment(epoch["since"])[:16], shares[place], epoch["reason"])
    console.print()
    console.print(made)
    if len(epochs) > EPOCHS_SHOWN:
        console.print(text(f"and {len(epochs) - EPOCHS_SHOWN:,} earlier ones", "dim"))


def notes(items: Sequence[str], console: Console, word: str = "note", style: str = "dim") -> None:
    """What a reader must know, a line each."""
    for item in items:
        head = text(f"{word}: ", style)
        hanging(console, text(item, style), len(head), head)


def named(name: object, style: str = "") -> Text:
    """A name from outside for a table: cut where it is long."""
    shown = text(name, style)
    shown.truncate(NAME_MAX, overflow="ellipsis")
    return shown


def more_of(total: int, shown: int, console: Console) -> None:
    """How many of a list are left out."""
    if total > shown:
        console.print(text(f"and {total - shown:,} more", "dim"))
