"""Families of counters and gauges, and the labels that are fit for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

LABEL_CHARS_MAX = 200

L = TypeVar("L", bound=tuple[str, ...])


def label(value: str) -> str:
    """``value`` fit for a label: encodable, without control characters, bounded.

    >>> label("a" * 300) == "a" * 200, label("x\\ud800\\x00y")
    (True, 'x??y')
    """
    short = value[:LABEL_CHARS_MAX].encode("utf-8", "replace").decode()
    return "".join("?" if ord(char) < 32 or ord(char) == 127 else char for char in short)


def counter(name: str, text: str, labels: tuple[str, ...], values: Mapping[L, float]) -> Metric:
    """A counter family; ``values`` by the values of ``labels``."""
    family = CounterMetricFamily(name, text, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric([label(part) for part in key], value)
    return family


def gauge(name: str, text: str, labels: tuple[str, ...], values: Mapping[L, float]) -> Metric:
    """A gauge family; ``values`` by the values of ``labels``."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric([label(part) for part in key], value)
    return family
