"""A preview of an alert and the distributions of a comparison, as LiveWatch gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.api.live import START


def preview_of(model_id: str, condition: Mapping[str, Any], slice: str) -> dict[str, Any]:
    """A week in which it would have fired twice."""
    sentence = "avg_confidence of det was 0.62 over 1h (threshold: below 0.7)."
    points = [{"at": START + 3_600 * n, "value": None if n == 3 else 0.8 - 0.02 * n} for n in range(10)]
    return {
        "model_id": model_id,
        "slice": slice,
        "condition": dict(condition),
        "unit": "confidence",
        "since": START,
        "until": START + 7 * 86_400,
        "step_s": 60,
        "fired": 2,
        "firing_s": 5_400.0,
        "state": "firing",
        "firings": [
            {"since": at, "until": until, "peak_value": 0.62, "peak_at": at, "sentence": sentence}
            for at, until in ((START + 3_600, START + 5_400), (START + 36_000, None))
        ],
        "points": [{**point, "low": 0.7, "high": None} for point in points],
        "thresholds": {"low": 0.7, "high": None},
        "sentence": "Would have fired 2 times in the past week, 1 hour 30 minutes in all; now it would be firing.",
        "limitations": ["It was looked at once a minute; the monitor looks every 10s, and sees more."],
    }


def distributions_of() -> dict[str, Any]:
    """What was compared in a shape as a report has it: three classes, and a histogram of each kind."""
    return {
        "class": {
            "names": ["[bold]person[/]", "bicycle", "car"],
            "reference": [0.52, 0.07, 0.41],
            "current": [0.41, 0.19, 0.4],
        },
        "confidence": {
            "edges": [0.0, 0.25, 0.5, 0.75, 1.0],
            "reference": [0.0, 0.1, 0.3, 0.6],
            "current": [0, 0.2, 0.4, 0.4],
        },
        "count": {"edges": [1.0, 2.0, 3.0], "reference": [0.1, 0.5, 0.4, 0.0], "current": [0.3, 0.5, 0.1, 0.1]},
        "width": {"edges": [512.0, 724.1, 1024.0], "reference": [0.0, 1.0, 0.0, 0.0], "current": None},
        "brightness": {"edges": [0.0, 0.5, 1.0], "reference": None, "current": None},
    }
