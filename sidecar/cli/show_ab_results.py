"""The results of an A/B test as a person reads them in a terminal: what it is, what it says, what that rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor, isfinite, log10
from typing import Any

from rich.console import Console
from rich.text import Text

from sidecar.cli.show_ab_test import decision_text, ramp_text, traffic_text, variant_text
from sidecar.cli.show_trials import head_lines, is_active, notes, p_text, share_text
from sidecar.cli.tables import hanging, row, table, text
from sidecar.cli.text import NOTHING, figure, percent

LABEL_MAX = 6
"""Characters of a variant's name that may head a column; where one is longer, all are called by letters."""
VERDICT_LABEL_MAX = 4
"""Characters of it that may head the column of verdicts, which is no wider than its words."""
_LETTERS = "ABCDEFGHIJ"
_STYLES = {"b_better": "bold green", "a_better": "bold green", "invalid": "bold red", "mixed": "bold yellow"}
_DECISIONS = {"safe": ("safe", "green"), "harmful": ("harmful", "bold red"), "not_yet": ("not known yet", "yellow")}
_MARKS = {"better": "bold green", "worse": "bold red", "higher": "bold", "lower": "bold"}
Document = Mapping[str, Any]


def results_page(test: Document, results: Document, console: Console) -> None:
    """``test`` is what get of it gives, ``results`` what its results give."""
    labels = labels_of(test["variants"])
    head_lines(test, traffic_text(test), console, results["at"] if results["frozen"] else None)
    console.print()
    hanging(console, text(results["sentence"], _STYLES.get(results["verdict"], "bold")), 0)
    console.print()
    _variants(test, results, labels, console)
    if any(item["n"] for item in results["variants"].values()):
        _units(test, results["srm"], labels, console)
        for comparison in results["comparisons"]:
            _comparison(test, comparison, labels, len(results["comparisons"]) > 1, console)
        _legend(results, labels, console)
    _what_next(test, results, console)
    notes(results["notes"], console)
    notes(test["warnings"], console, "warning", "yellow")


def labels_of(variants: Sequence[Document]) -> dict[str, str]:
    """What each variant is called on a page, by its name: that name, or a letter where names are long.

    >>> labels_of([{"variant": "stable"}, {"variant": "next"}])
    {'stable': 'stable', 'next': 'next'}
    >>> labels_of([{"variant": "production"}, {"variant": "next"}])
    {'production': 'A', 'next': 'B'}
    """
    names = [str(item["variant"]) for item in variants]
    if all(text(name).cell_len <= LABEL_MAX for name in names):
        return {name: name for name in names}
    # a variant that is itself called by another one's letter would be mistaken for it
    clash = any(name in _LETTERS and _LETTERS.index(name) != place for place, name in enumerate(names))
    return {name: f"{place + 1})" if clash else _LETTERS[place] for place, name in enumerate(names)}


def _variants(test: Document, results: Document, labels: Mapping[str, str], console: Console) -> None:
    """What each variant is, and a table of its figures over all epochs."""
    width = max(text(label).cell_len for label in labels.values()) + 2
    for place, item in enumerate(test["variants"]):
        name = str(item["variant"])
        head = text(labels[name], "bold")
        head.pad_right(width - head.cell_len)
        known = (item["id"] if labels[name] == name else variant_text(item)).removesuffix("@")
        share = f", {share_text(item['share'])}" if test["status"] == "running" else ""
        hanging(console, text(f"{known}{'' if place else ', control'}{share}"), width, head)
    found = {labels[name]: figures for name, figures in results["variants"].items() if name in labels}
    if any(figures["n"] for figures in found.values()):
        console.print()
        _figures(found, test["unit"], console)
        _feedback_note(found, console)


def _figures(found: Mapping[str, Document], unit: str, console: Console) -> None:
    shown = ["requests", "images", "errors", "p50, ms", "p99, ms"]
    lasting_units = any(figures["n"] != figures["requests"] for figures in found.values())
    if lasting_units:
        shown.insert(0, {"request": "analysed", "client": "clients"}.get(unit, "units"))
    made = table("variant", *shown, right=shown)
    for label, figures in found.items():
        row(
            made,
            text(label, "bold"),
            *([f"{figures['n']:,}"] if lasting_units else []),
            f"{figures['requests']:,}",
            f"{figures['images']:,}",
            percent(figures["error_rate"]),
            figure(figures["p50_latency_ms"]),
            figure(figures["p99_latency_ms"]),
        )
    console.print(made)


def _feedback_note(found: Mapping[str, Document], console: Console) -> None:
    """How many have feedback."""
    if any(figures["n_feedback"] for figures in found.values()):
        of_each = ", ".join(f"{figures['n_feedback']:,} of {label}" for label, figures in found.items())
        hanging(console, text(f"With feedback: {of_each}.", "dim"), 0)


