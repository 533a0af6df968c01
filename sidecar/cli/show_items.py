"""Images in review as a person reads them in a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from rich.console import Console
from rich.text import Text

from sidecar.cli.tables import facts, hanging, row, table, text
from sidecar.cli.text import NOTHING, figure, moment, number, percent, whose

CLASSES_SHOWN = 6
EVENTS_SHOWN = 10
BOXES_SHOWN = 100
INDENT = 2
HIDDEN = "(hidden until it is reviewed)"
_STYLES = {"needs_review": "yellow", "in_review": "cyan", "labeled": "green", "rejected": "dim"}
Item = Mapping[str, Any]


def status_text(item: Item) -> Text:
    """The status in its colour."""
    return text(item["status"], _STYLES.get(item["status"], ""))


def counts_text(names: Sequence[str]) -> str:
    """Classes and how often they come, the most frequent first.

    >>> counts_text(["cat", "dog", "dog"]), counts_text([])
    ('2 dog, 1 cat', 'nothing')
    """
    found = Counter(names).most_common()
    shown = ", ".join(f"{n:,} {name}" for name, n in found[:CLASSES_SHOWN])
    return (shown + (" and others" if len(found) > CLASSES_SHOWN else "")) or "nothing"


def is_counted(item: Item, detection: Mapping[str, Any]) -> bool:
    """Whether a detection reaches the operating point; one without a score does."""
    score = detection["score"]
    return score is None or not isfinite(score) or bool(score >= item["score_threshold"])


def seen_text(item: Item) -> str:
    """What is in an image: by its labels, else by its detections at or above the operating point."""
    if item["labels"] is not None:
        return f"labels: {counts_text([label['label'] for label in item['labels']])}"
    if item["detections"] is None:
        return "detections not known"
    return f"seen: {counts_text([found['label'] for found in item['detections'] if is_counted(item, found)])}"


def items_lines(items: Sequence[Item], console: Console) -> None:
    """Items, two lines each: status, queue, value and id; below it what was seen, by whom, why and when."""
    statuses = max(len(item["status"]) for item in items)
    for item in items:
        status = status_text(item)
        status.pad_right(statuses + 2 - len(status))
        of_queue = text(f"{item['queue']}  {number(item['value'], 2)}  ")
        head = Text.assemble(status, of_queue)
        hanging(console, text(item["id"], "bold"), len(head), head)
        said = [seen_text(item), item["verdict"] or "", _model(item) or ""]
        said += [", ".join(item["reasons"]) if item["reasons"] else "", item["unit"] or ""]
        said += [f"{moment(item['at'])[:16]} UTC", f"claimed by {item['claimed_by']}" if item["claimed_by"] else ""]
        hanging(console, text("; ".join(part for part in said if part), "dim"), INDENT, Text(" " * INDENT))


def _model(item: Item) -> str | None:
    return None if item["model"] is None else whose(f"{item['model']}@{item['version']}")


def item_page(item: Item, image: str, console: Console, events: Sequence[Mapping[str, Any]] = ()) -> None:
    """One item: where its image is, what the model saw, what reviewers said."""
    hidden = item["model"] is None
    hanging(console, text(item["id"], "bold"), 0)
    by = f" by {item['claimed_by']} until {moment(item['claimed_until'])[:16]} UTC" if item["claimed_by"] else ""
    hanging(console, Text.assemble(status_text(item), text(by)), 0)
    reviewed = f"{item['reviewed_by']} at {moment(item['reviewed_at'])[:16]} UTC" if item["reviewed_at"] else ""
    facts(
        console,
        [
            ("image", image),
            ("size", f"{item['width']} x {item['height']} px, {item['media_type']}"),
            ("dataset", item["dataset_id"] + (f", {item['split']}" if item["split"] else "")),
            ("queue", f"{item['queue']}, value {number(item['value'], 2)}"),
            ("model", HIDDEN if hidden else _model(item)),
            ("kept for", "" if not item["reasons"] else ", ".join(item["reasons"])),
            ("kept with", f"a chance of {percent(item['probability'])}"),
            ("unit", item["unit"] or ""),
            ("at (UTC)", moment(item["at"])),
            ("prediction", item["prediction_id"] or ""),
            ("request", item["client_request_id"]),
            ("reviewed by", reviewed),
            ("verdict", item["verdict"] or ""),
        ],
    )
    _detections(item, console)
    _labels(item, console)
    if events:
        console.print()
        events_table(events[:EVENTS_SHOWN], console)


def box_text(box: Sequence[float | None]) -> str:
    """A box as it is typed, to three digits."""
    return ",".join(figure(edge).replace(",", "") for edge in box)


def _detections(item: Item, console: Console) -> None:
    console.print()
    found = item["detections"]
    if not found:
        console.print(text("what the model saw is not known" if found is None else "the model saw nothing", "dim"))
        return
    made = table("detection", "class", "score", "box x1,y1,x2,y2", right=("detection", "score"))
    for detection in found[:BOXES_SHOWN]:
        style = "" if is_counted(item, detection) else "dim"
        score = number(detection["score"], 2)
        values = (detection["index"], detection["label"], score, box_text(detection["box"]))
        row(made, *(text(value, style) for value in values))
    console.print(made)
    _rest(len(found), console)
    under = sum(not is_counted(item, detection) for detection in found)
    if under:
        console.print(text(f"{under:,} under the threshold of {item['score_threshold']:g}: they do not count", "dim"))


def _labels(item: Item, console: Console) -> None:
    labels = item["labels"]
    if labels is None:
        return
    console.print()
    if not labels:
        console.print("labels: nothing is there")
        return
    made = table("label", "box x1,y1,x2,y2")
    for label in labels[:BOXES_SHOWN]:
        row(made, label["label"], box_text(label["box"]))
    console.print(made)
    _rest(len(labels), console)


def _rest(boxes: int, console: Console) -> None:
    if boxes > BOXES_SHOWN:
        console.print(text(f"and {boxes - BOXES_SHOWN:,} more", "dim"))


def item_line(item: Item, console: Console) -> None:
    """How an item stands, in a line."""
    said = f"{item['id']}: {item['status']}"
    if item["status"] == "labeled":
        said += f", {seen_text(item)}" + (f", {item['verdict']}" if item["verdict"] else "")
    console.print(text(said), soft_wrap=True)


def events_table(events: Sequence[Mapping[str, Any]], console: Console, items: bool = False) -> None:
    """Who did what, newest first; ``items``: with whose item it was."""
    columns = ("at (UTC)", "by", "action", *(("item",) if items else ()), "status after")
    made = table(*columns, whole=("at (UTC)", "action"))
    for event in events:
        item = (event["item_id"],) if items else ()
        reason = event["after"].get("reason", "") if event["action"] == "reject" else ""
        after = event["to_status"] + (f": {reason}" if reason else "")
        after += "" if event["undone"] is None else " (undone)"
        row(made, moment(event["at"]), event["by"] or NOTHING, event["action"], *item, after)
    console.print(made)
