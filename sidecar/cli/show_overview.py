"""The overview of a range as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple

from rich.console import Console
from rich.text import Text

from sidecar.cli.columns import Column, cropped, table_lines
from sidecar.cli.tables import hanging, text
from sidecar.cli.text import NOTHING, figure, moment, number, percent, span, whose

NAME_MAX = 30
CLASS_MAX = 24
SPARKS_WIDTH = 24
EVENTS_SHOWN = 10
SPARKS = "▁▂▃▄▅▆▇█"
GAP = " "
_SHADOW = "shadow"
_BEFORE, _BASELINE = "before", "baseline"
Figures = Mapping[str, Any]
Overview = Mapping[str, Any]


class Row(NamedTuple):
    """A figure: what it is called, how it is written, whether a greater one is worse, and whether its line over time
    begins at zero."""

    name: str
    field: str
    shown: Callable[[float | None], str]
    worse: bool = False
    from_zero: bool = False


ROWS = (
    Row("requests/s", "request_rate", figure, from_zero=True),
    Row("errors", "error_rate", percent, worse=True, from_zero=True),
    Row("p50 ms", "p50_latency_ms", figure, worse=True),
    Row("p90 ms", "p90_latency_ms", figure, worse=True),
    Row("p99 ms", "p99_latency_ms", figure, worse=True),
    Row("confidence", "avg_confidence", lambda value: number(value, 3)),
    Row("boxes/image", "detections_per_image", lambda value: number(value, 2)),
    Row("no boxes", "no_detection_rate", percent),
)


def overview_page(found: Overview, compare: str, address: str, console: Console) -> None:
    """The sentence first, then all that serves, versions, classes and events. ``compare`` is what was asked for:
    previous, baseline or auto."""
    when = text(f"{address}  {span(round(found['since']), round(found['until']))} UTC", "dim")
    console.print(cropped(when, console.width), soft_wrap=True)
    hanging(console, text(found["sentence"], "bold"), 0)
    if not found["versions"]:
        return
    sections = [_totals(found, compare), _versions(found, compare), _classes(found)]
    for columns in sections:
        heading, lines = table_lines(columns, console.width)
        if lines:
            console.print()
            for line in (heading, *lines):
                console.print(cropped(line, console.width), soft_wrap=True)
        if columns is sections[1]:
            _borrowed_lines(found, compare, console)
    if found["left_out"]:
        console.print(text(f"and {found['left_out']:,} more versions", "dim"))
    if found["markers"]:
        console.print()
        console.print(text("what came about (UTC)", "bold"))
        event_lines(found["markers"][:EVENTS_SHOWN], console)
        more = len(found["markers"]) - EVENTS_SHOWN + found["markers_left_out"]
        if more > 0:
            console.print(text(f"and {more:,} more: sidecar events", "dim"))


def event_lines(events: Iterable[Mapping[str, Any]], console: Console) -> None:
    """A line each: when, and what."""
    for event in events:
        head = text(f"{moment(event['at'])[:16]}  ", "dim")
        hanging(console, text(event["text"], "red" if event["kind"] == "alert_fired" else ""), len(head), head)


def _totals(found: Overview, compare: str) -> list[Column]:
    """A line each figure of all that serves: now, what it is compared with, and over time where one version serves.
    The time before and the baseline both stand there where nobody said which."""
    totals = found["totals"]
    sides = [("now", totals["now"])]
    if compare != _BASELINE or totals["baseline"] is None:
        sides.append((_BEFORE, totals["previous"]))
    if compare != "previous" and totals["baseline"] is not None:
        sides.append((_BASELINE, totals["baseline"]))
    reference, against = sides[-1]
    columns = [Column("all that serves", [text("requests"), *(text(row.name) for row in ROWS)])]
    for name, side in sides:
        cells = [text(f"{side['requests']:,}" if name != _BASELINE else NOTHING)]
        cells += [text(row.shown(side[row.field]), "bold" if name == "now" else "") for row in ROWS]
        columns.append(Column(name, cells, right=True))
    changes = [text(NOTHING, "dim"), *(_change(row, totals["now"], against) for row in ROWS)]
    columns.append(Column(f"from {reference}", changes, right=True, drop=2))
    serving = [item for item in found["series"] if item["role"] != _SHADOW]
    if len(serving) == 1:
        lines = [Text(), *(text(sparks(serving[0][row.field], row.from_zero), "cyan") for row in ROWS)]
        columns.append(Column("over time", lines, drop=3))
    return columns


def _change(row: Row, now: Figures, before: Figures) -> Text:
    """How much more or less, of its own; of shares in points."""
    ends = (now[row.field], before[row.field])
    if any(end is None or not isfinite(end) for end in ends):
        return text(NOTHING, "dim")
    if row.shown is percent:
        return text(f"{100 * (ends[0] - ends[1]):+.1f} pp".replace("-0.0 pp", "+0.0 pp"))
    # nothing is no less than nothing
    return text(f"{100 * (ends[0] / ends[1] - 1):+.0f} %".replace("-0 %", "+0 %") if ends[1] else NOTHING)


def _versions(found: Overview, compare: str) -> list[Column]:
    """A line each version, and one below it with what it is compared with, if there is anything."""
    lines: list[tuple[Text, Text, Figures, str]] = []
    over_time: list[Text] = []
    for item, series in zip(found["versions"], found["series"], strict=True):
        name = text(whose(f"{item['model']}@{item['version']}"), "bold")
        lines.append((name, text(item["role"], "dim"), item["now"], ""))
        over_time.append(text(sparks(series["request_rate"], True), "cyan"))
        called, reference = _reference(item, compare)
        if reference is not None:
            lines.append((text(f"  {called}", "dim"), Text(), reference, "dim"))
            over_time.append(Text())
    drops = {"p50_latency_ms": 3, "p99_latency_ms": 2, "no_detection_rate": 5, "detections_per_image": 4}
    return [
        Column("version", [line[0] for line in lines], least=8, most=NAME_MAX),
        Column("role", [line[1] for line in lines], drop=6),
        *(
            Column(
                row.name,
                [text(row.shown(line[2][row.field]), line[3]) for line in lines],
                right=True,
                drop=drops.get(row.field, 0),
            )
            for row in ROWS
        ),
        Column("requests over time", over_time, drop=7),
    ]


def _reference(item: Mapping[str, Any], compare: str) -> tuple[str, Figures | None]:
    if compare != "previous" and item["baseline"] is not None:
        return _BASELINE, item["baseline"]
    return _BEFORE, item["previous"] if compare != _BASELINE and item["previous"]["requests"] else None


def _borrowed_lines(found: Overview, compare: str, console: Console) -> None:
    """Whose baseline it is, of versions that have none of their own."""
    for item in found["versions"] if compare != "previous" else ():
        own = f"{item['model']}@{item['version']}" if item["version"] else item["model"]
        if item["baseline"] is not None and item["baseline_model_id"] != own:
            said = f"{whose(own)} has no baseline of its own: that of {whose(item['baseline_model_id'])} is taken"
            hanging(console, text(said, "dim"), 0)


def _classes(found: Overview) -> list[Column]:
    """A line each class, the most frequent first: its share of all boxes, and how it went over time."""
    classes = found["classes"]
    whole = [sum(counts) for counts in zip(*(item["detections"] for item in classes), strict=True)]
    cells: list[tuple[Text, Text, Text]] = []
    for item in classes:
        name = text("all others", "dim") if item["is_rest"] else text(item["label"])
        share = percent(sum(item["detections"]) / sum(whole)) if sum(whole) else NOTHING
        shares = [count / of if of else None for count, of in zip(item["detections"], whole, strict=True)]
        cells.append((name, text(share), text(sparks(shares, True), "cyan")))
    return [
        Column("class", [cell[0] for cell in cells], least=8, most=CLASS_MAX),
        Column("share of boxes", [cell[1] for cell in cells], "share", right=True),
        Column("over time", [cell[2] for cell in cells], drop=1),
    ]


def sparks(values: Sequence[float | None], from_zero: bool, width: int = SPARKS_WIDTH) -> str:
    """Values over time in at most ``width`` characters: each is the mean of its part of the time, a gap where there was
    nothing. The lowest is at the bottom, or zero is where ``from_zero``; the highest is at the top.

    >>> sparks([0, 5, 10], True), sparks([5, None, 10, 10], False), sparks([1.0] * 100, True, 4), sparks([], True)
    ('▁▅█', '▁ ██', '████', '')
    """
    parts = min(width, len(values))
    means: list[float | None] = []
    for part in range(parts):
        cut = values[part * len(values) // parts : (part + 1) * len(values) // parts]
        known = [value for value in cut if value is not None]
        means.append(sum(known) / len(known) if known else None)
    seen = [mean for mean in means if mean is not None]
    low = min([0.0, *seen]) if from_zero else min(seen, default=0.0)
    room = max(seen, default=0.0) - low
    return "".join(GAP if mean is None else SPARKS[_height(mean - low, room)] for mean in means)


def _height(above: float, room: float) -> int:
    return round(above / room * (len(SPARKS) - 1)) if room > 0 else 0
