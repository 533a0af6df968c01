"""The live view of ``sidecar top``: lines that fit a terminal of any size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rich.text import Text

from sidecar.cli.columns import Column, cropped, table_lines
from sidecar.cli.figures import rate_of
from sidecar.cli.show_trials import share_text
from sidecar.cli.tables import text
from sidecar.cli.text import figure, moment, number, percent, whose

NAME_MAX = 30
CLASS_MAX = 16
BAR_WIDTH = 8
FAULTS_SHOWN = 3
CLASSES_WANTED = 40
SPARKS_MIN, SPARKS_MAX = 4, 60
SECTION_MIN = 4
"""Lines of which a section makes something: an empty one, its heading and two more."""
_SPARKS = "▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_KINDS = {"ab_test": "A/B test", "shadow_test": "shadow test"}
_SHADOW = "shadow"
Live = Mapping[str, Any]
Model = Mapping[str, Any]


class View(NamedTuple):
    """What is to be shown: figures, whose they are, requests a second of before, and what to say of the connection.

    ``hint`` is how to leave; empty where there is nothing to leave.
    """

    live: Live
    address: str
    rates: Sequence[float] = ()
    notice: str = ""
    bad: bool = False
    hint: str = ""


class Section(NamedTuple):
    """A heading and its lines; ``more`` is what the rest is called where not all fit, ``beyond`` how many there are
    that nobody has told of."""

    heading: Text
    lines: list[Text]
    more: str
    beyond: int = 0


def screen(view: View, width: int, height: int | None) -> list[Text]:
    """At most ``height`` lines of at most ``width`` cells; ``height`` None: as many as there are."""
    head = _head(view, width)
    sections = [_models(view.live["models"], view.live["left_out"], width), _tests(view.live["tests"], width)]
    sections.append(_classes(view.live["models"], width))
    sections = [section for section in sections if section.lines]
    if not view.live["models"]:
        head += [Text(), text("no requests yet")]
    while height is not None and len(sections) > 1 and height - len(head) < SECTION_MIN * len(sections):
        sections.pop()
    wanted = [len(section.lines) + bool(section.beyond) for section in sections]
    room = sum(wanted) if height is None else height - len(head) - 2 * len(sections)
    for section, rows in zip(sections, shared_out(wanted, room), strict=True):
        if rows:
            head += [Text(), section.heading, *_as_fits(section, rows)]
    return [cropped(line, width) for line in (head if height is None else head[:height])]


def shared_out(wanted: Sequence[int], room: int) -> list[int]:
    """How many lines each section gets: a line each in turn, until none is left.

    >>> shared_out([2, 1, 9], 8), shared_out([3, 3], 0)
    ([2, 1, 5], [0, 0])
    """
    given = [0] * len(wanted)
    while room > 0 and given != list(wanted):
        for place, most in enumerate(wanted):
            if given[place] < most and room > 0:
                given[place] += 1
                room -= 1
    return given


def _as_fits(section: Section, rows: int) -> list[Text]:
    if rows >= len(section.lines) + bool(section.beyond):
        shown, left_out = section.lines, section.beyond
    else:
        shown = section.lines[: rows - 1]
        left_out = len(section.lines) - len(shown) + section.beyond
    return [*shown, text(f"and {left_out:,} more {section.more}", "dim")] if left_out else shown


def _head(view: View, width: int) -> list[Text]:
    """Whose figures, of when; all requests together; what is wrong."""
    live = view.live
    lines = [_title(view, width), _totals(view, width)]
    if view.notice:
        lines.append(text(view.notice, "bold red" if view.bad else "green"))
    faults = list(live["faults"])
    lines += [Text.assemble(text("fault  ", "bold red"), text(fault, "red")) for fault in faults[:FAULTS_SHOWN]]
    if len(faults) > FAULTS_SHOWN:
        lines.append(text(f"and {len(faults) - FAULTS_SHOWN:,} more faults", "red"))
    return lines


def _title(view: View, width: int) -> Text:
    """The address, at the other end the time and the way out; where all that does not fit, less of the time."""
    left = Text.assemble(text("sidecar  ", "bold"), text(view.address))
    at = moment(view.live["at"])
    ends = ["   ".join(part for part in (when, view.hint) if part) for when in (f"{at} UTC", at[11:], "")]
    right = next((end for end in ends if left.cell_len + 2 + len(end) <= width), "")
    return Text.assemble(left, " " * (width - left.cell_len - len(right)), text(right, "dim")) if right else left


def _totals(view: View, width: int) -> Text:
    live = view.live
    said = Text.assemble(text(f"{figure(rate_of(live))} requests/s", "bold"), "  ")
    share = _failing(live["models"])
    said.append_text(Text.assemble("errors ", text(percent(share), _error_style(share))))
    alerts = {state: n for state in ("firing", "pending") if (n := live["alerts"].get(state))}
    told = ", ".join(f"{n:,} {state}" for state, n in alerts.items())
    said.append_text(Text.assemble("  alerts ", text(told or "none", _alert_style(alerts))))
    if live["dropped"]:
        said.append_text(text(f"  dropped {live['dropped']:,}", "yellow"))
    room = min(width - said.cell_len - 2, SPARKS_MAX)
    if len(view.rates) > 1 and room >= SPARKS_MIN:
        said.append(f"  {sparks(view.rates[-room:])}", "cyan")
    return said


def _failing(models: Sequence[Model]) -> float | None:
    """The share of requests that fail, of all that serve."""
    serving = [item for item in models if item["role"] != _SHADOW and item["error_rate"] is not None]
    rate = sum(item["requests_per_s"] for item in serving)
    return sum(item["requests_per_s"] * item["error_rate"] for item in serving) / rate if rate else None


def _alert_style(alerts: Mapping[str, int]) -> str:
    return "bold red" if alerts.get("firing") else "yellow" if alerts else ""


def _error_style(share: float | None) -> str:
    return "" if not share else "bold red" if share >= 0.05 else "yellow"


def _models(models: Sequence[Model], left_out: int, width: int) -> Section:
    """A line each version in each role; but for their names all of the last minute."""
    columns = [
        Column("model", [_name(item) for item in models], least=8, most=NAME_MAX),
        Column("role", [text(item["role"], "dim") for item in models], drop=3),
        Column("requests/s", [text(figure(item["requests_per_s"])) for item in models], "req/s", right=True),
        Column(
            "errors",
            [text(percent(item["error_rate"]), _error_style(item["error_rate"])) for item in models],
            right=True,
        ),
        *(_latency(models, quantile, drop) for quantile, drop in (("p50", 2), ("p95", 0), ("p99", 1))),
        Column("confidence", [text(number(item["avg_confidence"], 2)) for item in models], "conf.", right=True, drop=4),
        Column(
            "boxes/image", [text(number(item["detections_per_image"], 1)) for item in models], "boxes", True, drop=5
        ),
        Column("no boxes", [text(percent(item["no_detection_rate"])) for item in models], "none", True, drop=6),
    ]
    heading, lines = table_lines(columns, width)
    return Section(heading, lines, "versions", left_out)


def _name(item: Model) -> Text:
    return text(whose(f"{item['model']}@{item['version']}"))


def _latency(models: Sequence[Model], quantile: str, drop: int) -> Column:
    values = [text(figure(item["latency"][f"{quantile}_ms"])) for item in models]
    return Column(f"{quantile} ms", values, right=True, drop=drop)


def _tests(tests: Sequence[Mapping[str, Any]], width: int) -> Section:
    """A line each test that is under way: what gets which share."""
    columns = [
        Column("test", [text(item["id"], "bold") for item in tests], least=8, most=NAME_MAX),
        Column("kind", [text(_KINDS.get(item["kind"], item["kind"])) for item in tests], drop=2),
        Column("status", [text(item["status"], "" if item["status"] == "running" else "yellow") for item in tests]),
        Column("model", [text(item["model"] or "*") for item in tests], least=6, most=NAME_MAX, drop=1),
        Column("shares", [text(_shares(item)) for item in tests], least=12, most=width),
    ]
    heading, lines = table_lines(columns, width)
    return Section(heading, lines, "tests")


def _shares(test: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {share_text(share)}" for name, share in test["shares"].items())


def _classes(models: Sequence[Model], width: int) -> Section:
    """A line each class, the most frequent first: its share of the boxes of each version, as a number and as a bar.
    The bars of all versions have one scale."""
    counts = _counts(models)
    totals: Counter[str] = Counter()
    for counted in counts.values():
        totals.update(counted)
    labels = sorted(totals, key=lambda label: (-totals[label], label))[:CLASSES_WANTED]
    shares = {name: [found[label] / found.total() for label in labels] for name, found in counts.items()}
    most = max((share for found in shares.values() for share in found), default=0.0)
    columns = [Column("class", [text(label) for label in labels], least=6, most=CLASS_MAX)]
    for place, (name, found) in enumerate(shares.items()):
        cells = [Text.assemble((bar(share / most, BAR_WIDTH), "cyan"), f" {percent(share):>7}") for share in found]
        columns.append(Column(name, cells, least=BAR_WIDTH + 8, most=BAR_WIDTH + 8, drop=place))
    heading, lines = table_lines(columns, width)
    return Section(heading, lines, "classes")


def _counts(models: Sequence[Model]) -> dict[str, Counter[str]]:
    """Boxes by class of each version that has any, all roles together but for that of a shadow."""
    found: dict[str, Counter[str]] = {}
    for item in models:
        if any(item["classes"].values()):
            name = f"{_name(item).plain} (shadow)" if item["role"] == _SHADOW else _name(item).plain
            found.setdefault(name, Counter()).update(item["classes"])
    return found


def bar(share: float, width: int) -> str:
    """``share`` of ``width`` cells, to an eighth of a cell.

    >>> bar(0.5, 4), bar(0.03125, 4), bar(1.0, 4)
    ('██  ', '▏   ', '████')
    """
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (_EIGHTHS[rest] if rest else "")).ljust(width)


def sparks(values: Sequence[float]) -> str:
    """Values over time, a character each, the greatest at full height.

    >>> sparks([0, 5, 10])
    '▁▅█'
    """
    most = max(values, default=0.0)
    return "".join(_SPARKS[round(max(value, 0.0) / most * (len(_SPARKS) - 1)) if most else 0] for value in values)
