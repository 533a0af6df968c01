"""The section of docs/api.md about tests of versions, held against the code it describes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from sidecar.api import schemas_ab_tests as ab
from sidecar.api import schemas_shadow_tests as shadow
from sidecar.api.schemas_trials import TrialEpoch, TrialOut, TrialVariant
from sidecar.experiments.asking import DefinitionError, read_ab_config, read_shadow_config
from sidecar.experiments.lifecycle import TABLE
from tests.api.live_watch import LiveWatch
from tests.api.serving import served

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text()
SECTION = PAGE.split("\n## Comparing versions\n")[1].split("\n## ")[0]


def tables(title: str) -> list[list[list[str]]]:
    """The tables of a part of the section, each row as its cells, without their heads."""
    text = SECTION.split(f"\n### {title}\n")[1].split("\n### ")[0]
    found = re.findall(r"(?:^\|.*\|\n)+", text + "\n", re.MULTILINE)
    return [[re.split(r" *\| *", row)[1:-1] for row in table.splitlines()[2:]] for table in found]


def names(cell: str) -> list[str]:
    return re.findall(r"`([\w*]+)`", cell)


def first_column(table: list[list[str]]) -> list[str]:
    return [name for row in table for name in names(row[0])]


def row_of(table: list[list[str]], field: str) -> set[str]:
    """The names that stand beside a field."""
    return next(set(names(row[1])) for row in table if field in names(row[0]))


def keys(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


@pytest.mark.parametrize(
    ("place", "read"),
    [(0, lambda config: read_ab_config(config, ["A", "B"])), (1, read_shadow_config)],
    ids=["ab", "shadow"],
)
def test_every_key_of_a_config_is_documented(place: int, read: Any) -> None:
    """The tables of keys are the readers', in their order."""
    with pytest.raises(DefinitionError) as raised:
        read({"nope": 1})
    known = dict(raised.value.faults)["config.nope"].partition("expected ")[2].split(", ")
    assert sorted(first_column(tables("What to ask for")[place])) == sorted(known)


def test_every_field_of_a_test_is_documented() -> None:
    """Those of both kinds, of A/B tests and of shadow tests."""
    both, of_ab, of_shadow = tables("How a test stands")
    assert set(first_column(both)) == keys(TrialOut) | {"kind"}
    assert set(first_column(of_ab)) == keys(ab.AbTest) - set(first_column(both))
    assert set(first_column(of_shadow)) == keys(shadow.ShadowTest) - set(first_column(both))
    assert row_of(both, "epochs") == keys(TrialEpoch)
    assert row_of(of_ab, "variants") == row_of(of_shadow, "shadow") == keys(TrialVariant)
    assert row_of(of_ab, "ramp") == keys(ab.AbRamp)
    assert row_of(of_ab, "decision") == keys(ab.AbDecision)


def test_every_status_is_documented_with_what_can_be_done() -> None:
    """The table of statuses is the table of the life of a test; that its time is over is nobody's doing."""
    (table,) = tables("Statuses and actions")
    listed = {names(status)[0]: set(actions.split(", ")) for status, _, actions in table}
    possible: dict[str, set[str]] = {}
    for status, action in TABLE:
        if action != "complete":
            possible.setdefault(status, set()).add(action)
    assert listed == possible


def test_every_field_of_an_a_b_tests_results_is_documented() -> None:
    """The fields of the whole, and those of its parts in their rows."""
    (table,) = tables("Results of an A/B test")
    assert set(first_column(table)) == keys(ab.AbResults)
    for field, part in (
        ("variants", ab.AbFigures),
        ("metrics", ab.AbMetric),
        ("guardrails", ab.AbGuardrailReading),
        ("comparisons", ab.AbComparison),
        ("srm", ab.AbUnits),
        ("how_much_longer", ab.AbPlan),
    ):
        assert keys(part) <= row_of(table, field), field


def test_every_field_of_a_shadow_tests_results_is_documented() -> None:
    """The fields of the whole, and those of its parts in their rows."""
    (table,) = tables("Results of a shadow test")
    assert set(first_column(table)) == keys(shadow.ShadowResults)
    for field, part in (
        ("counts", shadow.PairCount),
        ("agreement", shadow.PairAgreement),
        ("boxes", shadow.PairBoxes),
        ("flips", shadow.PairFlip),
        ("classes", shadow.PairClass),
        ("confidence_shift", shadow.PairTest),
        ("confidence_shift", shadow.PairBounds),
        ("latency", shadow.PairLatency),
        ("latency", shadow.PairLatencyFigures),
        ("histograms", shadow.PairHistograms),
        ("histograms", shadow.PairHistogram),
    ):
        assert keys(part) <= row_of(table, field), field


def test_python_of_the_page_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The example works against a sidecar."""
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (code,) = (block for block in blocks if "create_ab_test" in block)
    with served(tmp_path, LiveWatch()) as url:
        exec(code.replace("http://127.0.0.1:8081", url), {})
    assert capsys.readouterr().out == "No traffic yet. nan (p = 1.0000)\n"
