"""Shadow tests as a person reads them in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from rich.console import Console

from sidecar.cli.show_trials import (
    epochs_table,
    head_lines,
    is_active,
    lasting,
    lines_of_tests,
    more_of,
    named,
    notes,
    p_text,
    share_text,
)
from sidecar.cli.tables import facts, hanging, row, table, text
from sidecar.cli.text import NOTHING, figure, moment, number, percent, whose

FLIPS_SHOWN = 10
CLASSES_SHOWN = 10
UNITS_MIN = 150
"""Requests under which no difference of means is called sure."""
_SKIPPED = {
    "no_shadow": "the shadow's answer never came",
    "no_serving": "the serving answer was not found",
    "full": "too many were waiting",
}
Test = Mapping[str, Any]
Report = Mapping[str, Any]


def traffic_text(test: Test) -> str:
    """What is copied while a test is active; of one that has ended, what was promoted.

    >>> shadow = {"id": "digits@2", "variant": "B", "share": 0.1}
    >>> traffic_text({"status": "running", "share": 0.1, "shadow": shadow, "promoted": None})
    'copies of 10 % of requests to digits@2'
    """
    shadow = whose(test["shadow"]["id"])
    if not is_active(test):
        return f"{shadow} promoted" if test["promoted"] else ""
    if test["status"] == "paused" or not test["share"]:
        return f"no copies to {shadow}"
    return f"copies of {share_text(test['share'])} of requests to {shadow}"


def shadow_tests_lines(tests: Sequence[Test], console: Console) -> None:
    """All tests, two lines each."""
    lines_of_tests(tests, [subject(test) for test in tests], console)


def subject(test: Test) -> str:
    """Which versions it is about, and with which share."""
    share = f", {share_text(test['share'])}" if test["status"] == "running" else ""
    return f"{_model(test)}, copied to {whose(test['shadow']['id'])}{share}"


def _model(test: Test) -> str:
    return "all models" if test["model"] == "*" else whose(test["model"])


def shadow_test_facts(test: Test, console: Console) -> None:
    """One test with all that was asked for, and its epochs."""
    head_lines(test, traffic_text(test), console)
    days = test["duration_days"]
    promoted = f"{whose(test['shadow']['id'])} at {moment(test['promoted_at'])[:16]} UTC" if test["promoted"] else ""
    facts(
        console,
        [
            ("model", _model(test)),
            ("shadow", f"{whose(test['shadow']['id'])} ({test['shadow']['variant']})"),
            ("runs", "until it is stopped" if days is None else f"{lasting(days * 86_400)}, paused time not counted"),
            ("boxes match", f"from an IoU of {test['iou_min']:g}"),
            ("images kept", f"{test['samples_per_hour']:,} an hour, those both see least alike"),
            ("begun (UTC)", f"{moment(test['created_at'])[:16]} ({test['origin']})"),
            ("promoted", promoted),
            ("serves" if is_active(test) else "serves now", whose(test["serving"])),
        ],
    )
    epochs_table(test, [_shares(epoch["shares"]) for epoch in test["epochs"]], console)
    notes(test["warnings"], console, "warning", "yellow")


def _shares(shares: Mapping[str, float]) -> str:
    return ", ".join(share_text(share) for share in shares.values() if share) or "none"


def shadow_page(test: Test, report: Report, console: Console) -> None:
    """``test`` is what get of it gives, ``report`` what its results give."""
    head_lines(test, traffic_text(test), console, report["at"] if report["frozen"] else None)
    console.print()
    hanging(console, text(report["sentence"], "bold"), 0)
    console.print()
    hanging(console, text(f"{whose(report['a'])}, which serves"), 3, text("A  ", "bold"))
    hanging(console, text(f"{whose(report['b'])}, the shadow"), 3, text("B  ", "bold"))
    if report["counts"]["images"]:
        _boxes_table(report, console)
        _flips_table(report, console)
        _classes_table(report, console)
    if report["counts"]["requests"]:
        _tests_table(report, console)
        _latency_table(report["latency"], console)
    console.print()
    _left_out(report, console)
    notes(report["limitations"], console)
    notes(test["warnings"], console, "warning", "yellow")


def _boxes_table(report: Report, console: Console) -> None:
    """Images that agree, and what became of the boxes."""
    counts, boxes, agreement = report["counts"], report["boxes"], report["agreement"]
    paired = counts["matched"] + counts["flipped"]
    made = table("agreement", "count", "share", "of", right=("count", "share"))
    rows = (
        ("images alike", counts["agreeing"], agreement["image_rate"], f"{counts['images']:,} images compared"),
        ("boxes matched", counts["matched"], agreement["box_rate"], "the boxes of A and of B, taken together"),
        ("classes flipped", counts["flipped"], boxes["flip_rate"], f"{paired:,} boxes that both found"),
        ("missed by B", counts["missed"], boxes["missed_rate"], f"{boxes['a']:,} boxes of A"),
        ("only B's", counts["extra"], boxes["extra_rate"], f"{boxes['b']:,} boxes of B"),
    )
    for name, count, share, of in rows:
        row(made, name, f"{count:,}", percent(share), of)
    console.print()
    console.print(made)
    iou = number(agreement["mean_iou"])
    disagreement = number(agreement["mean_disagreement"])
    said = (
        f"Boxes match from an IoU of {report['iou_min']:g}: {iou} on average. Images disagree by {disagreement} of 1."
    )
    hanging(console, text(said, "dim"), 0)


def _flips_table(report: Report, console: Console) -> None:
    flips = report["flips"]
    if not flips:
        return
    made = table("A says", "B says", "boxes", "of A's", right=("boxes", "of A's"))
    for flip in flips[:FLIPS_SHOWN]:
        share = flip["count"] / flip["boxes"] if flip["boxes"] else None
        row(made, named(flip["from"]), named(flip["to"]), f"{flip['count']:,}", percent(share))
    console.print()
    console.print(made)
    more_of(len(flips), FLIPS_SHOWN, console)


def _classes_table(report: Report, console: Console) -> None:
    """Classes with boxes in dispute, those with most of them first."""
    disputed = [
        item
        for item in report["classes"]
        if item["missed"] or item["extra"] or item["flipped_from"] or item["flipped_to"]
    ]
    if not disputed:
        return
    right = ("A", "B", "missed", "extra", "flip from", "flip to")
    made = table("class", *right, right=right)
    for item in disputed[:CLASSES_SHOWN]:
        keys = ("boxes_a", "boxes_b", "missed", "extra", "flipped_from", "flipped_to")
        row(made, named(item["class"]), *(f"{item[key]:,}" for key in keys))
    console.print()
    console.print(made)
    more_of(len(disputed), CLASSES_SHOWN, console)


def _tests_table(report: Report, console: Console) -> None:
    """Differences of means with their always-valid bounds and p-value."""
    made = table("B less A", "change", "bounds", "p", "requests", "B is", right=("change", "bounds", "p", "requests"))
    rows = (
        ("confidence", report["confidence_shift"], 3, ("higher", "lower")),
        ("boxes an image", report["count_difference"], 3, ("higher", "lower")),
        ("latency, ms", report["latency"]["difference_ms"], 2, ("slower", "faster")),
    )
    for name, test, digits, sides in rows:
        bounds = test["always_valid"]
        mark = _mark(test, sides)
        row(
            made,
            name,
            _signed(test["difference"], digits),
            NOTHING
            if bounds["low"] is None
            else f"{_signed(bounds['low'], digits)} to {_signed(bounds['high'], digits)}",
            NOTHING if test["difference"] is None else p_text(bounds["p_value"]),
            f"{test['n']:,}",
            text(mark, "bold" if mark in sides else "dim"),
        )
    console.print()
    console.print(made)
    alpha = report["confidence_shift"]["alpha"]
    said = [
        f"Bounds are the {share_text(1 - alpha)} confidence sequence of the change, p is always valid: both hold"
        " however often one looks. Confidence is of boxes that both have."
    ]
    fixed = [
        f"{name.partition(',')[0]} {p_text(test['fixed_horizon']['p_value'])}"
        for name, test, _, _ in rows
        if test["difference"] is not None
    ]
    said += [f"Fixed-horizon p, which holds for a single look only: {', '.join(fixed)}."] if fixed else []
    for line in said:
        hanging(console, text(line, "dim"), 0)


def _mark(test: Report, sides: tuple[str, str]) -> str:
    if test["difference"] is None or not isfinite(test["difference"]):
        return "no data"
    if test["n"] < UNITS_MIN:
        return "too few"
    if not test["significant"]:
        return "unclear"
    return sides[0] if test["difference"] > 0 else sides[1]


def _signed(value: float | None, digits: int) -> str:
    if value is None or not isfinite(value):
        return NOTHING
    return f"{value:+,.{digits}f}"


def _latency_table(latency: Mapping[str, Any], console: Console) -> None:
    right = ("mean", "p50", "p90", "p95", "p99", "requests")
    made = table("latency, ms", *right, right=right)
    for name, side in (("A", latency["a"]), ("B", latency["b"])):
        values = (figure(side.get(f"{key}_ms")) for key in right[:-1])
        row(made, text(name, "bold"), *values, f"{side['count']:,}")
    console.print()
    console.print(made)


def _left_out(report: Report, console: Console) -> None:
    """Failures, requests that wait for their other half, and those that were given up."""
    counts = report["counts"]
    failed = [
        f"{counts[key]:,} {who}"
        for key, who in (("failed_a", "by A alone"), ("failed_b", "by B alone"), ("failed_both", "by both"))
        if counts[key]
    ]
    said = [f"{counts['requests']:,} requests were answered by both."] if counts["requests"] else []
    said += [f"Failed: {', '.join(failed)}."] if failed else []
    said += [f"{report['waiting']:,} wait for their other answer."] if report["waiting"] else []
    given_up = [f"{n:,} ({_SKIPPED.get(reason, reason)})" for reason, n in report["skipped"].items() if n]
    said += [f"Not compared: {', '.join(given_up)}."] if given_up else []
    if said:
        hanging(console, text(" ".join(said)), 0)
