"""Predictions and images to sample from."""

import io
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sidecar.data_engine import ImageProcess
from sidecar.recording import Store
from sidecar.types import Detections, Prediction

_numbers = itertools.count()


@pytest.fixture(scope="session")
def predict() -> Callable[..., Prediction]:
    """A prediction from rows (score, x1, y1, x2, y2), highest score first, with the classes ``names``, all cats unless
    told; image 100 x 100 unless told."""

    def predict(rows: list[tuple[float, ...]] | None = None, **changes: Any) -> Prediction:
        table = np.asarray(rows or [], np.float32).reshape(-1, 5)
        names = changes.pop("names", ["cat"] * len(table))
        labels, classes = np.unique(np.array(names, str), return_inverse=True) if names else (["cat"], np.zeros(0))
        name = changes.pop("request_id", f"r{next(_numbers)}")
        fields: dict[str, Any] = {
            "prediction_id": name,
            "request_id": name,
            "image_index": 0,
            "at": 1_700_000_000.0,
            "model": "det",
            "version": "1",
            "variant": "a",
            "role": "serving",
            "experiment": "",
            "epoch": 0,
            "unit": "",
            "slice": "",
            "dialect": "kserve-v2",
            "status": 200,
            "error": "",
            "undecodable": "",
            "latency_ms": 5.0,
            "upstream_ms": 4.0,
            "first_byte_ms": 4.0,
            "request_bytes": 10,
            "response_bytes": 10,
            "image_width": 100,
            "image_height": 100,
            "score_threshold": 0.25,
            "client_request_id": "",
            "trace_id": "",
            "detections": Detections(
                table[:, 1:], table[:, 0], classes.astype(np.int32), tuple(labels), changes.pop("normalised", False)
            ),
        }
        return Prediction(**{**fields, **changes})

    return predict


@pytest.fixture(scope="session")
def picture() -> Callable[..., bytes]:
    """The bytes of a plain grey picture."""

    def picture(kind: str = "JPEG", size: tuple[int, int] = (640, 480), level: int = 128) -> bytes:
        written = io.BytesIO()
        Image.new("RGB", size, (level, level, level)).save(written, kind)
        return written.getvalue()

    return picture


@pytest.fixture
async def process() -> AsyncIterator[ImageProcess]:
    process = ImageProcess()
    yield process
    await process.close()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path)
    yield store
    await store.close()
