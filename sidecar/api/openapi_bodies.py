"""Examples of bodies, by the type that checks them; a test checks that it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_BOX = [10.0, 20.0, 110.0, 220.0]
_COCO = {
    "images": [{"id": 1, "file_name": "9d2f6a0c41b87e35c0f4a1d28b6e7319.jpg", "width": 1920, "height": 1080}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [10.0, 20.0, 100.0, 200.0]}],
    "categories": [{"id": 1, "name": "car"}],
}

BODIES: Mapping[str, Any] = {
    "AbTestBody": {
        "name": "Night shift",
        "model_a_id": "det",
        "model_b_id": "det@2",
        "config": {"traffic_split": 0.1, "metrics": ["confidence", "latency"], "unit": "header:X-Camera-Id"},
    },
    "AcknowledgeBody": {"by": "ann"},
    "AlertBody": {
        "model_id": "det",
        "name": "Low confidence",
        "condition": {"metric": "avg_confidence", "operator": "lt", "threshold": 0.7, "window": "1h"},
        "notify": ["email:team@company.com", "slack:#ml-alerts"],
    },
    "AlertChangeBody": {"notify": ["slack:#ml-alerts"], "enabled": True},
    "BaselineBody": {"model_id": "det@1", "period": "2026-01-01:2026-01-31", "name": "winter"},
    "ByBody": {"by": "ann"},
    "CancelBody": {"by": "ann"},
    "ClaimBody": {"by": "ann", "lease_s": 600},
    "ClaimNextBody": {"by": "ann", "queue": "value"},
    "ConclusionBody": {"winner": "det@2", "note": "fewer missed objects at night"},
    "DataEngineBody": {
        "config": {
            "random_sample": {"rate": 0.01},
            "low_confidence": {"threshold": 0.4, "sample_rate": 0.1, "limits": {"per_hour": 60}},
        },
        "target_dataset_id": "det",
    },
    "DatasetBody": {"name": "Vehicles at night", "id": "vehicles-at-night"},
    "DecisionBody": {"by": "ann", "revision": 2},
    "DeployBody": {"kind": "ab", "name": "Ninth", "config": {"traffic_split": 0.1}},
    "EmptyBody": {},
    "FeedbackBody": {
        "prediction_id": "01JZ8Q4W5N7T2M9RXKDB6CVE3H",
        "feedback_type": "wrong_label",
        "detection_index": 1,
        "correct_class": "truck",
        "by": "ann",
    },
    "FeedbackBulkBody": {
        "items": [
            {"request_id": "frame-17", "feedback_type": "correct"},
            {"request_id": "frame-18", "feedback_type": "missed_object", "correct_box": _BOX},
        ]
    },
    "JobBody": {"name": "Ninth", "dataset_id": "det", "version_id": "dv-1", "base_model_id": "det@1", "by": "ann"},
    "LabelBody": {"by": "ann", "labels": [{"label": "car", "box": _BOX}]},
    "LabelsBody": _COCO,
    "ModelBody": {
        "name": "det",
        "version": "2",
        "url": "http://triton:8000",
        "path": "/v2/models/det/versions/2/infer",
        "description": "retrained on the night shift",
        "metrics": {"map_50": 0.61},
    },
    "PreviewBody": {
        "model_id": "det",
        "condition": {"metric": "avg_confidence", "operator": "lt", "threshold": 0.7, "window": "1h", "for": "10m"},
        "period": "7d",
    },
    "PromotionBody": {"variant": "det@2"},
    "ReasonBody": {"reason": "the cameras are being serviced"},
    "RejectionBody": {"by": "ann", "reason": "too blurred to tell"},
    "ReportBody": {"status": "succeeded", "version": "9", "metrics": {"map_50": 0.61}},
    "ShadowTestBody": {"name": "Copies", "model_id": "det", "shadow_model_id": "det@2", "config": {"share": 0.5}},
    "ShareBody": {"share": 0.25},
    "SilenceBody": {"for": "2h", "by": "ann"},
    "SplitBody": {"traffic_split": 0.25},
    "TokenBody": {"name": "the dashboard of the plant", "scopes": ["read"], "expires_in": "90d"},
    "VersionBody": {"name": "first", "by": "ann"},
}
