"""A program of a user of the client: it runs against a sidecar, and a type checker knows everything in it."""

from __future__ import annotations

from typing import Any, Literal, assert_type

from sidecar import AsyncClient, Client
from sidecar.client import AsyncPages, ByName, Conflict, Document, Pages, Record, Records, SidecarError
from sidecar.client.records import (
    AbFigures,
    Alert,
    ClassMove,
    Dataset,
    Detection,
    DriftReport,
    Feedback,
    Item,
    Prediction,
    Sample,
    TrainingJob,
)

LOW = {"metric": "avg_confidence", "operator": "lt", "threshold": 0.7, "window": "1h"}


def watch(client: Client) -> Alert:
    """Baselines, drift and alerts."""
    alert = client.create_alert("det", "Low", LOW, notify="slack:#ml")
    assert_type(alert, Alert)
    assert_type(alert.name, str)
    assert_type(alert.value, float | None)
    assert_type(alert.state, Literal["inactive", "pending", "firing", "resolved"])
    assert_type(alert.condition, Document)
    assert_type(alert.condition.metric, Any)
    assert_type(alert["name"], Any)
    assert_type([found.acknowledged_by for found in client.alerts()], list[str | None])
    assert_type(client.alerts()[:5], Records[Alert])
    assert_type(client.update_alert(alert.id, enabled=False, if_match=alert.etag).enabled, bool)
    report = client.check_drift("det", "2024-01-01:2024-01-31", "7d")
    assert_type(report, DriftReport)
    assert_type(report.class_drift, float)
    assert_type(report.affected_classes, Records[ClassMove])
    assert_type(report.scores["class"].p_value, float | None)
    return alert


def compare(client: Client) -> float:
    """A test of two versions."""
    try:
        test = client.create_ab_test("Compare", "det@1", "det@2", {"traffic_split": 0.1})
    except Conflict as error:
        assert_type(error.status, int | None)
        raise
    results = client.get_ab_test_results(test.id)
    assert_type(results.model_b, AbFigures)
    assert_type(results.variants, ByName[AbFigures])
    assert_type(results.variants["A"].avg_confidence, float)
    assert_type(results.metrics.confidence.p_value_always_valid, float)
    assert_type(results.how_much_longer.units_left, int | None)
    assert_type(test.epochs[-1].shares, ByName[float])
    client.stop_ab_test(test.id, reason="seen enough")
    return results.p_value


def improve(client: Client) -> Dataset:
    """Feedback, review and training."""
    assert_type(client.predictions(model="det"), Pages[Prediction])
    for prediction in client.predictions(model="det"):
        assert_type(prediction.detections, Records[Detection] | None)
        for detection in prediction.detections or ():
            assert_type(detection.confidence, float | None)
    assert_type(client.samples().take(3), Records[Sample])
    assert_type(client.submit_feedback_bulk([{"prediction_id": "x", "feedback_type": "correct"}]).accepted, int)
    assert_type(next(client.feedback(), None), Feedback | None)
    dataset = client.create_dataset("Typed")
    assert_type(client.get_flagged_items(dataset.id), Records[Item])
    assert_type(client.claim_next_item(dataset.id, by="ann"), Item | None)
    assert_type(client.training_jobs(), Records[TrainingJob])
    assert_type([job.metrics["map50"] for job in client.training_jobs()], list[float])
    assert_type(client.settings(), Document)
    assert_type(client.settings()["admin"], Any)
    assert_type(client.whoami().by, Literal["loopback", "token", "session", "certificate"])
    assert_type(client.status().workers.to_pandas().empty, bool)
    return dataset


async def ask(client: AsyncClient) -> int:
    """The same, awaited."""
    assert_type(client.predictions(), AsyncPages[Prediction])
    found = [prediction.at async for prediction in client.predictions(limit=10)]
    assert_type(found, list[float])
    assert_type(await client.predictions().take(1), Records[Prediction])
    assert_type((await client.get_alert((await client.alerts())[0].id)).name, str)
    try:
        await client.get_item("nope")
    except SidecarError as error:
        assert_type([fault.field for fault in error.errors], list[str])
    kept: list[Record] = [*await client.alerts(), *await client.datasets()]
    return len(kept)
