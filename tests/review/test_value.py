"""What a review of an image is worth."""

from math import nan

import numpy as np
import pytest

from sidecar.review import value_of
from sidecar.types import Detections

KNOWN = {"cat": 10_000, "dog": 99}


def seen(*scores: float, labels: tuple[str, ...] = ("cat",), classes: tuple[int, ...] | None = None) -> Detections:
    return Detections(
        np.zeros((len(scores), 4), np.float32),
        np.array(scores, np.float32),
        np.array(classes or [0] * len(scores), np.int32),
        labels,
    )


@pytest.mark.parametrize(
    ("scores", "value"),
    [((1.0,), 0.0), ((0.25,), 1.0), ((0.99, 0.625), 0.5), ((0.2,), 0.8), ((1.0, 0.05), 0.2), ((), 0.5)],
)
def test_uncertainty_is_that_of_the_detection_nearest_the_operating_point(scores, value) -> None:
    """From 0 at a score of 1 (or of 0) to 1 at the operating point, on either side by its own measure."""
    assert value_of(seen(*scores), 0.25, 0.0, KNOWN) == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize(
    ("labels", "value"), [(("cat",), 0.0), (("dog",), 0.5), (("elk",), 1.0), (("cat", "dog"), 0.5)]
)
def test_rarity_is_that_of_the_rarest_class(labels, value) -> None:
    """A class nobody saw is worth most, one of ten thousand images nothing."""
    sure = seen(*[1.0] * len(labels), labels=labels, classes=tuple(range(len(labels))))
    assert value_of(sure, 0.25, 0.0, KNOWN) == pytest.approx(value)


def test_class_below_the_operating_point_is_not_rare() -> None:
    """What does not count as a detection is no find."""
    assert value_of(seen(1.0, 0.025, labels=("cat", "elk"), classes=(0, 1)), 0.25, 0.0, KNOWN) == pytest.approx(0.1)


@pytest.mark.parametrize(("disagreement", "value"), [(0.7, 0.7), (7.0, 1.0), (nan, 0.0), (-1.0, 0.0)])
def test_disagreement_counts_as_it_was_measured(disagreement, value) -> None:
    """The greatest of the three decides; one that is no share is cut, no number is none."""
    assert value_of(seen(1.0), 0.25, disagreement, KNOWN) == value


def test_score_at_the_operating_point_counts_in_its_own_precision() -> None:
    """0.7 as float32 is a little less than 0.7, and is at it all the same."""
    assert value_of(seen(0.7, labels=("dog",)), 0.7, 0.0, KNOWN) == pytest.approx(1.0)
    assert value_of(seen(0.7, 1.0, labels=("cat", "elk"), classes=(1, 0)), 0.7, 0.0, {"cat": 9_999}) == 1.0


def test_unread_answer_is_worth_what_is_unknown() -> None:
    """Without detections there is no class, and no score to be sure of."""
    assert value_of(None, 0.25, 0.0, {}) == 0.5
    assert value_of(None, 0.25, 0.6, {}) == 0.6


@pytest.mark.parametrize("threshold", [0.0, 1.0])
@pytest.mark.parametrize("scores", [(0.0,), (1.0,), (0.5, nan), (2.0, -1.0)])
def test_value_stays_a_share_at_the_ends(threshold, scores) -> None:
    """No operating point and no score divides by zero."""
    assert 0.0 <= value_of(seen(*scores), threshold, 0.0, KNOWN) <= 1.0
