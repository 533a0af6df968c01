"""What PromQL expressions speak of: a reader good enough for those of config; Prometheus itself judges their syntax."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CONFIG = Path(__file__).resolve().parents[2] / "config"
RULES = CONFIG / "prometheus" / "alerts.yml"
DASHBOARD = CONFIG / "grafana" / "sidecar.json"
_SELECTOR = re.compile(r"\b(sidecar_\w+|up)\b(?:\{([^}]*)\})?")
_SUFFIX = re.compile(r"_(bucket|sum|count)$")
SCRAPED = {"instance", "job"}
"""Labels that Prometheus adds to every series."""


def rules() -> list[dict[str, Any]]:
    """Every alert of the rules."""
    return [rule for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    """The dashboard of Grafana."""
    return dict(json.loads(DASHBOARD.read_text("utf-8")))


def expressions() -> Iterator[tuple[str, str]]:
    """(where it stands, expression) of everything that is asked of Prometheus; variables of Grafana filled in."""
    for rule in rules():
        yield f"rule {rule['alert']}", rule["expr"]
    shown = dashboard()
    for panel in shown["panels"]:
        for target in panel.get("targets", ()):
            yield f"panel {panel['id']} {panel['title']} {target['refId']}", filled(target["expr"])
    for annotation in shown["annotations"]["list"]:
        if "expr" in annotation:
            yield f"annotation {annotation['name']}", filled(annotation["expr"])


def filled(expression: str) -> str:
    """With all of every variable chosen.

    >>> filled('rate(a{model=~"$model|"}[$__rate_interval])')
    'rate(a{model=~".*|"}[30s])'
    """
    times = {"$__rate_interval": "30s", "$__interval": "30s", "$__range": "1h"}
    for name, value in times.items():
        expression = expression.replace(name, value)
    return re.sub(r"\$(instance|model|version|role)\b", ".*", expression)


def selectors(expression: str) -> Iterator[tuple[str, set[str]]]:
    """(metric, labels it is filtered by) of every selector; a histogram under its own name.

    >>> list(selectors('sum by (le) (rate(sidecar_a_seconds_bucket{model!="", le="1"}[5m])) / sidecar_b'))
    [('sidecar_a_seconds', {'model'}), ('sidecar_b', set())]
    """
    for metric, inside in _SELECTOR.findall(expression):
        labels = set(re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', inside))
        name = _SUFFIX.sub("", metric)
        yield name, labels - ({"le"} if name != metric else set())


def grouped_by(text: str) -> set[str]:
    """Labels that an expression groups or matches by.

    >>> sorted(grouped_by("sum by (a, le) (x) / on (b) group_left (c) y"))
    ['a', 'b', 'c', 'le']
    """
    found = re.findall(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)", text)
    return {label.strip() for labels in found for label in labels.split(",") if label.strip()}
