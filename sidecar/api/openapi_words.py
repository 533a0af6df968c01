"""The words of the OpenAPI document: what its parts are called, what its statuses mean, and what values look like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ABOUT = """\
Everything a person or a program asks of a sidecar, apart from the traffic itself.

Where a token is demanded it is sent as `Authorization: Bearer TOKEN`; what it may do is said by its scopes: `read`
(every GET but that of tokens), `feedback` (giving feedback, and nothing else), `review` (`read`, and acting on items)
and `admin` (everything). `x-scope` is the one that an operation needs.

Bodies are JSON, of at most 64 KiB where nothing else is said, and nested at most 64 levels deep. What is not known is
refused: a parameter or a field that is misspelt is never ignored. Every error is a problem (RFC 9457), which names each
faulty field. Lists that have `next` go on where that is sent as `cursor`. What was changed is committed before it is
answered.

A POST that bears an `Idempotency-Key` is done once, however often it is sent within 24 hours. Documents with an `etag`
are changed under `If-Match` only if nobody else changed them meanwhile.
"""

TAGS: Mapping[str, tuple[str, str]] = {
    "overview": ("Overview", "What happened in a range of time, and what changed since the one before."),
    "events": ("Events", "Deploys, tests, alerts and baselines on one line of time."),
    "status": ("Status", "How the sidecar is, and how it is configured."),
    "settings": ("Status", ""),
    "live": ("Status", ""),
    "whoami": ("Access", "Who asks, and the tokens that let somebody in."),
    "tokens": ("Access", ""),
    "models": ("Models", "Models and their versions: seen in traffic, configured, trained, or registered by people."),
    "model-versions": ("Models", ""),
    "predictions": ("Predictions", "What models said, and series of figures over time."),
    "detections": ("Predictions", ""),
    "summaries": ("Predictions", ""),
    "time-series": ("Predictions", ""),
    "samples": ("Samples", "Images that were kept, and the rules by which they are."),
    "data-engines": ("Samples", ""),
    "baselines": ("Drift", "What is normal for a model version, and how far two periods differ."),
    "drift": ("Drift", ""),
    "alerts": ("Alerts", "Conditions that are watched, and whom they notify."),
    "ab-tests": ("A/B tests", "A share of the traffic goes to another version, to see which is better."),
    "shadow-tests": ("Shadow tests", "Copies of requests go to another version, whose answers no client sees."),
    "feedback": ("Feedback", "What people say of predictions, and how right a model is by that."),
    "datasets": ("Datasets", "Images under review, and the versions that are made of them."),
    "dataset-versions": ("Datasets", ""),
    "items": ("Review", "Single images of a dataset, and what reviewers do with them."),
    "training-jobs": ("Training", "Versions of datasets that are handed to a trainer, and what comes of it."),
}
"""First segment of a path after ``/api/v1`` -> the tag, and what the tag is about where it stands first."""

STATUSES: Mapping[int, tuple[str, str]] = {
    304: ("NotModified", "It is as the asker has it."),
    400: ("BadRequest", "The request is not HTTP, or its body is not JSON."),
    401: ("Unauthorized", "A token is needed, or the one that was shown is wrong, was revoked or has expired."),
    403: ("Forbidden", "The token lacks the scope, or another site's page asked."),
    404: ("NotFound", "Nothing has that id."),
    408: ("BodyTimeout", "The body took too long to come."),
    409: ("Conflict", "What is there already stands against it, or an Idempotency-Key's first request did not end."),
    412: ("PreconditionFailed", "It was changed since it had the tag in If-Match."),
    413: ("BodyTooLarge", "The body is too large."),
    415: ("UnsupportedMediaType", "The body is not of that media type, is compressed, or there must be none."),
    421: ("MisdirectedRequest", "The Host of the request is none of this sidecar's names."),
    422: ("Invalid", "A parameter, header or field can't be; `errors` names each."),
    429: ("TooManyFailures", "Too many wrong tokens came from this address."),
    500: ("Fault", "The sidecar could not answer; its log says why."),
    503: ("Unavailable", "The store can't be used, or there is no room just now."),
}
"""Status -> its name among the components, and when it is given."""

RETRY_AFTER = {"description": "seconds to wait before trying again", "schema": {"type": "integer", "minimum": 1}}
ETAG_PATTERN = '^"[0-9a-f]{24}"$'
ETAG = {"description": "the entity tag of what is given", "schema": {"type": "string", "pattern": ETAG_PATTERN}}
CHALLENGE = {"description": "how to be let in", "schema": {"type": "string"}}
REPLAY = {"description": "this answer was given before", "schema": {"type": "string", "const": "true"}}

EXAMPLES: Mapping[str, Any] = {
    "id": "3f9a1c07",
    "model": "det",
    "name": "Night shift",
    "model_id": "det@2",
    "model_a_id": "det@1",
    "model_b_id": "det@2",
    "shadow_model_id": "det@2",
    "base_model_id": "det@1",
    "model_version_id": "det@2",
    "version": "2",
    "version_id": "dv-1",
    "dataset_version_id": "dv-1",
    "parent_id": "dv-1",
    "parent_version_id": "dv-1",
    "base": "dv-1",
    "base_id": "dv-1",
    "dataset_id": "det",
    "target_dataset_id": "det",
    "item_id": "9d2f6a0c41b87e35c0f4a1d28b6e7319",
    "sample_id": "9d2f6a0c41b87e35c0f4a1d28b6e7319",
    "prediction_id": "01JZ8Q4W5N7T2M9RXKDB6CVE3H",
    "request_id": "01JZ8Q4W5N7T2M9RXKDB6CVE3H",
    "client_request_id": "frame-17",
    "alert_id": "low-confidence",
    "baseline_id": "b-1",
    "token_id": "3f9a1c07",
    "test_id": "night-shift",
    "channel": "slack:#ml-alerts",
    "notify": ["slack:#ml-alerts"],
    "condition": {"metric": "avg_confidence", "operator": "lt", "threshold": 0.7, "window": "1h"},
    "reasons": ["low_confidence"],
    "labels": [{"label": "car", "box": [10.0, 20.0, 110.0, 220.0]}],
    "sentence": "Mean confidence is 0.62 over the last hour, below 0.7.",
    "label": "car",
    "confidence": 0.91,
    "score": 0.91,
    "box": [10.0, 20.0, 110.0, 220.0],
    "correct_box": [10.0, 20.0, 110.0, 220.0],
    "correct_class": "truck",
    "at": 1_767_225_600.0,
    "since": 1_767_225_600.0,
    "until": 1_767_312_000.0,
    "created_at": 1_767_225_600.0,
    "updated_at": 1_767_225_600.0,
    "started_at": 1_767_225_600.0,
    "period": "2026-01-01:2026-01-31",
    "reference_period": "2026-01-01:2026-01-31",
    "current_period": "24h",
    "by": "ann",
    "reason": "low_confidence",
    "note": "seen on the night shift",
    "etag": '"0c2f6d8a9b1e4c7d5a3f8e60"',
    "role": "serving",
    "dialect": "v2",
    "media_type": "image/jpeg",
    "width": 1920,
    "height": 1080,
    "image_width": 1920,
    "image_height": 1080,
    "status": 200,
    "latency_ms": 41.7,
    "upstream_ms": 40.9,
    "first_byte_ms": 39.2,
    "probability": 0.01,
    "share": 0.1,
    "p_value": 0.03,
    "next": "MTc2NzIyNTYwMC4w",
    "limit": 100,
}
"""What the value of a field, a parameter or a path's part of that name looks like, where its type allows it."""

NULL = (
    *("acknowledged_at", "acknowledged_by", "silenced_until", "revoked_at", "ended_at", "promoted", "promoted_at"),
    *("cancel_requested_at", "exit_code", "error", "gave_up_at", "undone", "verdict", "test_id", "baseline"),
)
"""What mostly is null, where it may be."""
