"""Definitions keep what they are through JSON."""

import json

from sidecar.experiments import Guardrail
from sidecar.experiments.definition import Definition, Ramp, ShadowDefinition


def test_an_ab_test_survives_json() -> None:
    """What the store and the settings file keep is what comes back, with its types."""
    asked = Definition(
        *("n", "det", "A", ("B", "C"), (0.1, 0.2)),
        unit="header:x-camera",
        guardrails=(Guardrail("latency", 1.2),),
        ramp=Ramp((0.1, 0.3), 2.0, 200),
        notify=("slack:#ml",),
        duration_days=None,
    )
    assert Definition.from_dict(json.loads(json.dumps(asked.to_dict()))) == asked


def test_an_ab_test_without_a_ramp_survives_json() -> None:
    """None stays None."""
    asked = Definition("n", "*", "A", ("B",), (0.1,))
    assert Definition.from_dict(json.loads(json.dumps(asked.to_dict()))) == asked


def test_a_shadow_test_survives_json() -> None:
    """As an A/B test does."""
    asked = ShadowDefinition("n", "*", "B", iou_min=0.6)
    assert ShadowDefinition.from_dict(json.loads(json.dumps(asked.to_dict()))) == asked


def test_tuning_is_that_of_the_definition() -> None:
    """It is settled when the test is created, and never by what it shows."""
    tuning = Definition("n", "*", "A", ("B",), (0.1,), alpha=0.01, plan_units=800).tuning
    assert (tuning.alpha, tuning.plan_units) == (0.01, 800)
