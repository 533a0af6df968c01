"""How the results of tests came to be, and the pairs of shadow tests, as a person reads them in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from rich.console import Console

from sidecar.cli.show_trials import notes, p_text
from sidecar.cli.tables import hanging, row, table, text
from sidecar.cli.text import NOTHING, clean, figure, moment, percent

ROWS_SHOWN = 20
"""Points that a table has at most; `--json` has all."""
BOXES_SHOWN = 10
"""Boxes in dispute that are told of one image."""
_DIGITS = 4
Document = Mapping[str, Any]


def ab_history_page(history: Document, metric: str, console: Console) -> None:
    """One metric of every treatment."""
    for comparison in history["comparisons"]:
        found = comparison["metrics"][metric]
        console.print(text(f"{metric} of {comparison['variant']}", "bold"))
        if found["points"]:
            _points(found, console)
        else:
            console.print(text("nothing to tell yet", "dim"))
        console.print()
    if any(comparison["metrics"][metric]["points"] for comparison in history["comparisons"]):
        bounds = f"Bounds are the {1 - history['alpha']:.4g} confidence sequence, p the lowest always-valid one so far."
        hanging(console, text(f"{bounds} Both hold however often one looks.", "dim"), 0)
    _units(history["srm"], console)
    notes(history["limitations"], console)


def _points(found: Document, console: Console) -> None:
    ratio = found["confidence_sequence_of"] == "ratio"
    of = "ratio" if ratio else f"difference{', ' + found['unit'] if found['unit'] else ''}"
    right = ("n A", "n B", of, "bounds", "p")
    made = table("at (UTC)", *right, right=right)
    for point in _some(found["points"]):
        row(
            made,
            moment(point["at"])[:16],
            f"{point['n']['model_a']:,}",
            f"{point['n']['model_b']:,}",
            _number(point["ratio" if ratio else "difference"], not ratio),
            _bounds(point["low"], point["high"], not ratio),
            p_text(point["p_value_lowest"]),
        )
    console.print(made)


def _units(points: Sequence[Document], console: Console) -> None:
    if points:
        last = points[-1]
        seen = ", ".join(f"{name} {n:,}" for name, n in last["observed"].items())
        said = (
            f"Units: {seen}. That they came in the shares of the split: p {p_text(last['p_value_lowest'])}, the lowest."
        )
        hanging(console, text(said, "dim"), 0)


def shadow_history_page(history: Document, console: Console) -> None:
    """Agreement over time, and the differences of means."""
    if not history["points"]:
        console.print("nothing to tell yet: no request was answered by both")
        return
    right = ("images", "alike", "missed", "extra", "flipped", "confidence", "latency, ms")
    made = table("at (UTC)", *right, right=right)
    for point in _some(history["points"]):
        rates = (point[name] for name in ("image_rate", "missed_rate", "extra_rate", "flip_rate"))
        differences = (point[name]["difference"] for name in ("confidence_shift", "latency_difference_ms"))
        values = [*map(percent, rates), *(_number(value, True) for value in differences)]
        row(made, moment(point["at"])[:16], f"{point['images']:,}", *values)
    console.print(made)
    notes(history["limitations"], console)


def pairs_lines(pairs: Sequence[Document], console: Console) -> None:
    """What both versions say of each image: a line of counts, and the boxes that are in dispute."""
    for pair in pairs:
        state = "alike" if pair["agree"] else pair["left_out"] or f"disagree by {pair['disagreement']:.2f}"
        head = f"{moment(pair['at'])[:19]}  {pair['a']['prediction_id']}  {state}"
        hanging(console, text(head, "bold" if pair["agree"] is False else ""), 2)
        if pair["agree"] is not None:
            counts = ", ".join(
                f"{pair[name]} {name}" for name in ("matched", "flipped", "missed", "extra") if pair[name]
            )
            kept = f"; image {pair['sample_id']}" if pair["sample_id"] else ""
            hanging(console, text(f"  {counts or 'no boxes'}{kept}", "dim"), 2)
        told = [*_disputes(pair)]
        for said in told[:BOXES_SHOWN]:
            hanging(console, text(f"  {said}"), 4)
        if len(told) > BOXES_SHOWN:
            hanging(console, text(f"  and {len(told) - BOXES_SHOWN} more", "dim"), 2)


def _disputes(pair: Document) -> list[str]:
    said = []
    for box in pair["a"]["detections"] or ():
        if box["found"] == "flipped":
            other = pair["b"]["detections"][box["partner"]]
            said.append(f"flipped  {_box(box)}, the shadow says {clean(other['label'])} {figure(other['confidence'])}")
        elif box["found"] == "missed":
            said.append(f"missed   {_box(box)}")
    return [*said, *(f"extra    {_box(box)}" for box in pair["b"]["detections"] or () if box["found"] == "extra")]


def _box(box: Document) -> str:
    corners = " ".join(figure(edge) for edge in box["box"])
    return f"{clean(box['label'])} {figure(box['confidence'])} at {corners}"


def _some(points: Sequence[Document]) -> Sequence[Document]:
    """ROWS_SHOWN of them at most, the last among them.

    >>> len(_some([{}] * 200))
    20
    """
    step = -(-len(points) // ROWS_SHOWN)
    return points[::-1][::step][::-1] if points else points


def _number(value: float | None, signed: bool) -> str:
    """
    >>> _number(0.01234567, True), _number(1.5, False), _number(float("nan"), True)
    ('+0.01235', '1.5', '-')
    """
    if value is None or not isfinite(value):
        return NOTHING
    return f"{value:{'+' if signed else ''}.{_DIGITS}g}"


def _bounds(low: float | None, high: float | None, signed: bool) -> str:
    shown = [_number(value, signed) for value in (low, high)]
    return NOTHING if shown == [NOTHING, NOTHING] else " to ".join(shown)
