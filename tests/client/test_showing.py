"""How records look in terminals and notebooks."""

from __future__ import annotations

from typing import Any

from sidecar.client import ByName, Document, Records
from sidecar.client.records import Prediction

PREDICTION: dict[str, Any] = {
    "prediction_id": "p1",
    "at": 1_700_000_000.0,
    "latency_ms": 12.5,
    "detections": [{"label": "cat", "confidence": 0.9, "box": [1, 2, 3, 4], "normalised": False}],
}


def test_long_record_is_cut_to_what_can_be_read() -> None:
    """A field a line; short ones stand on one line, lists of them a line each."""
    report = repr(Prediction.of({**PREDICTION, "detections": [{"label": "x" * 40}] * 30, "error": "e" * 5_000}))
    assert report.splitlines()[:2] == ["Prediction(", "  prediction_id='p1',"]
    assert "… 28 more],\n" in report
    assert max(map(len, report.splitlines())) <= 110
    assert repr(Prediction(prediction_id="p1")) == "Prediction(prediction_id='p1')"
    listed = repr(Records([Prediction.of(PREDICTION)] * 1_000, Prediction))
    assert listed.splitlines()[-1] == " … 990 more]"
    assert len(listed) < 2_000


def test_name_that_is_none_of_pythons_is_quoted() -> None:
    """A class may be called anything, also what moves a terminal's cursor."""
    assert (
        repr(ByName({"car": 1, "traffic light": 2, "\x1b[2J": 3})) == r"ByName(car=1, 'traffic light'=2, '\x1b[2J'=3)"
    )


def test_text_of_a_sidecar_stays_text_in_a_notebook() -> None:
    """Keys, values, nested and listed ones, and names of columns are escaped."""
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    record = Document.of({evil: evil, "nested": {evil: [evil]}, "listed": [{evil: evil}], "numbers": [evil]})
    for page in (record._repr_html_(), Records([record], Document)._repr_html_()):
        assert "<script" not in page
        assert "<img" not in page
        assert "&lt;script&gt;" in page


def test_notebook_shows_rows_and_names_what_it_leaves_out() -> None:
    """The first rows and columns that hold anything, moments as people read them; the rest is counted and named."""
    records = Records([Prediction.of({**PREDICTION, **{f"extra_{n}": n for n in range(20)}})] * 100, Prediction)
    page = records._repr_html_()
    assert page.count(">p1</td>") == 20
    assert "80 more rows" in page
    assert "not shown: extra_8" in page
    assert "2023-11-14\u00a022:13:20Z" in page
    assert "1 item" in page
    assert Records((), Prediction)._repr_html_().count("no Prediction") == 1
