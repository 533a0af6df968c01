"""Files of predictions and detections: what is in them, in every format, over HTTP and from a real store."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
import time
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from aiohttp.test_utils import TestClient

from sidecar.recording import Batch, Store
from sidecar.types import Detections
from tests.api.live import START, make_prediction

Http = TestClient[Any, Any]
FILES = ("predictions", "detections")
HOSTILE = ("=1+1", "a\ud800b", 'line\nbreak,"quote"')


async def export(http: Http, of: str, **params: Any) -> bytes:
    answer = await http.get(f"/api/v1/{of}/export", params=params)
    assert answer.status == 200, await answer.text()
    return await answer.read()


async def lines(http: Http, of: str, **params: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (await export(http, of, **params)).splitlines()]


async def rows(http: Http, of: str, **params: Any) -> list[dict[str, str]]:
    text = (await export(http, of, format="csv", **params)).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def table(http: Http, of: str, **params: Any) -> pa.Table:
    return pq.read_table(io.BytesIO(await export(http, of, format="parquet", **params)))


async def pages(http: Http, **params: Any) -> list[dict[str, Any]]:
    """All predictions that pages give, but for what of them is not recorded with them."""
    found: list[dict[str, Any]] = []
    asked = {"limit": "7", **params}
    while True:
        page = await (await http.get("/api/v1/predictions", params=asked)).json()
        found += [{name: value for name, value in item.items() if name != "sample_id"} for item in page["items"]]
        if page["next"] is None:
            return found
        asked["cursor"] = page["next"]


@pytest.fixture
async def many(http: Http, store: Store) -> list[dict[str, Any]]:
    """3,000 more predictions, so that there are several pages; all there are, as pages give them."""
    for start in range(100, 3_100, 500):
        made = [make_prediction(number, version=str(number % 3)) for number in range(start, start + 500)]
        await store.commit(Batch(made, [], {(0, 1): start}))
    return await pages(http, limit="1000")


@pytest.fixture
async def hostile(http: Http, store: Store) -> None:
    """One prediction whose classes are hostile, one of whose numbers is none; below the threshold but for the first."""
    found = Detections(
        np.array([[1.5, 2, 3, 4], [0.25, np.nan, 3, 4], [-1, 2, 3, 1e30], [0, 0, 1, 1]], np.float32),
        np.array([0.9, 0.3, 0.2, np.nan], np.float32),
        np.array([0, 1, 2, 7], np.int32),
        HOSTILE,
        normalised=True,
    )
    changes = {"latency_ms": math.nan, "client_request_id": "-2+3", "detections": found, "model": "hostile"}
    await store.commit(Batch([make_prediction(50, **changes)], [], {(0, 1): 9}))


async def test_lines_are_what_pages_give(http: Http, many: list[dict[str, Any]]) -> None:
    """Document for document, in the same order."""
    assert len(many) == 3_005
    assert await lines(http, "predictions") == many


@pytest.mark.parametrize(
    "filters",
    [
        {"version": "1"},
        {"model": "det", "since": str(START + 500), "until": str(START + 2_500)},
        {"status": "undecodable"},
        {"label": "cat", "role": "serving"},
        {"model": "nobody"},
    ],
    ids=str,
)
async def test_filters_are_those_of_pages(http: Http, many: list[dict[str, Any]], filters: dict[str, str]) -> None:
    """All must hold."""
    assert await lines(http, "predictions", **filters) == await pages(http, **filters)


async def test_all_formats_hold_the_same_predictions(http: Http, many: list[dict[str, Any]], hostile: None) -> None:
    """Row for row and value for value, as each format writes them."""
    expected = await lines(http, "predictions", until=str(START + 1_000))
    in_csv = await rows(http, "predictions", until=str(START + 1_000))
    in_parquet = (await table(http, "predictions", until=str(START + 1_000))).to_pylist()
    for document, line, row in zip(expected, in_csv, in_parquet, strict=True):
        assert list(document) == list(line) == list(row)
        assert json.loads(line["detections"] or "null") == document["detections"]
        assert datetime.fromisoformat(line["at"]).timestamp() == document["at"] == row["at"].timestamp()
        for name in set(document) - {"detections", "at"}:
            assert row[name] == document[name]
            assert line[name].removeprefix("'") == ("" if document[name] is None else str(document[name]))
        assert (row["detections"] is None) == (document["detections"] is None)
        for found, told in zip(row["detections"] or [], document["detections"] or [], strict=True):
            assert found["label"] == told["label"].encode("utf-8", "replace").decode()
            assert found["normalised"] == told["normalised"]
            assert [found["confidence"], *found["box"]] == [_f32(value) for value in (told["confidence"], *told["box"])]


def _f32(value: float | None) -> float | None:
    return None if value is None else float(np.float32(value))


async def test_detections_are_a_row_each_in_all_formats(http: Http, hostile: None) -> None:
    """Those of the newest prediction first, in the order that feedback numbers them by."""
    found = await lines(http, "detections")
    assert [(row["prediction_id"], row["index"], row["label"]) for row in found] == [
        *(("p50", index, label) for index, label in enumerate([*HOSTILE, "7"])),
        *((f"p{number}", index, label) for number in (3, 2, 1, 0) for index, label in enumerate(["cat", "dog"])),
    ]
    assert found[4] == {
        **{"prediction_id": "p3", "at": START + 3, "model": "det", "version": "1", "role": "serving"},
        **{"image_width": 64, "image_height": 48, "index": 0, "label": "cat", "confidence": 0.9},
        **{"x1": 1.0, "y1": 2.0, "x2": 30.0, "y2": 40.0, "normalised": False},
    }
    clean = [{**row, "label": row["label"].encode("utf-8", "replace").decode()} for row in found]
    in_parquet = (await table(http, "detections")).to_pylist()
    for row in in_parquet:
        row["at"] = row["at"].timestamp()
        row |= {name: None if row[name] is None else float(f"{row[name]:.7g}") for name in ("confidence", "y1", "y2")}
    assert in_parquet == clean
    in_csv = await rows(http, "detections")
    assert [row["label"] for row in in_csv][:4] == ["'=1+1", "a?b", 'line\nbreak,"quote"', "7"]
    assert [(row["confidence"], row["y1"], row["normalised"]) for row in in_csv][:2] == [
        ("0.9", "2.0", "true"),
        ("0.3", "", "true"),
    ]


async def test_detections_of_a_class_are_found_also_below_the_threshold(http: Http, hostile: None) -> None:
    """A class that no detection above the score threshold is of, and a bound that is as it is shown."""
    assert [row["index"] for row in await lines(http, "detections", label=HOSTILE[2])] == [2]
    assert [row["index"] for row in await lines(http, "detections", label="7")] == [3]
    sure = await lines(http, "detections", model="hostile", min_confidence="0.3")
    assert [row["confidence"] for row in sure] == [0.9, 0.3]
    cats = await lines(http, "detections", label="cat", min_confidence="0.5", until=str(START + 2))
    assert [(row["prediction_id"], row["label"]) for row in cats] == [("p1", "cat"), ("p0", "cat")]


async def test_text_that_is_a_formula_to_a_spreadsheet_is_told_to_be_none(http: Http, store: Store) -> None:
    """In every column of text that a client or a model server can fill; numbers stay numbers."""
    starts = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1"]
    made = [make_prediction(60 + place, model="m", client_request_id=text) for place, text in enumerate(starts)]
    await store.commit(Batch(made, [], {(0, 1): 9}))
    found = [row["client_request_id"] for row in await rows(http, "predictions", model="m")]
    assert found == [f"'{text}" for text in reversed(starts)]
    box = Detections(np.array([[-5, 0, 1, 1]], "f4"), np.array([0.5], "f4"), np.array([0], "i4"), ("-x",))
    await store.commit(Batch([make_prediction(70, model="n", detections=box)], [], {(0, 1): 10}))
    assert [(row["label"], row["x1"]) for row in await rows(http, "detections", model="n")] == [("'-x", "-5.0")]


async def test_parquet_has_exact_types_and_bounded_row_groups(
    http: Http, many: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Times are times and scores are what was recorded; a file can be read group by group."""
    from sidecar.api.exports import parquet

    monkeypatch.setattr(parquet, "GROUP_ROWS", 1_500)
    whole = pq.ParquetFile(io.BytesIO(await export(http, "predictions", format="parquet")))
    assert [whole.metadata.row_group(place).num_rows for place in range(whole.num_row_groups)] == [1_500, 1_500, 5]
    types = {field.name: field.type for field in whole.schema_arrow}
    assert types["at"] == pa.timestamp("us", tz="UTC")
    assert types["latency_ms"] == pa.float64()
    assert types["status"] == types["image_width"] == pa.int64()
    assert types["detections"] == pa.list_(
        pa.field(
            "element",
            pa.struct(
                [
                    ("label", pa.string()),
                    ("confidence", pa.float32()),
                    ("box", pa.list_(pa.field("element", pa.float32()))),
                    ("normalised", pa.bool_()),
                ]
            ),
        )
    )
    assert {types[name] for name in ("prediction_id", "model", "error")} == {pa.string()}
    types = {field.name: field.type for field in (await table(http, "detections")).schema}
    assert {types[name] for name in ("confidence", "x1", "y2")} == {pa.float32()}
    assert (types["normalised"], types["index"]) == (pa.bool_(), pa.int64())