def _units(test: Document, srm: Document, labels: Mapping[str, str], console: Console) -> None:
    """Whether units arrived as they were to be split."""
    names = [name for name in labels if name in srm["observed"]]
    observed = " : ".join(f"{srm['observed'][name]:,}" for name in names)
    expected = " : ".join(f"{srm['expected'][name]:,.1f}".removesuffix(".0") for name in names)
    unit = {"request": "requests", "client": "clients"}.get(test["unit"], "units")
    said = f"{observed} {unit} arrived, {expected} expected: "
    if srm["ok"]:
        verdict = text(f"as split (p = {p_text(srm['p_value'])})", "green")
    else:
        p_value = p_text(srm["p_value"])
        is_so = p_value if p_value.startswith("<") else f"= {p_value}"
        verdict = text(f"NOT as split (p {is_so}), so nothing below can be trusted", "bold red")
    console.print()
    hanging(console, Text.assemble(text(said), verdict), 0)


def _comparison(
    test: Document, comparison: Document, labels: Mapping[str, str], several: bool, console: Console
) -> None:
    """A treatment's metrics and guardrails, against control."""
    control = next(iter(labels.values()))
    treatment = labels.get(comparison["variant"], comparison["variant"])
    console.print()
    if several:
        words = _verdict_words(comparison, control, treatment, is_active(test))
        head = text(f"{treatment} against {control}: ", "bold")
        console.print(Text.assemble(head, text(words, _STYLES.get(comparison["verdict"], "bold"))))
    _metrics_table(comparison, control, treatment, console)
    if comparison["guardrails"]:
        console.print()
        floors = {item["metric"]: item["floor"] for item in test["guardrails"]}
        _guardrails_table(comparison["guardrails"], floors, control, treatment, console)


def _verdict_words(comparison: Document, control: str, treatment: str, active: bool) -> str:
    """A comparison's verdict; mixed is only what something speaks for and something against."""
    verdict = str(comparison["verdict"])
    if verdict == "mixed" and not _speaks_for_both(comparison):
        return "different, unclear which is better"
    if verdict == "no_difference_yet" and comparison["reasons"][0].startswith("too few units"):
        return "too few units"
    return {
        "b_better": f"{treatment} is better",
        "a_better": f"{control} is better",
        "no_difference_yet": f"no sure difference {'yet' if active else 'found'}",
    }.get(verdict, verdict)


def _speaks_for_both(comparison: Document) -> bool:
    favours = {metric["favours"] for metric in comparison["metrics"].values()}
    harmful = any(item["decision"] == "harmful" for item in comparison["guardrails"])
    return "model_b" in favours and ("model_a" in favours or harmful)


def _metrics_table(comparison: Document, control: str, treatment: str, console: Console) -> None:
    right = (control, treatment, "change", "bounds", "p")
    verdict = f"{treatment} is" if len(treatment) <= VERDICT_LABEL_MAX else "verdict"
    made = table("metric", *right, verdict, right=right, whole=(verdict,))
    for metric in comparison["metrics"].values():
        scale, digits = _scale(metric)
        values = [_value(metric[side], scale, digits) for side in ("model_a", "model_b")]
        mark = _mark(metric, comparison["verdict"] == "invalid")
        label = metric["metric"] + {"ms": ", ms", "share": ", %"}.get(metric["unit"], "")
        row(
            made,
            text(label, "bold" if metric["primary"] else ""),
            *values,
            _change(metric, scale, digits),
            _bounds(metric, scale, digits),
            p_text(metric["p_adjusted"]),
            text(mark, _MARKS.get(mark, "dim")),
        )
    console.print(made)
    fixed = [(metric["metric"], p_text(metric["p_value_fixed_horizon"])) for metric in comparison["metrics"].values()]
    if told := ", ".join(f"{name} {p_value}" for name, p_value in fixed if p_value != NOTHING):
        hanging(console, text(f"Fixed-horizon p, which holds for a single look only: {told}.", "dim"), 0)


def _scale(metric: Document) -> tuple[float, int]:
    """(times what a metric is shown, digits after the point): four digits that count, three for a confidence."""
    scale = 100.0 if metric["unit"] == "share" else 1.0
    found = [abs(metric[side]) for side in ("model_a", "model_b") if metric[side] is not None]
    largest = max((value for value in found if isfinite(value)), default=0.0) * scale
    if largest <= 0:
        return scale, 2
    return scale, min(3, max(0, 3 - floor(log10(largest))))


