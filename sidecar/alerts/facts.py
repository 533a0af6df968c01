"""What a rule is judged on, and what comes out of the measurement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import Any

from sidecar.alerts.figures import Figures


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of a model, or of the sidecar, at one moment.

    ``figures`` are those of the condition's window, ``window_s`` long. ``baseline`` is what
    ``sidecar.drift.baseline.figures_of`` gives of the model's normal period, ``drift`` the ``DriftReport.to_dict()`` of
    the latest check, whose window ended ``drift_age_s`` ago. ``sidecar``: ``dropped`` (exchanges and predictions lost
    over the window) and ``backlog`` (items waiting now). ``stops``: when a guardrail stopped a variant of the model
    within the window (epoch seconds), and the sentence that says so; None where nobody tells. ``baseline_of`` names the
    version whose baseline that is, and ``drift_baseline_of`` the one that the check was made with, where it is not
    plain (``det@1``), ``drift_of`` what was checked (``det@2``); else they are empty.
    """

    figures: Figures
    window_s: float
    baseline: Mapping[str, Any] | None = None
    drift: Mapping[str, Any] | None = None
    drift_age_s: float = 0.0
    sidecar: Mapping[str, float] = field(default_factory=dict)
    stops: Sequence[tuple[float, str]] | None = None
    baseline_of: str = ""
    drift_of: str = ""
    drift_baseline_of: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """A metric's value in its unit, NaN where there was nothing to measure.

    ``samples`` counts what the value is made of. ``detail`` holds further numbers by name: ``no_detection_rate`` beside
    a confidence; ``baseline`` and ``ratio`` or ``difference``; ``expected`` and ``score`` of an anomaly; ``p_value``
    and ``distance`` of a drift score. ``reason`` says why there is no judgement, ``note`` what else there is to know.
    ``of`` names what was measured, where that is not all that the alert watches, ``baseline_of`` whose baseline it is
    held against, where that is another version's.
    """

    value: float
    samples: int = 0
    detail: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    note: str = ""
    of: str = ""
    baseline_of: str = ""


def nothing(reason: str, samples: int = 0) -> Reading:
    """There is no value, for a reason.

    >>> nothing("no baseline").reason
    'no baseline'
    """
    return Reading(nan, samples, reason=reason)