@pytest.mark.parametrize("of", FILES)
async def test_nothing_found_is_a_whole_file_without_rows(http: Http, of: str) -> None:
    """CSV with its header, Parquet with its columns, no line of JSON."""
    assert await export(http, of, model="nobody") == b""
    header = (await export(http, of, model="nobody", format="csv")).decode()
    names = next(csv.reader([header]))
    empty = await table(http, of, model="nobody")
    assert header.count("\r\n") == 1
    assert (empty.num_rows, empty.column_names) == (0, names)
    assert names[0] == "prediction_id"


@pytest.mark.parametrize("of", FILES)
async def test_answer_says_what_it_is_and_what_to_call_it(http: Http, of: str) -> None:
    """A browser saves it; no cache keeps it."""
    kinds = {"jsonl": "application/jsonl", "csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
    for name, media_type in kinds.items():
        answer = await http.get(f"/api/v1/{of}/export", params={"format": name})
        await answer.read()  # or it would still be under way when the next one is asked for
        assert answer.content_type == media_type
        assert answer.headers["Content-Disposition"].startswith(f'attachment; filename="{of}-{datetime.now(UTC):%Y}')
        assert answer.headers["Content-Disposition"].endswith(f'Z.{name}"')
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_without_until_what_is_of_the_future_is_left_out(http: Http, store: Store) -> None:
    """An export is of what there was when it was asked for."""
    later = make_prediction(80, at=time.time() + 3_600)
    await store.commit(Batch([later], [], {(0, 1): 9}))
    assert "p80" not in {item["prediction_id"] for item in await lines(http, "predictions")}
    until = str(time.time() + 7_200)
    assert "p80" in {item["prediction_id"] for item in await lines(http, "predictions", until=until)}


async def test_parquet_without_pyarrow_says_what_to_install(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    """Naming the field and the extra; the other formats work."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # what makes an import fail
    answer = await http.get("/api/v1/predictions/export", params={"format": "parquet"})
    problem = await answer.json()
    assert (answer.status, problem["errors"][0]["field"]) == (422, "format")
    assert "inference-sidecar[parquet]" in problem["detail"]
    assert len(await rows(http, "predictions")) == 5


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"format": "xlsx"}, "format"),
        ({"min_confidence": "1.5"}, "min_confidence"),
        ({"status": "maybe"}, "status"),
        ({"limit": "5"}, "limit"),
        ({"cursor": "1_1"}, "cursor"),
    ],
)
async def test_question_that_makes_no_sense_names_the_field(http: Http, params: dict[str, str], field: str) -> None:
    """Before anything of a file is sent."""
    answer = await http.get("/api/v1/detections/export", params=params)
    assert answer.status == 422
    assert [fault["field"] for fault in (await answer.json())["errors"]] == [field]
