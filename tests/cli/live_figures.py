"""Figures as /api/v1/live has them."""

from __future__ import annotations

from typing import Any

AT = 1_700_000_040.0


def version(model: str = "digits", version: str = "1", role: str = "serving", **changes: Any) -> dict[str, Any]:
    """Figures of a model version."""
    made: dict[str, Any] = {
        "model": model,
        "version": version,
        "role": role,
        "requests": 1_200,
        "requests_per_s": 9.5,
        "error_rate": 0.0,
        "latency": {"p50_ms": 4.12, "p95_ms": 9.31, "p99_ms": 120.4},
        "avg_confidence": 0.913,
        "detections_per_image": 3.14,
        "no_detection_rate": 0.021,
        "classes": {"7": 60, "1": 30, "3": 10},
    }
    return made | changes


def figures(*models: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Figures of a sidecar with these versions."""
    made: dict[str, Any] = {
        "at": AT,
        "interval_s": 1.0,
        "window_s": 60.0,
        "models": list(models),
        "left_out": 0,
        "tests": [],
        "alerts": {"inactive": 3},
        "faults": [],
        "dropped": 0,
    }
    return made | changes


def busy() -> dict[str, Any]:
    """An A/B test and a shadow test, something wrong everywhere."""
    return figures(
        version(role="control"),
        version(version="2", role="treatment", error_rate=0.08, requests_per_s=10.5, avg_confidence=None),
        version(version="3", role="shadow", requests_per_s=2.0),
        tests=[
            {
                "id": "new-digits",
                "kind": "ab_test",
                "status": "running",
                "model": "digits",
                "shares": {"A": 0.5, "B": 0.5},
            },
            {"id": "behind", "kind": "shadow_test", "status": "paused", "model": "digits", "shares": {"C": 0.1}},
        ],
        alerts={"firing": 1, "pending": 2},
        faults=["upstream B is down", "store: disk full"],
        dropped=12,
    )
