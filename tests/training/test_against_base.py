"""What was trained beside what it started from."""

import pytest

from sidecar.training import compared_with_base


@pytest.mark.parametrize(
    ("metrics", "verdict", "sentence"),
    [
        (
            {"recall": 0.6, "base_recall": 0.7, "precision": 0.9, "base_precision": 0.8},
            *("mixed", "Worse than the version it started from in recall 0.7 -> 0.6; better in precision 0.8 -> 0.9."),
        ),
        (
            {"val_loss": 0.2, "base_val_loss": 0.3},
            *("better", "Better than the version it started from: val_loss 0.3 -> 0.2."),
        ),
        ({"f1": 0.5, "base_f1": 0.5}, "same", "As good as the version it started from: f1 0.5."),
        (
            {f"map{n}": 0.1 for n in range(5)} | {f"base_map{n}": 0.2 for n in range(5)},
            "worse",
            "Worse than the version it started from: map0 0.2 -> 0.1, map1 0.2 -> 0.1, map2 0.2 -> 0.1, 2 more.",
        ),
        ({"images": 3.0, "base_images": 9.0}, None, ""),
        ({"map50": None, "base_map50": 0.4}, None, ""),
    ],
)
def test_metrics_that_are_given_of_both_are_compared(
    metrics: dict[str, float | None], verdict: str | None, sentence: str
) -> None:
    """Each by the side that is better; of a name that tells no side nothing is said."""
    assert compared_with_base(metrics) == (verdict, sentence)
