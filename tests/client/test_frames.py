"""Records as frames of pandas."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pandas as pd
import pytest

from sidecar.client import AsyncClient, Client, Records
from sidecar.client.records import Alert, DriftReport, Model, ModelFigures, Prediction
from tests.client.scripted import Script

LATENCY = {"p50_ms": 1.0, "p95_ms": 2.0, "p99_ms": 3.0}


def test_frame_has_a_column_for_each_field_with_dots_where_nested() -> None:
    """A row a record; lists stay what they are."""
    figures = [
        ModelFigures.of({"model": "det", "requests": 5, "latency": LATENCY, "classes": {"car": 3}}),
        ModelFigures.of({"model": "digits", "requests": 7, "latency": LATENCY, "classes": {"7": 1}}),
    ]
    frame = Records(figures, ModelFigures).to_pandas()
    assert list(frame.columns) == [
        *("model", "requests", "latency.p50_ms", "latency.p95_ms", "latency.p99_ms"),
        *("classes.car", "classes.7"),
    ]
    assert frame["requests"].sum() == 12
    assert frame.set_index("model").loc["det", "latency.p99_ms"] == 3.0


def test_moments_are_times_in_utc() -> None:
    """Also where some are null, and where all are."""
    first = {"id": "a", "since": 1_700_000_000.25, "acknowledged_at": None}
    alerts = [Alert.of(first), Alert.of({"id": "b", "since": None})]
    frame = Records(alerts, Alert).to_pandas()
    assert frame["since"][0] == pd.Timestamp("2023-11-14T22:13:20.25Z")
    assert frame["since"].isna().tolist() == [False, True]
    assert str(frame["acknowledged_at"].dtype).endswith("UTC]")


def test_frame_of_nothing_has_the_columns_of_its_kind() -> None:
    """So what is written for a frame works before there is anything."""
    frame = Records((), Prediction).to_pandas()
    assert len(frame) == 0
    assert {"prediction_id", "at", "model"} <= set(frame.columns)
    assert str(frame["at"].dtype).endswith("UTC]")


def test_one_record_is_a_series() -> None:
    """With the same names and times."""
    series = DriftReport.of({"class_drift": 0.5, "reference": {"since": 0.0, "until": None}}).to_pandas()
    assert series["class_drift"] == 0.5
    assert series["reference.since"] == pd.Timestamp("1970-01-01T00:00:00Z")
    assert pd.isna(series["reference.until"])


def page(number: int, cursor: str | None) -> dict[str, Any]:
    return {"items": [{"prediction_id": f"p{number}", "at": float(number)}], "next": cursor}


def test_pages_become_one_frame(script: Script, client: Client) -> None:
    """All of them, or as many rows as asked for, with no page more than that takes."""
    for number, cursor in ((1, "c"), (2, "d"), (3, None)):
        script.will_give(page(number, cursor))
    predictions = client.predictions()
    assert predictions.to_pandas(2)["prediction_id"].tolist() == ["p1", "p2"]
    assert len(script.asked) == 2
    assert predictions.to_pandas()["at"].tolist() == [pd.Timestamp("1970-01-01T00:00:03Z")]
    assert predictions.to_pandas().empty


async def test_pages_of_the_async_client_too(script: Script) -> None:
    """Awaited."""
    script.will_give(page(1, "c"))
    script.will_give(page(2, None))
    async with AsyncClient(script.url) as client:
        assert len(await client.predictions().to_pandas()) == 2


@pytest.mark.parametrize("ask", ["Records([Record(a=1)]).to_pandas()", "Record(a=1).to_pandas()"])
def test_without_pandas_the_extra_is_named(ask: str) -> None:
    """The client itself needs no pandas, and says how to get it."""
    code = f"import sys; sys.modules['pandas'] = None\nfrom sidecar.client import Record, Records\n{ask}"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1
    assert "pip install 'inference-sidecar[pandas]'" in ran.stderr.splitlines()[-1]


def test_time_that_is_text_stays_text() -> None:
    """Another release may give one so; the frame is made all the same."""
    frame = Records([Alert.of({"since": "2024-01-01T00:00:00Z"})], Alert).to_pandas()
    assert frame["since"].tolist() == ["2024-01-01T00:00:00Z"]


def test_row_without_what_others_have_nested_makes_no_column() -> None:
    """Null or empty, it is missing in the columns with dots; where no row has any, it is a column."""
    first = Model.of({"id": "a", "upstream": None, "metrics": {}})
    second = Model.of({"id": "b", "upstream": {"url": "http://x"}, "metrics": {"map50": 0.5}})
    frame = Records([first, second], Model).to_pandas()
    assert list(frame.columns) == ["id", "upstream.url", "metrics.map50"]
    assert frame["metrics.map50"].isna().tolist() == [True, False]
    assert list(Records([first], Model).to_pandas().columns) == ["id", "upstream", "metrics"]
