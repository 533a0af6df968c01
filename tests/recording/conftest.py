"""Predictions to record, and an open store in a folder of its own."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sidecar.recording import Reader, Store
from sidecar.types import Detections, Prediction

MakePrediction = Callable[..., Prediction]


@pytest.fixture
def detections() -> Detections:
    return Detections(
        boxes=np.array([[10, 20, 110, 220], [0, 0, 32, 16], [5, 5, 6, 6]], np.float32),
        scores=np.array([0.9, 0.5, 0.01], np.float32),
        classes=np.array([1, 0, 2], np.int32),
        labels=("car", "person", "kite"),
    )


@pytest.fixture
def make_prediction(detections: Detections) -> MakePrediction:
    def make(number: int = 0, **changes: Any) -> Prediction:
        prediction = Prediction(
            prediction_id=f"id-{number}",
            request_id=f"id-{number}",
            image_index=0,
            at=1_700_000_000.25 + number,
            model="yolo",
            version="3",
            variant="blue",
            role="serving",
            experiment="",
            epoch=0,
            unit="camera-7",
            slice="north",
            dialect="v2",
            status=200,
            error="",
            undecodable="",
            latency_ms=12.5,
            upstream_ms=10.25,
            first_byte_ms=9.5,
            request_bytes=100_000,
            response_bytes=2_000,
            image_width=640,
            image_height=480,
            score_threshold=0.25,
            client_request_id="client-1",
            trace_id="0af7651916cd43dd8448eb211c80319c",
            detections=detections,
        )
        return replace(prediction, **changes)

    return make


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
async def reader(store: Store, tmp_path: Path) -> AsyncIterator[Reader]:
    opened = await Reader.open(tmp_path)
    yield opened
    await opened.close()
