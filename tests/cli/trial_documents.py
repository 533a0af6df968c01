"""Documents of A/B tests and shadow tests as the API gives them, with real results in them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from rich.console import Console

from sidecar.experiments import Epoch, results
from sidecar.experiments.pairs import PairSummary, report_of

START = 1_700_000_040.0
DAY_S = 86_400.0


def ab_test(ids: dict[str, str], share: float = 0.1, **changes: Any) -> dict[str, Any]:
    """A running test; ``ids`` are models by variant, control first, and ``share`` is of all treatments."""
    shares = {name: share / (len(ids) - 1) if place else 1 - share for place, name in enumerate(ids)}
    variants = [
        {"id": model, "variant": name, "version": model.partition("@")[2], "share": shares[name]}
        for name, model in ids.items()
    ]
    return {
        "id": "new-digits", "name": "New digits", "kind": "ab_test", "model": "digits", "status": "running",
        "model_a": variants[0], "model_b": variants[1], "variants": variants, "traffic_split": share,
        "unit": "request", "metrics": ["confidence", "latency"], "primary_metric": "confidence", "duration_days": 7.0,
        "guardrails": [{"metric": "error_rate", "margin": 1.5, "floor": 0.005}], "ramp": None, "exclude": "",
        "override_header": "", "notify": [], "alpha": 0.05, "plan_units": 5_000, "effect": None, "origin": "api",
        "created_at": START, "ends_at": START + 7 * DAY_S, "ended_at": None, "running_s": 2 * DAY_S, "reason": "",
        "decision": None, "promoted": "", "promoted_at": None, "units_last_day": None, "warnings": [],
        "epochs": [{"number": 0, "since": START, "until": None, "shares": shares, "reason": "begun"}],
        **changes,
    }  # fmt: skip


def ab_results(test: dict[str, Any], epochs: Sequence[Epoch], **of: Any) -> dict[str, Any]:
    """What its results give after ``epochs``, whose arms take the names of the test's variants."""
    names = [item["variant"] for item in test["variants"]]
    renamed = [
        Epoch(
            replace(epoch.control, name=names[0]),
            tuple(replace(arm, name=name) for arm, name in zip(epoch.treatments, names[1:], strict=True)),
            epoch.split,
        )
        for epoch in epochs
    ]
    metrics = of.pop("metrics", test["metrics"])
    found = results(names, renamed, metrics, elapsed_s=test["running_s"], **of).to_dict()
    extra = {"id": test["id"], "name": test["name"], "status": test["status"], "frozen": False, "at": START + DAY_S}
    return as_sent({**found, **extra})


def shadow_test(**changes: Any) -> dict[str, Any]:
    """A running shadow test of digits@2 behind digits@1."""
    return {
        "id": "behind", "name": "behind", "kind": "shadow_test", "model": "digits", "status": "running",
        "shadow": {"id": "digits@2", "variant": "B", "version": "2", "share": 0.1}, "share": 0.1,
        "duration_days": None, "iou_min": 0.5, "samples_per_hour": 60, "origin": "api", "created_at": START,
        "ends_at": None, "ended_at": None, "running_s": 3_660.0, "reason": "", "promoted": "", "promoted_at": None,
        "epochs": [{"number": 0, "since": START, "until": None, "shares": {"B": 0.1}, "reason": "begun"}],
        "warnings": [], **changes,
    }  # fmt: skip


def shadow_report(
    test: dict[str, Any], summary: PairSummary, a: str = "digits@1", b: str = "digits@2", **changes: Any
) -> dict[str, Any]:
    """What its results give after the pairs of ``summary``."""
    found = report_of(summary, a, b).to_dict(histograms=True)
    extra = {"id": test["id"], "name": test["name"], "status": test["status"], "frozen": False, "at": START + DAY_S}
    return as_sent({**found, **extra, "waiting": 0, "skipped": {}, **changes})


def as_sent(document: dict[str, Any]) -> dict[str, Any]:
    """After JSON, which has no number for what is none."""
    sent: dict[str, Any] = json.loads(json.dumps(document, allow_nan=False))
    return sent


def page(width: int, show: Callable[..., None], *documents: Any) -> list[str]:
    """The lines that ``show`` prints on a terminal so wide, none of which may be wider."""
    console = Console(width=width, record=True, file=io.StringIO())
    show(*documents, console)
    lines = [line.rstrip() for line in console.export_text().splitlines()]
    assert max(map(len, lines)) <= width
    return lines


def words_of(lines: Sequence[str]) -> list[str]:
    """Each line with single spaces."""
    return [" ".join(line.split()) for line in lines]
