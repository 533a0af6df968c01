"""A Watch in memory: it keeps what it is given, judges it as the real one does, and compares by rote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sidecar.api import Conflict, ControlError, NotThere, WatchFigures
from tests.api.live import START
from tests.api.live_preview import distributions_of, preview_of

OPERATORS = ("lt", "lte", "gt", "gte", "anomaly")
METRICS = {
    "avg_confidence": ("", "summaries", "Mean confidence of detections, as the mean of images with at least one."),
    "p99_latency_ms": ("ms", "summaries", "99th percentile of the time to answer a request."),
    "class_share": ("share", "summaries", "Share of detections that are of one class."),
    "significant_drift": ("", "drift", "1 where the latest check found significant drift."),
    "dropped": ("", "sidecar", "What monitoring left out."),
}
MODELS = ("det", "det@1")


def drift_findings(**changes: Any) -> dict[str, Any]:
    """Findings of significant drift in class shares; of input there is no data."""
    distances = {"class": 0.312, "confidence": 0.054, "count": 0.121, "box": 0.038, "input": None}
    findings: dict[str, Any] = {f"{name}_drift": distance for name, distance in distances.items()}
    findings["scores"] = {
        name: {
            "distance": distance,
            "corrected": None if distance is None else max(0.0, round(distance - 0.03, 3)),
            "null_mean": None if distance is None else 0.03,
            "p_value": None if distance is None else (0.001 if name == "class" else 0.4),
            "p_adjusted": None if distance is None else (0.005 if name == "class" else 0.9),
            "significant": name == "class",
            "n_reference": 0 if distance is None else 41_200,
            "n_current": 0 if distance is None else 39_871,
        }
        for name, distance in distances.items()
    }
    side = {"images": 20_100, "detections": 41_200, "requests": 20_100, "blocks": 31}
    return {
        **findings,
        "significant_drift": True,
        "verdict": "drift",
        "affected_classes": [
            {"class": "bicycle", "share_before": 0.07, "share_after": 0.19, "change": 0.12, "p_value": 0.001},
            {"class": "[bold]person[/]", "share_before": 0.52, "share_after": 0.41, "change": -0.11, "p_value": 0.002},
        ],
        "new_classes": [{"class": "scooter", "images": 17, "blocks": 4}],
        "n_reference": side,
        "n_current": {**side, "images": 18_700, "detections": 39_871, "blocks": 28},
        "blocks": {"level": "day", "reference": 31, "current": 28, "matched_by": None, "permutations": 999},
        "alpha": 0.05,
        "means": {"avg_confidence": {"reference": 0.81, "current": 0.79}},
        "limitations": ["Input was not compared: no image was probed."],
        "sentence": "Significant drift: bicycle went from 7 % to 19 % of the detections.",
        **changes,
    }


class LiveWatch:
    """``kept_alerts`` and ``kept_baselines`` are by id, ``asked`` the drift questions; ``failing``, ``drift`` and
    ``findings`` are the test's to set."""

    def __init__(self) -> None:
        self.kept_alerts: dict[str, dict[str, Any]] = {}
        self.kept_baselines: dict[str, dict[str, Any]] = {}
        self.asked: list[dict[str, Any]] = []
        self.failing: dict[str, str] = {}
        self.drift: dict[tuple[str, str, str, str], float] = {("det", "1", "", "class"): 0.28}
        self.findings = drift_findings()

    async def set_baseline(self, model_id: str, period: str, name: str, replace: bool) -> Mapping[str, Any]:
        self._know(model_id)
        if period == "1999-01-01:1999-01-31":
            raise ControlError("period", "holds no predictions of det")
        taken = [item["baseline_id"] for item in self.kept_baselines.values() if item["name"] == name]
        if taken and not replace:
            raise Conflict("name", f"det@1 has a baseline {name!r}; replace it or choose another name")
        for baseline_id in taken:
            del self.kept_baselines[baseline_id]
        baseline_id = f"b{len(self.kept_baselines) + 1}"
        self.kept_baselines[baseline_id] = {
            "baseline_id": baseline_id,
            "model_id": "det@1",
            "model": "det",
            "version": "1",
            "name": name,
            "since": START - 7 * 86_400,
            "until": START,
            "created_at": START,
            "origin": "user",
            "figures": {
                "requests": 20_100,
                "images": 20_100,
                "detections": 41_200,
                "avg_confidence": 0.81,
                "detections_per_image": 2.05,
                "no_detection_rate": 0.04,
                "undecodable_rate": 0.0,
                "error_rate": 0.001,
                "p50_latency_ms": 12.0,
                "p90_latency_ms": 18.0,
                "p95_latency_ms": 22.0,
                "p99_latency_ms": 41.0,
                "class_shares": {"person": 0.52, "bicycle": 0.07, "car": 0.41},
                "brightness": {"mean": 0.42, "p10": 0.2, "p50": 0.41, "p90": 0.66},
                "width": {"p50": 640.0},
                "height": {"p50": 480.0},
            },
        }
        return self.kept_baselines[baseline_id]

    async def baselines(self, model_id: str | None) -> Sequence[Mapping[str, Any]]:
        return [item for item in self.kept_baselines.values() if model_id in (None, item["model"], item["model_id"])]

    async def baseline(self, baseline_id: str) -> Mapping[str, Any]:
        if baseline_id not in self.kept_baselines:
            raise NotThere("baseline_id", f"no baseline has the id {baseline_id!r}")
        return self.kept_baselines[baseline_id]

    async def export_baseline(self, baseline_id: str) -> Mapping[str, Any]:
        block = {"level": "day", "start": START, "summary": {"images": 20_100}}
        return {**await self.baseline(baseline_id), "blocks": [block]}

    async def delete_baseline(self, baseline_id: str) -> Mapping[str, Any]:
        await self.baseline(baseline_id)
        return self.kept_baselines.pop(baseline_id)

    async def check_drift(
        self,
        model_id: str,
        reference_period: str,
        current_period: str,
        *,
        slice: str,
        by_slice: bool,
        source: str,
        distributions: bool,
    ) -> Mapping[str, Any]:
        self._know(model_id)
        self.asked.append({"source": source, "slice": slice, "by_slice": by_slice, "distributions": distributions})
        sides = {}
        for field, text in (("reference_period", reference_period), ("current_period", current_period)):
            if text.startswith("1999"):
                raise ControlError(field, f"{text} holds no predictions of {model_id}")
            named = any(item["name"] == text for item in self.kept_baselines.values())
            if not named and not text[0].isdigit():
                raise ControlError(field, f"{text!r} is neither a period nor a baseline of {model_id}")
            side = {"model_id": "det@1" if named else model_id, "since": START - 86_400, "until": START}
            sides[field.removesuffix("_period")] = {("baseline" if named else "period"): text, **side}
        used = "predictions" if source == "predictions" else "summaries"
        report = {**self.findings, **sides, "model_id": model_id, "slice": slice, "source": used}
        if by_slice:
            report["slices"] = [{**self.findings, "slice": name} for name in ("cam-1", "cam-2")]
        if distributions:
            report["distributions"] = distributions_of()
        return report

    async def drift_checks(
        self, model_id: str | None, slice: str | None, limit: int, cursor: str | None
    ) -> Mapping[str, Any]:
        times = {"checked_at": START, "since": START - 86_400, "until": START}
        reference = {"baseline": "default", "model_id": "det@1", "since": START - 8 * 86_400, "until": START - 86_400}
        items = [
            {**times, "model_id": "det@1", "slice": name, "baseline_id": "b1"}
            | {"reference": reference, "report": self.findings}
            for name in ("", "cam-1", "cam-2")
            if model_id in (None, *MODELS) and slice in (None, name)
        ]
        return _page(items, limit, cursor)

    async def create_alert(
        self,
        model_id: str,
        name: str,
        condition: Mapping[str, Any],
        notify: Sequence[str],
        slice: str,
        enabled: bool,
    ) -> Mapping[str, Any]:
        self._know(model_id, also="")
        _judge(condition, notify)
        if any((item["model_id"], item["name"]) == (model_id, name) for item in self.kept_alerts.values()):
            raise Conflict("name", f"{model_id} has an alert {name!r}")
        alert_id = f"a{len(self.kept_alerts) + 1}"
        self.kept_alerts[alert_id] = {
            "id": alert_id,
            "alert_id": alert_id,
            "model_id": model_id,
            "slice": slice,
            "name": name,
            "condition": dict(condition),
            "notify": list(notify),
            "delivery": _delivery(notify),
            "origin": "user",
            "enabled": enabled,
            "created_at": START,
            "updated_at": START,
            "state": "inactive",
            "since": None,
            "value": None,
            "samples": None,
            "detail": {},
            "sentence": "",
            "acknowledged_by": None,
            "acknowledged_at": None,
            "silenced_until": None,
            "flapping": False,
        }
        return self.kept_alerts[alert_id]

    async def preview_alert(
        self, model_id: str, condition: Mapping[str, Any], slice: str, period: str
    ) -> Mapping[str, Any]:
        self._know(model_id)
        _judge(condition, ())
        if METRICS[condition["metric"]][1] != "summaries":
            raise ControlError("condition.metric", f"{condition['metric']} has no preview")
        if period.startswith("99"):
            raise ControlError("period", "expected at most 30d")
        return preview_of(model_id, condition, slice)

    def fire(self, alert_id: str) -> None:
        """Make it fire."""
        sentence = "avg_confidence of det was 0.62 over 1h (threshold: below 0.7; 12 % of images had no detection)"
        found = {"state": "firing", "since": START, "value": 0.62, "samples": 412, "sentence": sentence}
        self.kept_alerts[alert_id].update(found, detail={"no_detection_rate": 0.12})

    async def alerts(self, model_id: str | None, state: str | None) -> Sequence[Mapping[str, Any]]:
        return [
            item
            for item in self.kept_alerts.values()
            if model_id in (None, item["model_id"]) and state in (None, item["state"])
        ]

    async def alert(self, alert_id: str) -> Mapping[str, Any]:
        if alert_id not in self.kept_alerts:
            raise NotThere("alert_id", f"no alert has the id {alert_id!r}")
        return self.kept_alerts[alert_id]

    async def update_alert(
        self,
        alert_id: str,
        *,
        name: str | None = None,
        condition: Mapping[str, Any] | None = None,
        notify: Sequence[str] | None = None,
        enabled: bool | None = None,
    ) -> Mapping[str, Any]:
        alert = dict(await self.alert(alert_id))
        _judge(alert["condition"] if condition is None else condition, notify or ())
        given = {"name": name, "condition": condition, "notify": notify, "enabled": enabled}
        alert |= {field: value for field, value in given.items() if value is not None}
        alert["delivery"] = _delivery(alert["notify"])
        self.kept_alerts[alert_id] = alert
        return alert

    async def delete_alert(self, alert_id: str) -> Mapping[str, Any]:
        await self.alert(alert_id)
        return self.kept_alerts.pop(alert_id)

    async def acknowledge_alert(self, alert_id: str, by: str) -> Mapping[str, Any]:
        if (await self.alert(alert_id))["state"] != "firing":
            raise Conflict("alert_id", "is not firing: there is nothing to take note of")
        self.kept_alerts[alert_id].update(acknowledged_by=by, acknowledged_at=START)
        return self.kept_alerts[alert_id]

    async def silence_alert(self, alert_id: str, until: float | None, by: str) -> Mapping[str, Any]:
        await self.alert(alert_id)
        self.kept_alerts[alert_id]["silenced_until"] = until
        return self.kept_alerts[alert_id]

    async def test_alert(self, alert_id: str) -> Sequence[Mapping[str, Any]]:
        return [
            {"channel": item["channel"], "ok": item["configured"], "error": item["warning"]}
            for item in (await self.alert(alert_id))["delivery"]
        ]

    async def transitions(
        self, alert_id: str | None, model_id: str | None, limit: int, cursor: str | None
    ) -> Mapping[str, Any]:
        steps = (("firing", "resolved"), ("pending", "firing"), ("inactive", "pending"))
        items = [
            {
                "id": 3 - index,
                "alert_id": alert["alert_id"],
                "name": alert["name"],
                "model_id": alert["model_id"],
                "at": START + 60 * (3 - index),
                "from_state": before,
                "to_state": after,
                "value": 0.62,
                "sentence": "avg_confidence of det was 0.62 over 1h",
            }
            for alert in self.kept_alerts.values()
            if alert_id in (None, alert["alert_id"]) and model_id in (None, alert["model_id"])
            for index, (before, after) in enumerate(steps)
        ]
        return _page(items, limit, cursor)

    async def notifications(self, alert_id: str) -> Sequence[Mapping[str, Any]]:
        return [
            {
                "id": index + 1,
                "channel": channel,
                "kind": "firing",
                "queued_at": START,
                "sent_at": START + 1 if index == 0 else None,
                "attempts": 1,
                "gave_up_at": None,
                "error": "" if index == 0 else "no SMTP server is configured: set notify.smtp.host",
            }
            for index, channel in enumerate((await self.alert(alert_id))["notify"])
        ]

    async def alert_metrics(self) -> Sequence[Mapping[str, Any]]:
        return [
            {
                "metric": metric,
                "unit": unit,
                "source": source,
                "samples": "images",
                "description": description,
                "operators": list(OPERATORS),
                "compare": ["value", "baseline_ratio", "baseline_difference"],
                "needs_class": metric == "class_share",
            }
            for metric, (unit, source, description) in METRICS.items()
        ]

    def figures(self) -> WatchFigures:
        states = [item["state"] for item in self.kept_alerts.values()]
        return {
            "alerts": {state: states.count(state) for state in states},
            "alert_states": [
                (item["alert_id"], item["name"], item["model_id"], item["state"]) for item in self.kept_alerts.values()
            ],
            "notifications": {("email", "sent"): 7, ("slack", "failed"): 2},
            "notifications_waiting": 1,
            "failing_channels": self.failing,
            "drift_scores": self.drift,
            "drift_found": {scope[:3]: value > 0.15 for scope, value in self.drift.items()},
            "rounds": 12,
            "round_seconds": 0.25,
            "rounds_skipped": {"clock_jump": 1},
            "checks": 3,
        }

    def _know(self, model_id: str, also: str | None = None) -> None:
        if model_id not in MODELS and model_id != also:
            raise ControlError("model_id", f"nothing is recorded of a model {model_id!r}")


