"""Predictions as a person reads them in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from sidecar.cli.show_feedback import feedback_lines
from sidecar.cli.show_items import BOXES_SHOWN, INDENT, box_text, counts_text
from sidecar.cli.show_trials import named
from sidecar.cli.tables import TEXT_WIDTH_MIN, facts, hanging, row, table, text
from sidecar.cli.text import figure, moment, number, size, whose

FEEDBACK_SHOWN = 10
LEFT_STATUS = 0
"""The status of a request whose client left before it was answered."""
Prediction = Mapping[str, Any]


def outcome_text(item: Prediction) -> Text:
    """How it went, in its colour: the status and what was wrong.

    >>> outcome_text({"status": 200, "error": "", "undecodable": "bad_json"}).plain
    '200, undecodable: bad_json'
    """
    said = "client left" if item["status"] == LEFT_STATUS else str(item["status"])
    if item["error"]:
        return text(f"{said}, {item['error']}", "red")
    if item["undecodable"]:
        return text(f"{said}, undecodable: {item['undecodable']}", "yellow")
    return text(said, "red" if item["status"] >= 400 or item["status"] == LEFT_STATUS else "green")


def counted_labels(item: Prediction) -> list[str]:
    """Classes of the detections that reach the operating point; one without a confidence does."""
    found = item["detections"] or []
    return [each["label"] for each in found if is_counted(item, each)]


def is_counted(item: Prediction, detection: Mapping[str, Any]) -> bool:
    """Whether a detection reaches the operating point."""
    confidence = detection["confidence"]
    return confidence is None or bool(confidence >= item["score_threshold"])


def seen_text(item: Prediction) -> str:
    """What was in the image, by the model."""
    return "detections not known" if item["detections"] is None else f"seen: {counts_text(counted_labels(item))}"


def predictions_lines(items: Sequence[Prediction], console: Console) -> None:
    """Predictions, two lines each: when, which model, how long it took, how it went and the id; then what it saw."""
    models = max(named(_model(item)).cell_len for item in items)
    latencies = [_latency(item) for item in items]
    widest = max(map(len, latencies))
    for item, latency in zip(items, latencies, strict=True):
        model = named(_model(item))
        model.pad_right(models - model.cell_len)
        head = Text.assemble(text(moment(item["at"]), "dim"), "  ", model, f"  {latency:>{widest}}  ")
        body = Text.assemble(outcome_text(item), "  ", text(item["prediction_id"], "bold"))
        if head.cell_len + TEXT_WIDTH_MIN > console.width:
            hanging(console, Text.assemble(head, body), 0)
        else:
            hanging(console, body, head.cell_len, head)
        said = [seen_text(item), _part(item), item["slice"], _picture(item)]
        hanging(console, text("; ".join(part for part in said if part), "dim"), INDENT, Text(" " * INDENT))


def _model(item: Prediction) -> str:
    return whose(f"{item['model']}@{item['version']}")


def _latency(item: Prediction) -> str:
    return f"{figure(item['latency_ms'])} ms"


def _part(item: Prediction) -> str:
    """Which part it had in a test; what simply serves has none."""
    return f"{item['role']} of {item['experiment']}" if item["experiment"] else ""


def _picture(item: Prediction) -> str:
    return f"{item['image_width']} x {item['image_height']} px" if item["image_width"] else ""


def prediction_page(item: Prediction, feedback: Sequence[Mapping[str, Any]], console: Console) -> None:
    """One prediction with all there is of it."""
    hanging(console, text(item["prediction_id"], "bold"), 0)
    console.print(outcome_text(item))
    took = ", ".join(
        f"{figure(item[key])} ms {name}"
        for key, name in (
            ("latency_ms", "in all"),
            ("upstream_ms", "of the model server"),
            ("first_byte_ms", "to the first byte"),
        )
        if item[key] is not None
    )
    facts(
        console,
        [
            ("at (UTC)", moment(item["at"])),
            ("model", f"{_model(item)} (variant {item['variant']})" if item["variant"] else _model(item)),
            ("role", f"{item['role']} of {item['experiment']}, epoch {item['epoch']}" if _part(item) else item["role"]),
            ("unit", item["unit"]),
            ("slice", item["slice"]),
            ("took", took),
            ("image", _picture(item)),
            ("kept as", item["sample_id"] or ""),
            ("sent", f"{size(item['request_bytes'])}, answered with {size(item['response_bytes'])}"),
            ("dialect", item["dialect"]),
            ("request", item["client_request_id"]),
            ("trace", item["trace_id"]),
        ],
    )
    console.print()
    _detections(item, console)
    if feedback:
        console.print()
        _feedback(feedback, console)


def _detections(item: Prediction, console: Console) -> None:
    found = item["detections"]
    if not found:
        console.print(text("detections are not known" if found is None else "the model saw nothing", "dim"))
        return
    unit = "0..1" if found[0]["normalised"] else "pixels"
    made = table("detection", "class", "score", f"box x1,y1,x2,y2 ({unit})", right=("detection", "score"))
    for place, each in enumerate(found[:BOXES_SHOWN]):
        style = "" if is_counted(item, each) else "dim"
        values = (place, each["label"], number(each["confidence"], 2), box_text(each["box"]))
        row(made, *(text(value, style) for value in values))
    console.print(made)
    if len(found) > BOXES_SHOWN:
        console.print(text(f"and {len(found) - BOXES_SHOWN:,} more", "dim"))
    under = len(found) - len(counted_labels(item))
    if under:
        console.print(text(f"{under:,} under the threshold of {item['score_threshold']:g}: they do not count", "dim"))


def _feedback(feedback: Sequence[Mapping[str, Any]], console: Console) -> None:
    feedback_lines(feedback[:FEEDBACK_SHOWN], console)
    if len(feedback) > FEEDBACK_SHOWN:
        console.print(text(f"and {len(feedback) - FEEDBACK_SHOWN:,} more", "dim"))
