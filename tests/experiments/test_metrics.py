"""The catalogue of metrics."""

import pytest

from sidecar.experiments import METRICS, PER_UNIT_NAMES, metric_named
from sidecar.experiments.arms import FEEDBACK_NAMES


def test_the_catalogue_is_what_issue_and_design_name() -> None:
    """Eight metrics; count and confidence alone are higher, not better."""
    assert {name: (metric.kind, metric.direction) for name, metric in METRICS.items()} == {
        "confidence": ("ratio", "higher"),
        "latency": ("mean", "lower is better"),
        "feedback_score": ("ratio", "higher is better"),
        "error_rate": ("binary", "lower is better"),
        "detections_per_image": ("ratio", "higher"),
        "no_detection_rate": ("binary", "higher"),
        "undecodable_rate": ("binary", "lower is better"),
        "slow_rate": ("binary", "lower is better"),
    }


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_each_metric_is_made_of_components_there_are(metric) -> None:
    """Of sums per unit, or of reviewed images; and it says what it is."""
    names = FEEDBACK_NAMES if metric.source == "feedback" else PER_UNIT_NAMES
    assert {name for name, _ in (*metric.numerator, *metric.denominator)} <= set(names)
    assert set(metric.to_dict()) == {"metric", "kind", "direction", "unit", "description"}


def test_an_unknown_metric_is_refused_with_the_field_and_what_there_is() -> None:
    """Nobody has to guess."""
    with pytest.raises(ValueError, match=r"metrics: 'accuracy' is not one of confidence, latency, .*slow_rate"):
        metric_named("accuracy")
