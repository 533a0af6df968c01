"""JSON schemas of what other rooms judge: conditions of alerts, configs of tests, rules of data engines.

They say what may stand there, so that the document of the API does; what must go together, and text whose meaning has
bounds (``40d`` where 30 days are the most), is told by whoever judges it.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from sidecar.data_engine.config import CLASS_RULES_MAX, CONDITIONS, ClassRule, SamplingConfig
from sidecar.data_engine.reading import COUNT_MAX, HASH_BITS, HOLD_MAX_S, NAME_MAX
from sidecar.experiments import METRICS
from sidecar.experiments.asking import DAYS_MAX, RAMP_STEPS_MAX, SAMPLES_PER_HOUR_MAX

Schema = dict[str, Any]
DURATION_PATTERN = r"^\s*([0-9]+(\.[0-9]+)?\s*[wdhmsWDHMS]\s*)+$|^\s*[0-9]+(\.[0-9]+)?\s*$"
ALERT_METRICS = (
    *("avg_confidence", "p50_latency_ms", "p90_latency_ms", "p95_latency_ms", "p99_latency_ms", "error_rate"),
    *("request_rate", "detections_per_image", "no_detection_rate", "class_share", "undecodable_rate", "slow_rate"),
    *("feedback_score", "class_drift", "confidence_drift", "count_drift", "box_drift", "input_drift"),
    *("significant_drift", "new_class", "dropped", "backlog", "guardrail_stops"),
)
"""A test holds them against the catalogue."""
CHANNEL_PATTERN = r"^\s*(email|slack|webhook|alertmanager|apprise|EMAIL|SLACK|WEBHOOK|ALERTMANAGER|APPRISE)\s*(:.*)?$"


def duration(text: str, seconds_max: float, *, some: bool = False, **keywords: float) -> Schema:
    """A length of time: as text, or as a number of seconds (over 0 with ``some``)."""
    least = "exclusiveMinimum" if some else "minimum"
    number = {"type": "number", least: 0, "maximum": seconds_max, **keywords}
    return {"description": text, "anyOf": [{"type": "string", "pattern": DURATION_PATTERN}, number]}


def _number(low: float, high: float, text: str, *, open_ends: str = "") -> Schema:
    """``open_ends`` names the ends that are left out: low, high or both of them."""
    lowest = "exclusiveMinimum" if "low" in open_ends else "minimum"
    highest = "exclusiveMaximum" if "high" in open_ends else "maximum"
    return {"description": text, "type": "number", lowest: low, highest: high}


def _whole(low: int, high: int, text: str) -> Schema:
    return {"description": text, "type": "integer", "minimum": low, "maximum": high}


def _or_null(schema: Schema) -> Schema:
    text = schema.pop("description")
    return {"description": text, "anyOf": [schema, {"type": "null"}]}


def _object(properties: Schema, required: tuple[str, ...] = ()) -> Schema:
    needed = {"required": list(required)} if required else {}
    return {"type": "object", "properties": properties, "additionalProperties": False, **needed}


CONDITION: Schema = {
    "description": "what is watched; docs/alerts.md says what goes together",
    **_object(
        {
            "metric": {"description": "what is watched", "enum": list(ALERT_METRICS)},
            "operator": {"enum": ["lt", "lte", "gt", "gte", "anomaly"]},
            "threshold": _or_null({"description": "none of an anomaly; shares are 0 to 1", "type": "number"}),
            "window": duration("the time it is measured over, 10s to 30d", 2_592_000, some=True, multipleOf=10),
            "for": _or_null(duration("how long it must hold, up to 7d", 604_800, multipleOf=1)),
            "class": {"description": "the class, of class_share alone", "type": ["string", "null"], "maxLength": 200},
            "compare": {"enum": ["value", "baseline_ratio", "baseline_difference", None]},
            "sensitivity": _or_null(_number(2, 20, "of an anomaly: robust standard deviations; 4 by default")),
            "min_samples": _or_null(_whole(1, 1_000_000_000, "with fewer samples there is no data; 30 by default")),
            "no_data": {"enum": ["keep", "ok", "fire", None]},
        },
        ("metric", "operator", "window"),
    ),
}

_DAYS = _or_null(_number(0, DAYS_MAX, "how long it runs; null: until it is stopped", open_ends="low"))
_SHARES = {"type": "array", "items": _number(0, 1, "of all treatments", open_ends="low high"), "minItems": 2}
_SHARES |= {"maxItems": RAMP_STEPS_MAX, "description": "each larger than the one before"}
_CHANNEL = {"type": "string", "maxLength": 200, "pattern": CHANNEL_PATTERN}
_HEADER = r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}"
SPLIT: Schema = {
    "description": "the share of all treatments together, or the share of each by variant or model id",
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        {"type": "object", "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1}},
    ],
}
AB_CONFIG: Schema = {
    "description": "traffic_split or ramp is needed",
    **_object(
        {
            "traffic_split": _or_null(dict(SPLIT)),
            "metrics": {
                "description": "what it is about, the primary one first",
                "type": "array",
                "items": {"enum": list(METRICS)},
                "minItems": 1,
                "uniqueItems": True,
            },
            "duration_days": _DAYS,
            "unit": {
                "description": "what is assigned to a version: request, client or header:NAME",
                "type": "string",
                "pattern": f"^(request|client|header:{_HEADER})$",
            },
            "treatments": {
                "description": "further versions to try",
                "type": "array",
                "items": {"type": "string"},
            },
            "guardrails": {
                "description": "stop where a treatment is surely beyond margin times control's value",
                "type": "array",
                "items": _object(
                    {
                        "metric": {"enum": [name for name, metric in METRICS.items() if metric.harm]},
                        "margin": _number(0, 1_000, "of control's value"),
                        "floor": _number(0, 1, "a rate surely under it is safe"),
                    },
                    ("metric", "margin"),
                ),
            },
            "ramp": {
                "description": "shares of all treatments, a step each; null: none",
                "anyOf": [
                    _SHARES,
                    _object(
                        {
                            "shares": _SHARES,
                            "hours": _number(0, 24 * DAYS_MAX, "how long a step lasts at least; 24 by default"),
                            "units": _whole(1, 10**9, "units of each arm in a step at least; 150 by default"),
                        },
                        ("shares",),
                    ),
                    {"type": "null"},
                ],
            },
            "alpha": _number(0, 0.5, "the chance of a false alarm over the whole test", open_ends="low high"),
            "plan_units": _whole(100, 10**9, "the units at which bounds are tightest"),
            "effect": _number(0, 10, "the relative difference to plan for", open_ends="low high"),
            "exclude": {"description": "requests with this header are left out: NAME or NAME=value", "type": "string"},
            "override_header": {
                "description": "the header by which a tester chooses a variant",
                "type": "string",
                "pattern": f"^({_HEADER})?$",
            },
            "failover": {
                "description": "control answers for a treatment that is down, and nothing is analysed meanwhile; by"
                " default it does",
                "type": "boolean",
            },
            "notify": {
                "description": "channels that a stop by a guardrail is told to",
                "anyOf": [_CHANNEL, {"type": "array", "items": _CHANNEL}],
            },
        }
    ),
}
SHADOW_CONFIG: Schema = _object(
    {
        "share": _number(0, 1, "the share of requests that is copied", open_ends="low"),
        "duration_days": _DAYS,
        "iou_min": _number(0, 1, "boxes match from this IoU on", open_ends="low high"),
        "samples_per_hour": _whole(0, SAMPLES_PER_HOUR_MAX, "images with a disagreement to keep"),
    }
)


def _rule(kind: type[Any]) -> Schema:
    """The schema of a sampling rule, field by field as ``data_engine.reading`` takes it."""
    assert is_dataclass(kind)
    plain = kind()
    parts = {item.name.removesuffix("_s"): _part(item.name, getattr(plain, item.name)) for item in fields(kind)}
    text = " ".join((kind.__doc__ or "").replace("``", "`").split())
    return {"description": text, **_object(parts)}


def _part(name: str, default: Any) -> Schema:
    if name == "limits":
        text = "at most so many images; null: any number"
        names = ("per_minute", "per_hour", "per_day")
        parts = _object({name: _or_null(_whole(0, COUNT_MAX, "images of the rule")) for name in names})
        return {"description": text, "anyOf": [parts, {"type": "null"}]}
    if name == "enabled":
        return {"type": "boolean", "default": True}
    if name.endswith("_s"):
        return duration("up to 7d", HOLD_MAX_S)
    if name in ("conditions", "classes"):
        items = {"enum": list(CONDITIONS)} if name == "conditions" else {"type": "string"}
        return {"type": "array", "items": items}
    if name == "distance":
        return _whole(0, HASH_BITS, "bits of the hash")
    if name in ("minimum_objects", "minimum_images"):
        return _whole(1, COUNT_MAX, "at least")
    share = _number(0, 1, "0 to 1")
    return _or_null(share) if default is None else share


def _rules() -> Schema:
    rules: Schema = {}
    for item in fields(SamplingConfig):
        default = getattr(SamplingConfig(), item.name)
        rules[item.name] = {"anyOf": [_rule(type(default)), {"type": "null"}]} if is_dataclass(default) else {}
    rules["classes"] = {
        "description": "rules of single classes, by their names",
        "anyOf": [
            {
                "type": "object",
                "additionalProperties": _rule(ClassRule),
                "propertyNames": {"minLength": 1, "maxLength": NAME_MAX},
                "maxProperties": CLASS_RULES_MAX,
            },
            {"type": "null"},
        ],
    }
    return {"description": "every rule that is named is on unless it says otherwise", **_object(rules)}


RULES: Schema = _rules()
