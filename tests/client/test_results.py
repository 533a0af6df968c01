"""Records: dicts that answer to attributes, of kinds that are known."""

from __future__ import annotations

import copy
import json
import math
import pickle
from typing import Any

import pytest

from sidecar.client import ByName, Document, Record, Records
from sidecar.client.records import AbResults, Alert, DriftReport, Item, Prediction, TrainingJob
from sidecar.client.results import fields_of

PREDICTION: dict[str, Any] = {
    "prediction_id": "p1",
    "at": 1_700_000_000.0,
    "latency_ms": 12.5,
    "detections": [{"label": "cat", "confidence": 0.9, "box": [1, 2, 3, 4], "normalised": False}],
}


def test_record_answers_to_attributes_and_keys_at_every_depth() -> None:
    """Kinds that are known, and objects in fields that a newer sidecar added."""
    report = DriftReport.of(
        {
            "affected_classes": [{"class": "car", "change": 0.1, "why": {"days": [{"day": 1}]}}],
            "scores": {"class": {"p_value": 0.01}},
            "newer": {"things": [{"name": "x"}]},
        }
    )
    assert report.affected_classes[0].change == report["affected_classes"][0]["change"] == 0.1
    assert report.affected_classes[0]["class"] == getattr(report.affected_classes[0], "class") == "car"
    assert report.affected_classes[0]["why"].days[0].day == 1
    assert report.scores["class"].p_value == 0.01
    assert report["newer"].things[0].name == "x"
    assert (type(report.scores), type(report["newer"])) == (ByName, Document)


def test_missing_attribute_names_what_there_is() -> None:
    """A typo is told with the names that would have done."""
    with pytest.raises(AttributeError, match="label"):
        _ = Document.of({"label": 1}).lable
    with pytest.raises(AttributeError, match="two releases"):
        _ = Alert.of({"id": "a1"}).name


def test_missing_attribute_names_not_all_of_thousands() -> None:
    """A model may know as many classes; what they are called moves no cursor."""
    with pytest.raises(AttributeError) as raised:
        _ = ByName({"\x1b[2J": 0, **{f"class_{n}": n for n in range(2_000)}}).clas_7
    assert len(str(raised.value)) < 600
    assert str(raised.value).endswith(" and 1,971 more")
    assert "\x1b" not in str(raised.value)


def test_attribute_that_is_set_is_the_key() -> None:
    """At a kind that is known, one of no kind, and by name; both would tell different things else."""
    for record in (Alert.of({"id": "a1", "name": "Low"}), Document.of({"name": "Low"}), ByName({"name": "Low"})):
        changed: Any = record
        changed.name = "Lower"
        assert (changed["name"], changed.name, vars(record) if hasattr(record, "__dict__") else {}) == (
            "Lower",
            "Lower",
            {},
        )
        del changed.name
        assert "name" not in changed
        with pytest.raises(AttributeError, match="no 'name'"):
            del changed.name
        with pytest.raises(AttributeError, match="'items' is a method here"):
            changed.items = 5


def test_field_that_is_left_out_is_none_or_empty() -> None:
    """Where the type says that it may be; so a loop over what was not asked for does nothing."""
    report = DriftReport.of({"reference": {"since": 1.0}})
    assert (report.slices, report.distributions.get("class"), report.reference.baseline) == ([], None, None)
    assert "slices" not in report
    assert Prediction.of({}).detections is None


@pytest.mark.parametrize(
    ("record", "path"),
    [
        (DriftReport.of({"class_drift": None}), "class_drift"),
        (DriftReport.of({"slices": [{"box_drift": None}]}), "slices 0 box_drift"),
        (AbResults.of({"variants": {"A": {"avg_confidence": None}}}), "variants A avg_confidence"),
        (AbResults.of({"comparisons": [{"metrics": {"m": {"model_a": None}}}]}), "comparisons 0 metrics m model_a"),
        (TrainingJob.of({"metrics": {"map50": None}}), "metrics map50"),
        (Item.of({"detections": [{"score": None}]}), "detections 0 score"),
    ],
)
def test_figure_that_is_null_formats_as_a_number(record: Any, path: str) -> None:
    """At every depth, so that a report prints before there is anything to report."""
    for step in path.split():
        record = record[int(step) if step.isdigit() else step]
    assert f"{record:.3f}" == "nan"


def test_null_that_is_no_figure_stays_none() -> None:
    """A p-value that could not be made, a job that has not ended."""
    results = AbResults.of({"metrics": {"m": {"p_value_fixed_horizon": None, "difference": 0.5}}})
    assert results.metrics.m.p_value_fixed_horizon is None
    assert TrainingJob.of({"ended_at": None}).ended_at is None


def test_what_comes_in_another_shape_stays_as_it_came() -> None:
    """Another release may give null or text where this one knows an object."""
    report = DriftReport.of({"scores": None, "reference": "2024", "slices": {"a": 1}, "affected_classes": [1]})
    assert report == {"scores": None, "reference": "2024", "slices": {"a": 1}, "affected_classes": [1]}


def test_record_is_a_dict() -> None:
    """Equal to one, written by json, copied, pickled and unpacked as one."""
    record = Prediction.of(PREDICTION)
    assert record == PREDICTION
    assert json.loads(json.dumps(record)) == PREDICTION
    assert {**record} == PREDICTION
    for made in (copy.copy(record), copy.deepcopy(record), record.copy(), pickle.loads(pickle.dumps(record))):
        assert (made, type(made)) == (record, Prediction)
        assert made.detections is not None
        assert made.detections[0].label == "cat"
    assert copy.deepcopy(record).detections is not record.detections


def test_list_of_records_is_a_list_that_knows_their_kind() -> None:
    """Sliced, copied and pickled too; equal to a list of dicts."""
    records = Records([Prediction.of(PREDICTION)] * 3, Prediction)
    assert records == [PREDICTION] * 3
    for made in (records[1:], copy.copy(records), copy.deepcopy(records), pickle.loads(pickle.dumps(records))):
        assert (type(made), made.kind) == (Records, Prediction)
    assert records[0] == PREDICTION
    assert json.loads(json.dumps(records)) == [PREDICTION] * 3


def test_moments_are_known_by_their_kind() -> None:
    """Not by their names: a label called ``at`` is no moment."""
    assert fields_of(Prediction)["at"].is_time
    assert fields_of(Alert)["silenced_until"].is_time
    assert not fields_of(Alert)["value"].is_time


def test_names_for_completion_are_those_that_work() -> None:
    """``dir`` has the keys that are names."""
    assert {"id", "keys"} <= set(dir(Record.of({"id": 1, "class": 2, "no name": 3})))
    assert "no name" not in dir(Record.of({"no name": 3}))


def test_nan_compares_as_nan() -> None:
    """What was made NaN is one, not text or None."""
    assert math.isnan(DriftReport.of({"class_drift": None}).class_drift)
