"""Feedback as a person reads it in a terminal; the page of its report is show_feedback_report."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from rich.console import Console
from rich.text import Text

from sidecar.cli.tables import hanging, text
from sidecar.cli.text import clean, counted, moment

FAULTS_SHOWN = 50
INDENT = 2
"""Of the lines below a head line."""
_STYLES = {"correct": "green"}
Feedback = Mapping[str, Any]


def subject_text(item: Feedback) -> str:
    """What a statement is about, and what would be right.

    >>> item = {"detection_index": 1, "label": "dog", "score": 0.6, "correct_class": "cat", "correct_box": None}
    >>> subject_text(item)
    'detection 1 (dog 0.60), rather cat'
    >>> subject_text(item | {"detection_index": None, "correct_class": None, "correct_box": [1, 2, 30, 40.5]})
    'rather 1,2,30,40.5'
    """
    said = ""
    if item["detection_index"] is not None:
        score = item["score"]
        known = " ".join(
            part
            for part in (item["label"] or "", "" if score is None or not isfinite(score) else f"{score:.2f}")
            if part
        )
        said = f"detection {item['detection_index']}" + (f" ({known})" if known else "")
    box = item["correct_box"]
    right = [item["correct_class"] or "", "" if box is None else ",".join(f"{edge:g}" for edge in box)]
    better = " at ".join(part for part in right if part)
    return ", ".join(part for part in (said, f"rather {better}" if better else "") if part)


def said_line(item: Feedback, console: Console) -> None:
    """What was taken, in a line; of what waits, for what."""
    subject = subject_text(item)
    whose = item["prediction_id"] or f"the request {item['client_request_id']}"
    line = f"{whose}: {item['feedback_type']}" + (f", {subject}" if subject else "")
    if item["status"] == "pending":
        line += "; that is not recorded yet: it is waited for, seven days at most"
    console.print(text(line), soft_wrap=True)


def feedback_lines(items: Sequence[Feedback], console: Console) -> None:
    """Statements, two lines each: when, what, about what; below it of which prediction, by whom and with which note."""
    kinds = max(len(item["feedback_type"]) for item in items)
    for item in items:
        kind = text(f"{item['feedback_type']:{kinds}}  ", _STYLES.get(item["feedback_type"], "yellow"))
        head = Text.assemble(text(f"{moment(item['at'])[:16]} UTC  "), kind)
        status = "" if item["status"] == "recorded" else item["status"]
        about = "; ".join(part for part in (subject_text(item) or "the whole", status) if part)
        if item["feedback_type"] == "missed_object" and not status:
            about = subject_text(item)
        hanging(console, text(about), len(head), head)
        hanging(console, text(_origin(item), "dim"), INDENT, Text(" " * INDENT))


def _origin(item: Feedback) -> str:
    model = "@".join(part for part in (item["model"], item["version"]) if part)
    of = item["prediction_id"] or f"request {item['client_request_id']}"
    said = ", ".join(part for part in (of, model, f"by {item['by']}" if item["by"] else "") if part)
    note = " ".join(item["note"].split())
    return said + (f": {note}" if note else "")


def import_lines(found: Mapping[str, Any]) -> None:
    """What came of a file: faults to standard error, a line each, and then how many were taken."""
    faults = found["faults"]
    for fault in faults[:FAULTS_SHOWN]:
        of = f"{fault['field']}: " if fault["field"] else ""
        print(clean(f"sidecar: line {fault['line']}: {of}{fault['message']}"), file=sys.stderr)
    if len(faults) > FAULTS_SHOWN:
        print(f"sidecar: and {len(faults) - FAULTS_SHOWN:,} more faults; --json lists them all", file=sys.stderr)
    said = [f"{counted(found['accepted'], 'statement')} taken"]
    if found["pending"]:
        said += [f"{found['pending']:,} of them until their predictions are recorded"]
    bad = len({fault["line"] for fault in faults})
    if bad:
        said += [f"{counted(bad, 'line')} left out"]
    print(", ".join(said))