def _value(value: float | None, scale: float, digits: int, sign: str = "") -> str:
    if value is None or not isfinite(value):
        return NOTHING
    shown = f"{value * scale:{sign},.{digits}f}"
    return shown[1:] if shown[0] == "-" and not shown.strip("-0.,") else shown


def _is_ratio(metric: Document) -> bool:
    return bool(metric["confidence_sequence_of"] == "ratio")


def _change(metric: Document, scale: float, digits: int) -> str:
    relative = metric["relative_difference"]
    if _is_ratio(metric):
        return NOTHING if relative is None or not isfinite(relative) else f"{figure(1 + relative)} x"
    return _value(metric["difference"], scale, digits, "+")


def _bounds(metric: Document, scale: float, digits: int) -> str:
    """Between which the change is, always valid; a side may be open."""
    low, high = metric["confidence_sequence"]
    ratio = _is_ratio(metric)
    unit = " x" if ratio else ""
    known = [side for side in (low, high) if side is not None and isfinite(side)]
    shown = [figure(side) if ratio else _value(side, scale, digits, "+") for side in known]
    if len(known) == 2:
        return f"{shown[0]} to {shown[1]}{unit}"
    if not known or (ratio and known == [0.0]):
        return NOTHING  # that a ratio is over 0 is no news
    return f"{'over' if high is None or not isfinite(high) else 'under'} {shown[0]}{unit}"


def _mark(metric: Document, void: bool) -> str:
    """What the treatment is in this metric, as far as that is sure; nothing is where the comparison is ``void``."""
    if metric["difference"] is None or not isfinite(metric["difference"]):
        return "no data"
    if not metric["significant"]:
        return "unclear"
    if void:
        return "void"
    if metric["favours"]:
        return "better" if metric["favours"] == "model_b" else "worse"
    return "higher" if metric["difference"] > 0 else "lower"


def _guardrails_table(
    guardrails: Sequence[Document], floors: Mapping[str, float], control: str, treatment: str, console: Console
) -> None:
    """``floors`` are rates by metric under which a treatment is safe whatever control's is; 0 is none."""
    right = (f"limit, x {control}", "or under", f"{treatment}, x {control}")
    made = table("guardrail", *right, "decision", right=right)
    for item in guardrails:
        decision, style = _DECISIONS.get(item["decision"], (item["decision"], ""))
        floor = floors.get(item["metric"])
        under = share_text(floor) if floor else NOTHING
        row(made, item["metric"], figure(item["margin"]), under, figure(item["ratio"]), text(decision, style))
    console.print(made)


def _unbounded(comparisons: Sequence[Document], console: Console) -> None:
    """Why a metric has no bounds yet: those with the same reason together."""
    why: dict[str, dict[str, None]] = {}
    for comparison in comparisons:
        for metric in comparison["metrics"].values():
            if metric["reason"] and _bounds(metric, 1.0, 2) == NOTHING:
                why.setdefault(metric["reason"], {})[metric["metric"]] = None
    notes([f"{', '.join(metrics)}: {reason}" for reason, metrics in why.items()], console, "no bounds")


def _legend(results: Document, labels: Mapping[str, str], console: Console) -> None:
    control = next(iter(labels.values()))
    ratio = any(_is_ratio(metric) for item in results["comparisons"] for metric in item["metrics"].values())
    said = [
        f"Bounds are the {share_text(1 - results['alpha'])} confidence sequence of the change, p is always valid: both"
        f" hold however often one looks. p is corrected for several metrics. {results['primary_metric']} is the primary"
        " one."
    ]
    said += [f"x: times {control}'s, of rare events."] if ratio else []
    console.print()
    hanging(console, text(" ".join(said), "dim"), 0)
    _unbounded(results["comparisons"], console)


def _what_next(test: Document, results: Document, console: Console) -> None:
    """How much longer it takes, what a ramp waits for, what was decided."""
    longer, active = _longer(results), is_active(test)
    console.print()
    if active and longer not in results["sentence"]:
        hanging(console, text(longer), 0)
    if active and test["ramp"] is not None:
        hanging(console, text(f"Ramp: {ramp_text(test['ramp'], test['traffic_split'])}."), 0)
    if decided := decision_text(test):
        hanging(console, text(f"Decided {decided}"), 0)


def _longer(results: Document) -> str:
    """How much longer it takes; what is sure takes no longer."""
    plan, comparisons = results["how_much_longer"], results["comparisons"]
    planned = next((item for item in comparisons if item["variant"] == results["winner"]), comparisons[0])
    metric = planned["metrics"].get(plan["metric"])
    if metric and metric["significant"] and results["verdict"] != "invalid":
        return f"It is sure that {plan['metric']} differs: no need to wait for that."
    return str(plan["text"])
