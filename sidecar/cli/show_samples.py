"""Images that were kept as a person reads them in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from sidecar.cli.show_items import HIDDEN, status_text
from sidecar.cli.tables import facts, hanging, text
from sidecar.cli.text import moment, percent, size, whose

INDENT = 2
Sample = Mapping[str, Any]


def samples_lines(samples: Sequence[Sample], console: Console) -> None:
    """Images, two lines each: when, how far their review is, and the id; below it whose they are and why kept.

    Of an image of the audit whose review is not done, neither is told.
    """
    statuses = max(len(item["status"]) for item in samples)
    for item in samples:
        status = status_text(item)
        status.pad_right(statuses + 2 - len(status))
        head = Text.assemble(text(f"{moment(item['at'])}  ", "dim"), status)
        hanging(console, text(item["sample_id"], "bold"), len(head), head)
        said = [f"dataset {item['dataset_id']}" if item["dataset_id"] else "", _model(item)]
        said += [", ".join(item["reasons"]), _picture(item)]
        hanging(console, text("; ".join(part for part in said if part), "dim"), INDENT, Text(" " * INDENT))


def _model(item: Sample) -> str:
    return whose(f"{item['model']}@{item['version']}") if item["model"] else ""


def _picture(item: Sample) -> str:
    return f"{item['width']} x {item['height']} px, {size(item['bytes'])}"


def sample_page(item: Sample, image: str, console: Console) -> None:
    """One image; ``image`` says where it is."""
    hanging(console, text(item["sample_id"], "bold"), 0)
    console.print(status_text(item))
    facts(
        console,
        [
            ("image", image),
            ("size", f"{_picture(item)}, {item['media_type']}"),
            ("dataset", item["dataset_id"]),
            ("model", _model(item) or HIDDEN),
            ("kept for", ", ".join(item["reasons"])),
            ("kept with", f"a chance of {percent(item['probability'])}"),
            ("at (UTC)", moment(item["at"])),
            ("prediction", item["prediction_id"] or HIDDEN),
        ],
    )
