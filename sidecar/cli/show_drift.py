"""Baselines and drift as a person reads them in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from sidecar.cli.tables import facts, hanging, row, table, text
from sidecar.cli.text import NOTHING, figure, moment, number, percent, short, span, whose
from sidecar.durations import duration_text

CLASSES_SHOWN = 15
_SCORES = ("class", "confidence", "count", "box", "input")
_VERDICTS = {"drift": "drift", "no_drift": "no drift", "too_few_blocks": "too few"}
_LATENCIES = ("p50", "p90", "p95", "p99")
Report = Mapping[str, Any]


def report_tables(report: Report, console: Console) -> None:
    """The sentence, the scores, the classes that moved, what is new, and what limits all that."""
    console.print(text(report["sentence"], _verdict_style(report)))
    facts(
        console,
        [
            ("model", whose(report["model_id"], report.get("slice"))),
            ("reference", _side(report["reference"], report["n_reference"], report["model_id"])),
            ("current", _side(report["current"], report["n_current"], report["model_id"])),
            ("compared", _compared(report)),
        ],
    )
    console.print()
    _scores_table(report, console)
    _classes_tables(report, console)
    for part in report.get("slices") or ():
        part_name = text(f"slice {part['slice']}: ", "bold")
        console.print(Text.assemble(part_name, text(part["sentence"], _verdict_style(part))))
    for limitation in report["limitations"]:
        hanging(console, text(limitation, "dim"), len("note: "), text("note: ", "dim"))


def _verdict_style(report: Report) -> str:
    return {"drift": "bold red", "no_drift": "bold green"}.get(report["verdict"], "bold yellow")


def _side(side: Mapping[str, Any], counts: Mapping[str, int], model_id: str) -> str:
    of = f"of {whose(side['model_id'])}, " if side["model_id"] != model_id else ""
    named = f"baseline {side['baseline']}{f' {of}' if of else ', '}" if side.get("baseline") else of
    return (
        f"{named}{span(side['since'], side['until'])}, {counts['images']:,} images, {counts['detections']:,} detections"
    )


def _compared(report: Report) -> str:
    blocks = report["blocks"]
    matched = f", matched by {blocks['matched_by']}" if blocks["matched_by"] else ""
    return f"{blocks['reference']} and {blocks['current']} blocks ({blocks['level']}){matched}, from {report['source']}"


def _scores_table(report: Report, console: Console) -> None:
    right = ("distance", "corrected", "p", "adjusted", "n before", "n now")
    made = table("score", *right[:4], "significant", *right[4:], right=right)
    for name in _SCORES:
        score = report["scores"].get(name)
        if score is None:
            continue
        row(
            made,
            name,
            number(score["distance"]),
            number(score["corrected"]),
            number(score["p_value"], 4),
            number(score["p_adjusted"], 4),
            text("yes", "bold red") if score["significant"] else text("no"),
            f"{score['n_reference']:,}",
            f"{score['n_current']:,}",
        )
    console.print(made)


def _classes_tables(report: Report, console: Console) -> None:
    moved = report["affected_classes"]
    if moved:
        console.print()
        made = table("class", "before", "now", "change", "p", right=("before", "now", "change", "p"))
        for item in moved[:CLASSES_SHOWN]:
            change = f"{100 * item['change']:+.1f} pp"
            shares = (percent(item["share_before"]), percent(item["share_after"]))
            row(made, item["class"], *shares, change, number(item["p_value"], 4))
        console.print(made)
        if len(moved) > CLASSES_SHOWN:
            console.print(text(f"and {len(moved) - CLASSES_SHOWN} more; --json has all", "dim"))
    for item in report["new_classes"][:CLASSES_SHOWN]:
        console.print(text(f"new class {item['class']}: {item['images']} images in {item['blocks']} blocks", "yellow"))
    console.print()


def checks_table(checks: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Windows of the continuous monitor, each with its verdict and corrected distances."""
    scores = [name.replace("confidence", "conf.") for name in _SCORES]
    made = table(
        "until (UTC)", "over", "model", "verdict", *scores, whole=("until (UTC)", "over", "verdict"), right=scores
    )
    shown = 16 if all(item["until"] % 60 == 0 and item["since"] % 60 == 0 for item in checks) else 19
    for item in checks:
        report = item["report"]
        verdict = text(_VERDICTS.get(report["verdict"], report["verdict"]), _verdict_style(report))
        distances = (_distance(report["scores"].get(name)) for name in _SCORES)
        window = duration_text(round(item["until"] - item["since"]))
        row(made, moment(item["until"])[:shown], window, whose(item["model_id"], item["slice"]), verdict, *distances)
    console.print(made)
    console.print(text("Corrected distances, 0 (chance) to 1; * significant; - not tested or no data.", "dim"))
    borrowed = {
        item["model_id"]: item["reference"]["model_id"]
        for item in reversed(checks)
        if item["reference"] is not None and item["reference"]["model_id"] != item["model_id"]
    }
    for model_id, of in borrowed.items():
        hanging(console, text(f"{whose(model_id)} is compared with the baseline of {whose(of)}.", "dim"), 0)


