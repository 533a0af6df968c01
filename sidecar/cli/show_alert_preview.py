"""A preview of an alert as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from rich.console import Console

from sidecar.cli.show_alerts import INDENT, condition_text
from sidecar.cli.tables import hanging, row, table, text
from sidecar.cli.text import clean, figure, moment, span

WIDTH_MAX = 72
"""Characters of the sparkline."""
FIRINGS_SHOWN = 20
"""Firings that are listed, the latest."""
_SPARKS = "▁▂▃▄▅▆▇█"
_GAP = "·"


def alert_preview(preview: Mapping[str, Any], console: Console) -> None:
    """The sentence, the metric over time, each firing, and what is to be known of it."""
    hanging(console, text(preview["sentence"], "bold"), 0)
    values = [point["value"] for point in preview["points"]]
    if values:
        condition = condition_text(preview["condition"])
        print(clean(f"{condition}, {span(preview['since'], preview['until'])} UTC"))
        print(sparkline(values, min(WIDTH_MAX, console.width)))
        print(f"{_range_text(values)}, threshold {_threshold_text(preview)}")
    firings = preview["firings"][-FIRINGS_SHOWN:]
    if firings:
        made = table("would have fired (UTC)", "until", "worst", whole=("would have fired (UTC)", "until"))
        for firing in firings:
            until = "still fires" if firing["until"] is None else moment(firing["until"])
            row(made, moment(firing["since"]), until, figure(firing["peak_value"]))
        console.print(made)
        if preview["fired"] > len(firings):
            print(f"the latest {len(firings)} of {preview['fired']}")
    for limitation in preview["limitations"]:
        hanging(console, text(limitation, "dim"), INDENT, text("- ", "dim"))


def sparkline(values: Sequence[float | None], width: int) -> str:
    """Values over time in ``width`` characters, from their least to their greatest; what is not known is a dot.

    >>> sparkline([0.0, 0.5, None, 1.0], 4), sparkline([2.0, 2.0], 4)
    ('▁▅·█', '▁▁')
    """
    count = min(width, len(values))
    spans = [_known(values[len(values) * n // count : len(values) * (n + 1) // count]) for n in range(count)]
    known = _known(values)
    low, reach = min(known, default=0.0), max(known, default=0.0) - min(known, default=0.0)
    top = len(_SPARKS) - 1
    return "".join(
        _SPARKS[round((sum(part) / len(part) - low) / reach * top) if reach else 0] if part else _GAP for part in spans
    )


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None and isfinite(value)]


def _range_text(values: Sequence[float | None]) -> str:
    known = _known(values)
    return f"from {figure(min(known))} to {figure(max(known))}" if known else "nothing was measured"


def _threshold_text(preview: Mapping[str, Any]) -> str:
    edges = [preview["thresholds"][side] for side in ("low", "high")]
    return " and ".join(figure(edge) for edge in edges if edge is not None) or "not known"
