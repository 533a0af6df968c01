"""Predictions to sum up, and a reference that counts one by one."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sidecar.types import Detections, Prediction


@pytest.fixture
def make_detections() -> Callable[..., Detections]:
    def make(
        scores: list[float],
        classes: list[int] | None = None,
        labels: tuple[str, ...] = ("car",),
        box: Any = (0, 0, 8, 4),
    ) -> Detections:
        n = len(scores)
        return Detections(
            np.array([box] * n, np.float32).reshape(n, 4),
            np.array(scores, np.float32),
            np.array(classes or [0] * n, np.int32),
            labels,
        )

    return make


@pytest.fixture
def make_prediction(make_detections: Callable[..., Detections]) -> Callable[..., Prediction]:
    base = Prediction(
        prediction_id="id",
        request_id="id",
        image_index=0,
        at=1_700_000_000.0,
        model="m",
        version="1",
        variant="v",
        role="serving",
        experiment="",
        epoch=0,
        unit="",
        slice="",
        dialect="v2",
        status=200,
        error="",
        undecodable="",
        latency_ms=12.0,
        upstream_ms=10.0,
        first_byte_ms=9.0,
        request_bytes=1,
        response_bytes=1,
        image_width=64,
        image_height=64,
        score_threshold=0.25,
        client_request_id="",
        trace_id="",
        detections=make_detections([]),
    )

    def make(number: int = 0, scores: list[float] | None = None, **changes: Any) -> Prediction:
        if scores is not None:
            changes["detections"] = make_detections(scores)
        return replace(base, **{"prediction_id": f"id-{number}", "request_id": f"id-{number}", **changes})

    return make
