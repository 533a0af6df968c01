"""The calls about A/B tests and shadow tests: what to send and how to read the answer."""

from __future__ import annotations

from collections.abc import Iterable
from math import nan
from typing import Any

from sidecar.client.calls import Call, items_of, params_of, record_of, segment
from sidecar.client.calls_watch import SLOW_TIMEOUT_S
from sidecar.client.results import Record

AB, SHADOW = "/api/v1/ab-tests", "/api/v1/shadow-tests"
AVERAGES = (
    *("avg_confidence", "avg_latency_ms", "p50_latency_ms", "p99_latency_ms", "feedback_score", "error_rate"),
    *("detections_per_image", "no_detection_rate", "undecodable_rate", "slow_rate", "feedback_completeness"),
    *("user_feedback_score", "user_feedback_rate"),
)
"""Figures of a variant that are null where there is nothing to take a mean of."""
COMPARED = ("model_a", "model_b", "difference", "relative_difference")
"""Figures of a metric that are null where there is nothing to compare."""
AGREEMENT = ("image_rate", "box_rate", "mean_disagreement", "mean_iou")
BOXES = ("change", "missed_rate", "extra_rate", "flip_rate")


def create_ab_test(name: str, model_a_id: str, model_b_id: str, config: dict[str, Any] | None) -> Call[Record]:
    """Begin an A/B test."""
    body = {"name": name, "model_a_id": model_a_id, "model_b_id": model_b_id, "config": _config(config)}
    return Call("POST", AB, record_of, body=body)


def create_shadow_test(name: str, model_id: str, shadow_model_id: str, config: dict[str, Any] | None) -> Call[Record]:
    """Begin a shadow test."""
    body = {"name": name, "model_id": model_id, "shadow_model_id": shadow_model_id, "config": _config(config)}
    return Call("POST", SHADOW, record_of, body=body)


def _config(config: dict[str, Any] | None) -> dict[str, Any]:
    return {} if config is None else config


def trials(of: str, model_id: str | None, status: str | None) -> Call[list[Record]]:
    """Tests of a kind; ``of`` is AB or SHADOW, here and below."""
    return Call("GET", of, items_of, params_of({"model_id": model_id, "status": status}))


def trial(of: str, test_id: str) -> Call[Record]:
    """One test."""
    return Call("GET", _path(of, test_id), record_of)


def act(of: str, test_id: str, action: str, **body: Any) -> Call[Record]:
    """Pause, resume, ramp, stop, conclude or promote a test.

    >>> act(AB, "new", "stop", reason="slow").path
    '/api/v1/ab-tests/new/stop'
    """
    return Call("POST", f"{_path(of, test_id)}/{action}", record_of, body=body)


def ab_test_metrics() -> Call[list[Record]]:
    """What a test can be about."""
    return Call("GET", f"{AB}/metrics", items_of)


def ab_test_results(test_id: str) -> Call[Record]:
    """The results of an A/B test."""
    return Call("GET", f"{_path(AB, test_id)}/results", _ab_results_of, timeout_s=SLOW_TIMEOUT_S)


def shadow_test_results(test_id: str) -> Call[Record]:
    """The results of a shadow test."""
    return Call("GET", f"{_path(SHADOW, test_id)}/results", _shadow_results_of, timeout_s=SLOW_TIMEOUT_S)


def _ab_results_of(body: bytes) -> Record:
    results = record_of(body)
    for figures in (results.get("model_a"), results.get("model_b"), *_parts(results.get("variants"))):
        with_nan(figures, AVERAGES)
    comparisons = results.get("comparisons") or ()
    for metrics in (results.get("metrics"), *(comparison.get("metrics") for comparison in comparisons)):
        for metric in _parts(metrics):
            with_nan(metric, COMPARED)
    return results


def _shadow_results_of(body: bytes) -> Record:
    results = record_of(body)
    with_nan(results.get("agreement"), AGREEMENT)
    with_nan(results.get("boxes"), BOXES)
    return results


def _parts(records: Record | None) -> Iterable[Record]:
    return () if records is None else records.values()


def with_nan(record: Record | None, names: Iterable[str]) -> Record | None:
    """``record`` with NaN for those of ``names`` that are null, so that they can be formatted as numbers.

    >>> f"{with_nan(Record(avg_confidence=None), AVERAGES).avg_confidence:.3f}"
    'nan'
    """
    for name in names:
        if record is not None and record.get(name, 0) is None:
            record[name] = nan
    return record


def _path(of: str, test_id: str) -> str:
    return f"{of}/{segment(test_id, 'id')}"