def _judge(condition: Mapping[str, Any], notify: Sequence[str]) -> None:
    faults = []
    if condition.get("metric") not in METRICS:
        faults.append(("condition.metric", f"must be one of {', '.join(METRICS)}"))
    if condition.get("operator") not in OPERATORS:
        faults.append(("condition.operator", f"must be one of {', '.join(OPERATORS)}"))
    if "window" not in condition:
        faults.append(("condition.window", "is needed, e.g. 1h"))
    faults += [
        (f"notify.{index}", f"{channel!r} is no channel, expected e.g. email:team@company.com")
        for index, channel in enumerate(notify)
        if ":" not in channel
    ]
    if faults:
        raise ControlError.of(faults)


def _delivery(notify: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"channel": channel, "configured": True, "warning": ""}
        if channel.startswith("slack:")
        else {"channel": channel, "configured": False, "warning": "no SMTP server is configured: set notify.smtp.host"}
        for channel in notify
    ]


def _page(items: list[dict[str, Any]], limit: int, cursor: str | None) -> dict[str, Any]:
    if cursor is not None and not cursor.isdigit():
        raise ValueError(f"before: {cursor!r} is no cursor of an earlier page")
    start = int(cursor or 0)
    return {"items": items[start : start + limit], "next": str(start + limit) if start + limit < len(items) else None}
