"""The table of metrics."""

import json
from math import inf

import pytest

from sidecar.alerts.catalogue import METRICS
from sidecar.alerts.condition import parse_condition

ASKED_FOR = (
    "avg_confidence", "p50_latency_ms", "p90_latency_ms", "p95_latency_ms", "p99_latency_ms", "error_rate",
    "request_rate", "detections_per_image", "no_detection_rate", "class_share", "undecodable_rate", "slow_rate",
    "feedback_score", "class_drift", "confidence_drift", "count_drift", "box_drift", "input_drift",
    "significant_drift", "new_class", "dropped", "backlog", "guardrail_stops",
)  # fmt: skip


def test_catalogue_has_every_metric_by_its_name() -> None:
    """All that alerts can be about, each under its own name."""
    assert set(METRICS) == set(ASKED_FOR)
    assert all(metric.name == name for name, metric in METRICS.items())


@pytest.mark.parametrize("name", ASKED_FOR)
def test_metric_describes_itself_in_one_line(name: str) -> None:
    """Documentation and forms are made of the table: a sentence, a unit, and what may be asked of it."""
    document = json.loads(json.dumps(METRICS[name].to_dict()))
    assert document["metric"] == name
    assert document["description"].endswith(".")
    assert "\n" not in document["description"]
    assert document["unit"]
    assert set(document["operators"]) >= {"lt", "lte", "gt", "gte"}


@pytest.mark.parametrize("name", ASKED_FOR)
def test_operators_and_comparisons_of_the_document_are_accepted(name: str) -> None:
    """What a form offers for a metric is no fault."""
    metric = METRICS[name]
    of_class = {"class": "car"} if metric.needs_class else {}
    for operator in metric.operators:
        for compare in metric.compare if operator != "anomaly" else ("value",):
            threshold = {} if operator == "anomaly" else {"threshold": 0.5}
            document = {"metric": name, "operator": operator, "window": "1h", "compare": compare, **threshold}
            assert parse_condition({**document, **of_class}).metric == name


def test_only_what_is_measured_hour_by_hour_can_be_an_anomaly() -> None:
    """Drift is judged against the baseline already, and the sidecar's own figures have no history by the hour."""
    anomalous = {name for name, metric in METRICS.items() if "anomaly" in metric.operators}
    assert anomalous == {name for name, metric in METRICS.items() if metric.source == "summaries"}


def test_shares_end_at_one_and_times_do_not_end() -> None:
    """The bound of a unit is that of a threshold."""
    assert METRICS["error_rate"].most == 1.0
    assert METRICS["p50_latency_ms"].most == inf
