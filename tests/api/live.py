"""Predictions to record, and Totals and Control in memory, for an application under test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sidecar.api import WorkerStatus
from sidecar.api.services import Backlog
from sidecar.summaries import Summary
from sidecar.types import Detections, Prediction, RequestCounts

START = 1_700_000_040.0


def make_prediction(index: int = 0, **changes: Any) -> Prediction:
    """A serving prediction of model ``det`` with one cat and one dog."""
    found = Detections(
        boxes=np.array([[1, 2, 30, 40], [5, 5, 9, 9]], np.float32),
        scores=np.array([0.9, 0.6], np.float32),
        classes=np.array([0, 1], np.int32),
        labels=("cat", "dog"),
    )
    values: dict[str, Any] = {
        "prediction_id": f"p{index}",
        "request_id": f"p{index}",
        "image_index": 0,
        "at": START + index,
        "model": "det",
        "version": "1",
        "variant": "a",
        "role": "serving",
        "experiment": "",
        "epoch": 0,
        "unit": "",
        "slice": "",
        "dialect": "v2",
        "status": 200,
        "error": "",
        "undecodable": "",
        "latency_ms": 12.5,
        "upstream_ms": 11.0,
        "first_byte_ms": 10.0,
        "request_bytes": 1000,
        "response_bytes": 200,
        "image_width": 64,
        "image_height": 48,
        "score_threshold": 0.5,
        "client_request_id": "",
        "trace_id": "",
        "detections": found,
    }
    return Prediction(**(values | changes))


def make_summary(predictions: Sequence[Prediction], version: str = "1") -> Summary:
    """A Summary of ``predictions`` and one request of 12 ms for each."""
    summary = Summary()
    summary.add_predictions(predictions)
    n = len(predictions)
    summary.add_counts(
        RequestCounts(
            *(int(START), "det", version, "serving", "", 0, "", n),
            statuses={200: n},
            errors={"truncated": 1},
            latency={28: n},
            latency_sum_us=n * 12_000,
            upstream={27: n},
            upstream_sum_us=n * 11_000,
        )
    )
    return summary


@dataclass
class LiveTotals:
    """Totals whose fields the test sets."""

    by_key: dict[tuple[str, str, str], Summary] = field(default_factory=dict)
    crew: list[WorkerStatus] = field(default_factory=list)
    store_state: dict[str, Any] = field(default_factory=lambda: {"ok": True, "reason": "", "bytes": 4096})
    failing: dict[str, str] = field(default_factory=dict)

    def summaries(self) -> Mapping[tuple[str, str, str], Summary]:
        return self.by_key

    def workers(self) -> Sequence[WorkerStatus]:
        return self.crew

    def dropped(self) -> Mapping[tuple[str, str], int]:
        return {("tap", "full"): 3}

    def limits_hit(self) -> Mapping[str, int]:
        return {"shadow_in_flight_max": 7}

    def tls_failed(self) -> Mapping[str, int]:
        return {"plain_http": 2}

    def samples(self) -> Mapping[str, int]:
        return {"low_confidence": 2}

    def backlog(self) -> Sequence[Backlog]:
        return [Backlog("tap", None, 300, None, 1000), Backlog("link", 2, 128, None, 1 << 20)]

    def outbox(self) -> Sequence[tuple[str, int, int, float, int, int, int]]:
        return [("hub", 4, 512, 1.5, 10, 1, 0)]

    def failing_parts(self) -> Mapping[str, str]:
        return self.failing

    def store(self) -> Mapping[str, Any]:
        return self.store_state


class LiveControl:
    """Control of a configuration with a secret in it."""

    def settings_version(self) -> int:
        return 7

    def settings(self) -> Mapping[str, Any]:
        return {"admin": {"token": "***"}}
