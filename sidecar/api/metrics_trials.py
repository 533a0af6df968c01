"""The families of /metrics about A/B tests and shadow tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import get_args

from prometheus_client.core import Metric

from sidecar.api.families import counter, gauge, label
from sidecar.api.trials import TrialFigures
from sidecar.experiments.lifecycle import Status

TRIALS_SHOWN_MAX = 100
"""Tests under way with series of their own; all tests count in ``sidecar_trials``."""
_SHARE = ("trial", "kind", "model", "variant")


class TrialFamilies:
    """Makes families of figures. A test that is shown stays shown until it ends."""

    def __init__(self) -> None:
        self._shown: set[str] = set()

    def of(self, figures: TrialFigures) -> Iterator[Metric]:
        """All families; docs/metrics.md lists them."""
        self._admit(figures)
        statuses = {(status,): 0 for status in get_args(Status)} | {(s,): n for s, n in figures["statuses"].items()}
        yield gauge("sidecar_trials", "A/B tests and shadow tests by status.", ("status",), statuses)
        shares = {
            (label(trial), label(kind), label(model), label(variant)): share
            for trial, kind, model, variant, share in figures["active"]
            if trial in self._shown
        }
        yield gauge("sidecar_trial_share", "Share of traffic of each variant of a test under way.", _SHARE, shares)
        yield counter(
            "sidecar_shadow_images_compared",
            "Images whose answers of both versions were compared.",
            ("trial",),
            self._by_trial(figures["pairs"]),
        )
        yield gauge(
            "sidecar_shadow_agreement_ratio",
            "Share of the images compared on which both versions agree in full.",
            ("trial",),
            self._by_trial(figures["agreement"]),
        )
        skipped: Counter[tuple[str]] = Counter()
        for (_, reason), count in figures["skipped"].items():
            skipped[label(reason),] += count
        yield counter("sidecar_trial_skipped", "Answers that no test counts, by reason.", ("reason",), skipped)
        yield counter(
            "sidecar_trial_units_left_out",
            "Requests of lasting units that are not kept: there are too many units.",
            ("trial",),
            self._by_trial(figures["units_left_out"]),
        )
        yield counter(
            "sidecar_guardrail_stops", "A/B tests that a guardrail stopped.", (), {(): figures["guardrail_stops"]}
        )
        yield counter("sidecar_trial_rounds", "Looks at all tests.", (), {(): figures["rounds"]})
        yield counter("sidecar_trial_round_seconds", "Time spent on that.", (), {(): figures["round_seconds"]})

    def _admit(self, figures: TrialFigures) -> None:
        """Keep a place for who has one; give those of ended tests to others."""
        active = dict.fromkeys(trial for trial, *_ in figures["active"])
        self._shown.intersection_update(active)
        for trial in active:
            if len(self._shown) >= TRIALS_SHOWN_MAX:
                return
            self._shown.add(trial)

    def _by_trial(self, values: Mapping[str, float]) -> dict[tuple[str], float]:
        return {(label(trial),): value for trial, value in values.items() if trial in self._shown and isfinite(value)}