def _distance(score: Mapping[str, Any] | None) -> Text:
    if score is None or score["corrected"] is None:
        return text(NOTHING)
    return text(
        f"{number(score['corrected'], 2)}{'*' if score['significant'] else ' '}",
        "bold red" if score["significant"] else "",
    )


def baselines_table(baselines: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Baselines, each with its id, whose it is, and below it the period and main figures."""
    for item in baselines:
        figures = item["figures"]
        head = text(f"{short(item['baseline_id'])}  ")
        name = Text.assemble(
            text(f"{whose(item['model_id'])}  {item['name']}", "bold"), text(f"  ({item['origin']})", "dim")
        )
        hanging(console, name, len(head), head)
        parts = (
            f"{span(item['since'], item['until'])} UTC",
            f"{figures.get('images') or 0:,} images",
            f"confidence {number(figures.get('avg_confidence'))}",
            f"p95 {figure(figures.get('p95_latency_ms'))} ms",
        )
        hanging(console, text(", ".join(parts)), len(head))


def baseline_facts(baseline: Mapping[str, Any], console: Console) -> None:
    """One baseline with its figures and the classes it saw most."""
    figures = baseline["figures"]
    console.print(text(f"{whose(baseline['model_id'])}  {baseline['name']}", "bold"))
    latencies = ", ".join(f"{name} {figure(figures.get(f'{name}_latency_ms'))}" for name in _LATENCIES)
    shares = sorted((figures.get("class_shares") or {}).items(), key=lambda entry: -entry[1])
    facts(
        console,
        [
            ("id", baseline["baseline_id"]),
            ("period (UTC)", span(baseline["since"], baseline["until"])),
            ("set (UTC)", f"{moment(baseline['created_at'])} ({baseline['origin']})"),
            ("requests", f"{figures.get('requests') or 0:,}, {percent(figures.get('error_rate'))} errors"),
            (
                "images",
                f"{figures.get('images') or 0:,}, {percent(figures.get('no_detection_rate'))} without detections",
            ),
            (
                "detections",
                f"{figures.get('detections') or 0:,}, {figure(figures.get('detections_per_image'))} an image",
            ),
            ("confidence", number(figures.get("avg_confidence"))),
            ("latency, ms", latencies),
            ("classes", ", ".join(f"{name} {percent(share)}" for name, share in shares[:CLASSES_SHOWN]) or NOTHING),
            ("brightness", _quantiles(figures.get("brightness"))),
            ("width", _quantiles(figures.get("width"))),
            ("height", _quantiles(figures.get("height"))),
        ],
    )


def _quantiles(values: Mapping[str, float | None] | None) -> str:
    return ", ".join(f"{name} {figure(value)}" for name, value in (values or {}).items())
