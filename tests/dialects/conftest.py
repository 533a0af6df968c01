"""Exchanges built from the bytes that real servers send."""

from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pytest

from sidecar.types import Exchange

Fields = tuple[tuple[str, str], ...]


def make_exchange(
    body: Any,
    dialect: str = "auto",
    *,
    response_headers: Fields = (),
    request_headers: Fields = (),
    head: bytes = b"",
    status: int = 200,
    error: str = "",
    too_large: bool = False,
) -> Exchange:
    """An exchange with ``body`` (bytes, or a value to be JSON) as its response."""
    response = body if isinstance(body, bytes) else orjson.dumps(body)
    return Exchange(
        prediction_id="p", started_at=0.0, worker=0, settings_version=0, model="m", dialect=dialect, variant="a",
        version="", role="serving", experiment="", epoch=0, unit="", slice="", method="POST", path="/predict", query="",
        status=status, error=error, latency_ms=1.0, upstream_ms=1.0, first_byte_ms=1.0, request_bytes=len(head),
        response_bytes=len(response), response_too_large=too_large, pinned=(), request_headers=request_headers,
        response_headers=response_headers, request_head=head, response_body=response,
    )  # fmt: skip


def v2_json(*outputs: tuple[str, list[int], str, Any]) -> dict[str, Any]:
    return {
        "model_name": "det",
        "model_version": "3",
        "outputs": [
            {"name": name, "shape": shape, "datatype": datatype, "data": values}
            for name, shape, datatype, values in outputs
        ],
    }


def v2_binary(*outputs: tuple[str, str, np.ndarray | bytes, list[int]]) -> tuple[bytes, Fields]:
    """(body, response headers) of a reply with binary tensors; ``bytes`` are a blob as it is."""
    described, blobs = [], []
    for name, datatype, tensor, shape in outputs:
        blob = tensor if isinstance(tensor, bytes) else tensor.tobytes()
        described.append(
            {"name": name, "shape": shape, "datatype": datatype, "parameters": {"binary_data_size": len(blob)}}
        )
        blobs.append(blob)
    head = orjson.dumps({"model_name": "det", "model_version": "1", "outputs": described})
    fields = (("content-type", "application/octet-stream"), ("inference-header-content-length", str(len(head))))
    return head + b"".join(blobs), fields


@pytest.fixture
def exchange() -> Callable[..., Exchange]:
    return make_exchange


@pytest.fixture(name="v2_json")
def _v2_json() -> Callable[..., dict[str, Any]]:
    return v2_json


@pytest.fixture(name="v2_binary")
def _v2_binary() -> Callable[..., tuple[bytes, Fields]]:
    return v2_binary
