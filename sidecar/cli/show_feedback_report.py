"""The page of a feedback report in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from sidecar.cli.show_trials import more_of, named, notes
from sidecar.cli.tables import facts, hanging, row, table, text
from sidecar.cli.text import NOTHING, counted, percent, span

CLASSES_SHOWN = 20
VERSIONS_SHOWN = 10
Report = Mapping[str, Any]


def bounds_text(item: Mapping[str, Any]) -> str:
    """Where a share surely lies.

    >>> bounds_text({"lower": 0.85, "upper": 0.934}), bounds_text({"lower": None, "upper": None})
    ('85.0 % to 93.4 %', '-')
    """
    lower, upper = percent(item["lower"]), percent(item["upper"])
    return NOTHING if NOTHING in (lower, upper) else f"{lower} to {upper}"


def report_page(report: Report, console: Console) -> None:
    """The sentence; the score with its bounds and how much of the sample is reviewed; precision by class and by
    confidence; the threshold; versions; what users say; limitations."""
    console.print(text(report["model_id"], "bold"))
    if report["since"] is not None and report["until"] is not None:
        hanging(console, text(f"{span(report['since'], report['until'])} UTC", "dim"), 0)
    console.print()
    hanging(console, text(report["sentence"]), 0)
    _score(report, console)
    _classes(report, console)
    _bands(report, console)
    _versions(report, console)
    console.print()
    wanted = report["threshold"]
    head = text(f"threshold for {100 * wanted['target_precision']:.3g} % precision: ", "bold")
    hanging(console, Text.assemble(head, text(wanted["sentence"])), 0)
    notes(report["limitations"], console)


def _score(report: Report, console: Console) -> None:
    score, users = report["score"], report["users"]
    reviewed = f"{score['n']:,} of {counted(score['sampled'], 'drawn image')}"
    whole = percent(score["completeness"])
    sent = ", ".join(f"{n:,} {kind}" for kind, n in users["by_type"].items() if n)
    console.print()
    facts(
        console,
        [
            ("score", f"{percent(score['value'])} of images right" if score["n"] else NOTHING),
            ("bounds (95 %)", bounds_text(score) if score["n"] else ""),
            ("reviewed", reviewed + (f", {whole}" if whole != NOTHING else "")),
            (
                "users, apart",
                f"{percent(users['value'])} correct of {counted(users['n'], 'prediction')}: {sent}"
                if users["n"] or sent
                else "sent nothing",
            ),
        ],
    )


def _classes(report: Report, console: Console) -> None:
    found = report["by_class"]
    if not found:
        return
    made = table("class", "precision", "bounds (95 %)", "detections", "images", right=("precision", "detections"))
    made.columns[-1].justify = "right"
    for item in found[:CLASSES_SHOWN]:
        figures = (percent(item["precision"]), bounds_text(item), f"{item['n']:,}", f"{item['images']:,}")
        row(made, named(item["label"]), *figures)
    console.print()
    console.print(made)
    more_of(len(found), CLASSES_SHOWN, console)


def _bands(report: Report, console: Console) -> None:
    found = [item for item in report["by_confidence"] if item["n"]]
    if not found:
        return
    made = table("confidence", "precision", "bounds (95 %)", "detections", right=("precision", "detections"))
    for item in found:
        band = f"{item['from']:.2g} to {item['to']:.2g}"
        row(made, band, percent(item["precision"]), bounds_text(item), f"{item['n']:,}")
    console.print()
    console.print(made)


def _versions(report: Report, console: Console) -> None:
    found = report["versions"]
    if len(found) < 2:
        return
    made = table("version", "score", "bounds (95 %)", "reviewed", "users, apart", right=("score",))
    for item in found[:VERSIONS_SHOWN]:
        users = item["users"]
        sent = f"{percent(users['value'])} of {users['n']:,}" if users["n"] else NOTHING
        reviewed = f"{item['n']:,} of {item['sampled']:,}"
        row(made, named(item["version"] or NOTHING), percent(item["value"]), bounds_text(item), reviewed, sent)
    console.print()
    console.print(made)
    more_of(len(found), VERSIONS_SHOWN, console)
