"""Builders of values for tests: everything has a plain default, a test names only what it is about."""

from __future__ import annotations

from typing import Any

from sidecar.types import Exchange


def exchange(**fields: Any) -> Exchange:
    """An exchange that went well."""
    plain: dict[str, Any] = {
        "prediction_id": "0192f0c1aaaa7bbb8ccc000000000001",
        "started_at": 1_700_000_003.5,
        "worker": 0,
        "settings_version": 1,
        "model": "det",
        "dialect": "auto",
        "variant": "A",
        "version": "v1",
        "role": "serving",
        "experiment": "",
        "epoch": 0,
        "unit": "",
        "slice": "",
        "method": "POST",
        "path": "/v2/models/det/infer",
        "query": "",
        "status": 200,
        "error": "",
        "latency_ms": 12.5,
        "upstream_ms": 11.0,
        "first_byte_ms": 10.0,
        "request_bytes": 2_048,
        "response_bytes": 100,
        "response_too_large": False,
        "pinned": (),
        "request_headers": (("content-type", "application/json"),),
        "response_headers": (("content-type", "application/json"),),
        "request_head": b"",
        "response_body": b"{}",
    }
    return Exchange(**{**plain, **fields})
