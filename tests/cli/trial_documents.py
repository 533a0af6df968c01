"""Documents of A/B tests and shadow tests as the API gives them, with real results in them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from rich.console import Console

from sidecar.experiments import Epoch, results
from sidecar.experiments.definition import Definition, ShadowDefinition
from sidecar.experiments.lifecycle import begun
from sidecar.experiments.pairs import PairSummary, report_of
from sidecar.trials import Points, ab_document, shadow_test_document

START = 1_700_000_040.0
DAY_S = 86_400.0


def ab_test(ids: dict[str, str], share: float = 0.1, **changes: Any) -> dict[str, Any]:
    """A test that runs for two days; ``ids`` are models by variant, control first, ``share`` is of all treatments."""
    control, *treatments = ids
    definition = Definition(
        *("New digits", "digits", control, tuple(treatments), tuple(share / len(treatments) for _ in treatments)),
        metrics=("confidence", "latency"),
    )
    made = ab_document(begun("new-digits", definition, START), START + 2 * DAY_S, "digits@1")
    for item in made["variants"]:
        item.update(id=ids[item["variant"]], version=ids[item["variant"]].partition("@")[2])
    return as_sent({**made, **changes})


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
    made = results(names, renamed, metrics, elapsed_s=test["running_s"], **of)
    found = made.to_dict()
    if test["ended_at"] is not None:
        found["sentence"] = made.sentence_ended
    extra = {"id": test["id"], "name": test["name"], "status": test["status"], "frozen": False, "at": START + DAY_S}
    return as_sent({**found, **extra})


def shadow_test(**changes: Any) -> dict[str, Any]:
    """A shadow test of digits@2 behind digits@1, an hour and a minute after it began."""
    trial = begun("behind", ShadowDefinition("behind", "digits", "B", duration_days=None), START)
    made = shadow_test_document(replace(trial, opened_for=Points({"B": "2"}).text), START + 3_660, "digits@1")
    return as_sent({**made, **changes})


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
