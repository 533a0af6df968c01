"""Tests and their results as JSON-able documents, the way the API gives them out: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from sidecar.experiments import Results
from sidecar.experiments.definition import Definition, ShadowDefinition
from sidecar.experiments.lifecycle import Trial, ends_at, next_shares, running_s
from sidecar.experiments.pairs import PairReport
from sidecar.trials.points import Points
from sidecar.trials.readout import split_of

Document = dict[str, Any]


def ab_document(
    trial: Trial,
    now: float,
    serving: str,
    *,
    waiting_for: str = "",
    units_last_day: int | None = None,
    warnings: Sequence[str] = (),
) -> Document:
    """An A/B test. ``serving`` is the model id of what serves where no test claims the traffic, ``waiting_for`` what
    its planned ramp waits for."""
    definition = trial.definition
    assert isinstance(definition, Definition)
    shares = split_of(trial.epoch.shares if trial.active else tuple(0.0 for _ in definition.treatments))
    variants = _variants(trial, definition.variants, shares)
    ended = trial.status == "concluded"
    return {
        **_of_both(trial, now, serving),
        "kind": "ab_test",
        "model_a": variants[0],
        "model_b": variants[1],
        "variants": variants,
        "traffic_split": round(sum(shares[1:]), 12),
        "unit": definition.unit,
        "metrics": list(definition.metrics),
        "primary_metric": definition.metrics[0],
        "guardrails": [
            {"metric": item.metric, "margin": item.margin, "floor": item.floor} for item in definition.guardrails
        ],
        "ramp": _ramp(trial, definition, waiting_for),
        "exclude": definition.exclude,
        "override_header": definition.override,
        "failover": definition.failover,
        "notify": list(definition.notify),
        "alpha": definition.alpha,
        "plan_units": definition.plan_units,
        "effect": definition.effect,
        "decision": {"winner": trial.decision or None, "note": trial.note} if ended else None,
        "epochs": _epochs(trial, definition.variants, lambda shares: split_of(shares)),
        "units_last_day": units_last_day,
        "warnings": list(warnings),
    }


def shadow_test_document(trial: Trial, now: float, serving: str, warnings: Sequence[str] = ()) -> Document:
    """A shadow test; ``serving`` as for ``ab_document``."""
    definition = trial.definition
    assert isinstance(definition, ShadowDefinition)
    share = trial.epoch.shares[0] if trial.active else 0.0
    return {
        **_of_both(trial, now, serving),
        "kind": "shadow_test",
        "shadow": _variants(trial, (definition.shadow,), (share,))[0],
        "share": share,
        "iou_min": definition.iou_min,
        "samples_per_hour": definition.samples_per_hour,
        "epochs": _epochs(trial, (definition.shadow,), lambda shares: shares),
        "warnings": list(warnings),
    }


def results_document(trial: Trial, results: Results, at: float, frozen: bool) -> Document:
    """What an A/B test came to by ``at``."""
    document = {**_heading(trial, at, frozen), **results.to_dict()}
    if trial.ended_at is not None:
        document["sentence"] = results.sentence_ended
    points, model = Points.of_text(trial.opened_for), trial.definition.model
    for figures in (document["model_a"], document["model_b"], *document["variants"].values()):
        figures["id"] = points.model_id(model, figures["name"])
    return document


def pairs_document(trial: Trial, report: PairReport, facts: Mapping[str, Any], at: float, frozen: bool) -> Document:
    """What a shadow test came to by ``at``."""
    return {
        **report.to_dict(histograms=True),
        **_heading(trial, at, frozen),
        "waiting": facts.get("waiting", 0),
        "skipped": dict(facts.get("skipped", {})),
    }


def _heading(trial: Trial, at: float, frozen: bool) -> Document:
    return {
        "id": trial.trial_id,
        "name": trial.definition.name,
        "status": trial.status,
        "frozen": frozen,
        "at": at,
    }


def _of_both(trial: Trial, now: float, serving: str) -> Document:
    definition = trial.definition
    return {
        "id": trial.trial_id,
        "name": definition.name,
        "model": definition.model,
        "serving": serving,
        "status": trial.status,
        "duration_days": definition.duration_days,
        "origin": trial.origin,
        "created_at": trial.created_at,
        "ends_at": ends_at(trial, now),
        "ended_at": trial.ended_at,
        "running_s": running_s(trial, now),
        "reason": trial.reason,
        "promoted": Points.of_text(trial.opened_for).model_id(definition.model, trial.promoted)
        if trial.promoted
        else None,
        "promoted_at": trial.promoted_at,
    }


def _variants(trial: Trial, names: Sequence[str], shares: Sequence[float]) -> list[Document]:
    points, model = Points.of_text(trial.opened_for), trial.definition.model
    return [
        {
            "id": points.model_id(model, name),
            "variant": name,
            "version": points.versions.get(name, ""),
            "share": round(share, 12),
        }
        for name, share in zip(names, shares, strict=True)
    ]


def _ramp(trial: Trial, definition: Definition, waiting_for: str) -> Document | None:
    if definition.ramp is None:
        return None
    following = next_shares(trial)
    return {
        "shares": list(definition.ramp.shares),
        "hours": definition.ramp.hours,
        "units": definition.ramp.units,
        "next_share": None if following is None else round(sum(following), 12),
        "waiting_for": "" if following is None else waiting_for,
    }


def _epochs(trial: Trial, names: Sequence[str], split: Any) -> list[Document]:
    ends = [later.since for _, later in pairwise(trial.epochs)] + [trial.ended_at]
    return [
        {
            "number": epoch.number,
            "since": epoch.since,
            "until": until,
            "shares": {name: round(share, 12) for name, share in zip(names, split(epoch.shares), strict=True)},
            "reason": epoch.reason,
        }
        for epoch, until in zip(trial.epochs, ends, strict=True)
    ]
