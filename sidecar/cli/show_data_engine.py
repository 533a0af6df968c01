"""Rules by which images are kept, as a person reads them in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from sidecar.cli.tables import facts, hanging, row, table, text
from sidecar.cli.text import NOTHING, moment

INDENT = 2
_ORIGINS = {"config": "the configuration", "api": "a person"}
_LIMITS = {
    "minute": "over its limit per minute",
    "hour": "over its limit per hour",
    "day": "over its limit per day",
    "cool_down": "in the cool-down",
    "near_duplicate": "near-duplicates",
    "budget": "for want of disk space",
}
Engine = Mapping[str, Any]
Rule = Mapping[str, Any]


def rules_of(config: Mapping[str, Any]) -> Iterator[tuple[str, Rule]]:
    """Every rule by its name, those of classes by theirs.

    >>> [name for name, _ in rules_of({"new_class": {"enabled": True}, "classes": {"cat": {"enabled": True}}})]
    ['new_class', 'class:cat']
    """
    for name, rule in config.items():
        if name == "classes":
            yield from ((f"class:{label}", of_class) for label, of_class in rule.items())
        else:
            yield name, rule


def settings_text(rule: Rule) -> str:
    """The settings of a rule; limits that are none, and what is left to its default by null, are left out.

    >>> settings_text({"enabled": True, "rate": 0.1, "classes": [], "cool_down": "0s", "threshold": None,
    ...     "limits": {"per_minute": 6, "per_hour": None}})
    'rate 0.1, at most 6 per minute'
    """
    said = []
    for name, value in rule.items():
        if name == "limits":
            limits = [f"{n:,} {limit.replace('_', ' ')}" for limit, n in value.items() if n is not None]
            said += [f"at most {', '.join(limits)}"] if limits else []
        elif name != "enabled" and value not in (None, [], "0s"):
            shown = " ".join(map(str, value)) if isinstance(value, list) else value
            said.append(f"{name.replace('_', ' ')} {shown}")
    return ", ".join(said)


def data_engines_lines(engines: Sequence[Engine], console: Console) -> None:
    """All models, two lines each: how many images were kept and where they go; below it the rules that are on."""
    for engine in engines:
        kept = sum(engine["kept_last_day"].values())
        head = text(f"{engine['model']}  ", "bold")
        hanging(console, text(f"to {engine['dataset_id']}, {kept:,} kept in the last day"), len(head), head)
        on = ", ".join(name for name, rule in rules_of(engine["config"]) if rule.get("enabled"))
        said = f"{on or 'no rule is on'}; set by {_ORIGINS.get(engine['origin'], engine['origin'])}"
        hanging(console, text(said, "dim"), INDENT, Text(" " * INDENT))


def data_engine_page(engine: Engine, console: Console) -> None:
    """One model: its rules with their settings, and what came of them."""
    hanging(console, text(engine["model"], "bold"), 0)
    at = f" at {moment(engine['updated_at'])[:16]} UTC" if engine["updated_at"] else ""
    facts(
        console,
        [("dataset", engine["dataset_id"]), ("set by", f"{_ORIGINS.get(engine['origin'], engine['origin'])}{at}")],
    )
    console.print()
    rules = list(rules_of(engine["config"]))
    width = max(len(name) for name, _ in rules)
    for name, rule in rules:
        on = rule.get("enabled")
        head = text(f"{name:{width}}  ", "bold" if on else "dim")
        hanging(console, text(settings_text(rule)) if on else text("off", "dim"), len(head), head)
    _kept(engine, console)


def _kept(engine: Engine, console: Console) -> None:
    kept, hit = engine["kept_last_day"], engine["limits_hit"]
    seen = [name for name in {**kept, **hit} if kept.get(name) or any(hit.get(name, {}).values())]
    console.print()
    if not seen:
        console.print(text("nothing was kept in the last day, and no limit kept anything out", "dim"))
        return
    made = table("rule", "kept, last day", "kept out since the start", right=("kept, last day",))
    for name in seen:
        out = ", ".join(f"{n:,} {_LIMITS.get(limit, limit)}" for limit, n in hit.get(name, {}).items() if n)
        row(made, name, f"{kept.get(name, 0):,}", out or NOTHING)
    console.print(made)
