"""What a call sends: numbers as array libraries have them, ids, statements by the thousand."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from sidecar.client import Client, InvalidRequest
from sidecar.client.calls import encoded, segment
from sidecar.client.calls_datasets import document_bytes
from sidecar.client.calls_feedback import BULK_MAX
from tests.client.scripted import Script


def test_number_of_an_array_library_is_sent_as_the_number_it_is(script: Script, client: Client) -> None:
    """A trainer's metrics and the place of a detection are seldom Python's own."""
    script.will_give({})
    metrics: dict[str, Any] = {
        "map50": np.float32(0.5),
        "epochs": np.int64(7),
        "best": np.bool_(True),
        "loss": np.array(2.0),
    }
    client.report_training_job("j1", "succeeded", metrics)
    assert json.loads(script.asked[0][3])["metrics"] == {"map50": 0.5, "epochs": 7, "best": True, "loss": 2.0}
    assert document_bytes([{"id": np.int64(1)}]) == b'[{"id": 1}]'


@pytest.mark.parametrize(
    "bad", [np.float32(math.nan), np.array(math.inf), np.array([1.0, 2.0]), np.datetime64("2024-01-01")]
)
def test_what_json_can_not_hold_of_one_is_named(bad: Any) -> None:
    """As it is of Python's own."""
    with pytest.raises(InvalidRequest) as raised:
        encoded({"metrics": {"good": np.float32(1), "loss": bad}})
    assert [fault.field for fault in raised.value.errors] == ["metrics.loss"]


@pytest.mark.parametrize("bad", [None, 7, {"id": "a1"}, b"a1"])
def test_id_that_is_no_text_is_refused_by_its_argument(client: Client, script: Script, bad: Any) -> None:
    """Such as None, where a job has no test yet, or a record in place of its id."""
    for ask, name in (
        (client.get_alert, "alert_id"),
        (client.get_ab_test_results, "test_id"),
        (client.training_job, "job_id"),
        (client.get_item, "item_id"),
    ):
        with pytest.raises(InvalidRequest, match="must be text, not") as raised:
            ask(bad)
        assert [fault.field for fault in raised.value.errors] == [name]
    assert script.asked == []


def test_half_a_character_is_no_id() -> None:
    """It can't be sent."""
    with pytest.raises(InvalidRequest):
        segment("\ud800", "alert_id")


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (
            {"prediction_id": "p", "correct_class": math.nan},
            "correct_class",
        ),  # as a frame of pandas has what is missing
        ({"prediction_id": "p", "correct_box": [1, 2, 3, math.inf]}, "correct_box.3"),
        ("prediction_id", None),  # as a frame itself gives its columns
    ],
)
def test_statement_that_can_not_be_sent_is_told_before_any_is(
    script: Script, client: Client, bad: Any, field: str | None
) -> None:
    """By its place among all, also where they go in several requests."""
    good = {"prediction_id": "p", "feedback_type": "correct"}
    with pytest.raises(InvalidRequest) as raised:
        client.submit_feedback_bulk([*[good] * (BULK_MAX + 5), bad])
    assert [fault.field for fault in raised.value.errors] == [f"items.{BULK_MAX + 5}" + (f".{field}" if field else "")]
    assert script.asked == []
