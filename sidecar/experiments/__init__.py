"""Comparing model versions: split traffic, shadow pairs, and the statistics of both.

What it is for: from sums of each arm in each epoch to a verdict that holds however often it is looked at. Pure: no
clock, no disk, no asyncio, no randomness.

Key types: ``Arm`` (what was counted of one variant in one epoch, from a ``Summary`` or from sums per unit), ``Epoch``
(arms under one split), ``METRICS`` (the literal catalogue), ``Guardrail``, and ``results``, which gives ``Results``.
``Definition`` and ``ShadowDefinition`` are what was asked for (read in ``asking``), ``Trial`` is a test as it stands,
with its epochs (``lifecycle`` has the table of its statuses).
``sidecar.experiments.pairs`` compares two versions' answers to the same image.

Invariants, kept by tests/experiments and tests/laws:

- Every p-value but the one named fixed-horizon is always valid: under no difference, the chance that it is ever at most
  alpha is at most alpha. Their running minimum is kept in ``Results.lowest``.
- Epochs are never pooled: a difference is taken within each and combined with weights nA nB / (nA + nB).
- ``Arm.merge`` is exactly associative and commutative: results of eight workers are those of one.
- Before any traffic results are well-formed: p-values 1, averages NaN (None in ``to_dict``), no verdict.
"""

from sidecar.experiments.arms import (
    FEEDBACK_NAMES,
    FEEDBACK_SCALES,
    Arm,
    Epoch,
    feedback_moments,
    per_unit_moments,
    slow_edge,
)
from sidecar.experiments.guardrails import DEFAULT_GUARDRAILS, Guardrail, GuardrailReading
from sidecar.experiments.judging import Tuning
from sidecar.experiments.metrics import METRICS, PER_UNIT_NAMES, PER_UNIT_SCALES, Metric, metric_named
from sidecar.experiments.plan import Plan
from sidecar.experiments.results import DEFAULT_METRICS, ComparisonResult, Results, VariantFigures, results
from sidecar.experiments.srm import Srm
from sidecar.experiments.sums import Sums
from sidecar.experiments.verdict import Verdict

__all__ = [
    "DEFAULT_GUARDRAILS",
    "DEFAULT_METRICS",
    "FEEDBACK_NAMES",
    "FEEDBACK_SCALES",
    "METRICS",
    "PER_UNIT_NAMES",
    "PER_UNIT_SCALES",
    "Arm",
    "ComparisonResult",
    "Epoch",
    "Guardrail",
    "GuardrailReading",
    "Metric",
    "Plan",
    "Results",
    "Srm",
    "Sums",
    "Tuning",
    "VariantFigures",
    "Verdict",
    "feedback_moments",
    "metric_named",
    "per_unit_moments",
    "results",
    "slow_edge",
]
