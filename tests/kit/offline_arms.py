"""The arms of an A/B test by request, worked out anew from answers: nothing of the product is imported."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

ALPHA = 0.05
PLAN_UNITS = 5_000

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ratio:
    """A ratio of sums over requests: of each request what is ``counted`` and what it is divided ``by``."""

    counted: Floats
    by: Floats

    @property
    def value(self) -> float:
        return float(self.counted.sum() / self.by.sum())

    def residuals(self, value: float) -> Floats:
        """What requests differ from a ratio of ``value``."""
        return self.counted - value * self.by

    @property
    def standard_error(self) -> float:
        """By the delta method (Deng, Knoblich, Lu, KDD 2018)."""
        residuals, n = self.residuals(self.value), len(self.by)
        return math.sqrt(float(residuals @ residuals) / (n - 1) / n) / float(self.by.mean())


@dataclass(frozen=True)
class OfflineArm:
    """What one version answered."""

    images: int
    confidence: Ratio
    detections: Ratio

    @property
    def avg_confidence(self) -> float:
        return self.confidence.value

    @property
    def detections_per_image(self) -> float:
        return self.detections.value

    @property
    def no_detection_rate(self) -> float:
        return 1 - float(self.confidence.by.sum()) / self.images


def arm_of(answers: Sequence[Sequence[float] | None], threshold: float) -> OfflineArm:
    """From the scores of each answer with one image; None is an error, in which there are no images."""
    counting = [[score for score in scores if score >= threshold] for scores in answers if scores is not None]
    means = np.array([float(np.mean(scores)) if scores else 0.0 for scores in counting])
    found = np.array([float(len(scores)) for scores in counting])
    return OfflineArm(len(counting), Ratio(means, np.minimum(found, 1)), Ratio(found, np.ones(len(counting))))


@dataclass(frozen=True)
class Difference:
    """The treatment's ratio less control's; ``low`` and ``high`` hold however often one looks."""

    difference: float
    low: float
    high: float
    p_value_always_valid: float
    p_value_fixed_horizon: float


def difference_of(control: Ratio, treatment: Ratio) -> Difference:
    """Tested by Welch's t, and always validly with the larger of Welch's error and that of both arms' variance
    together."""
    difference = treatment.value - control.value
    variances = [control.standard_error**2, treatment.standard_error**2]
    n_a, n_b = len(control.by), len(treatment.by)
    error = max(math.sqrt(sum(variances)), _error_together(control, treatment))
    df = sum(variances) ** 2 / (variances[0] ** 2 / (n_a - 1) + variances[1] ** 2 / (n_b - 1))
    return Difference(
        difference,
        *always_valid(difference, error, n_a + n_b),
        float(2 * stats.t.sf(abs(difference) / math.sqrt(sum(variances)), df)),
    )


def always_valid(difference: float, error: float, n: int) -> tuple[float, float, float]:
    """(low, high, p-value) that hold however often one looks, by the Gaussian mixture of Waudby-Smith et al. (arXiv
    2103.06476), tightest at PLAN_UNITS."""
    logarithm = -2 * math.log(ALPHA)
    time = n * (logarithm + math.log(logarithm + 1)) / PLAN_UNITS
    half = error * math.sqrt((time + 1) / time * 2 * math.log(math.sqrt(time + 1) / ALPHA))
    p_value = math.sqrt(time + 1) * math.exp(-((difference / error) ** 2) * time / (2 * (time + 1)))
    return difference - half, difference + half, min(1.0, p_value)


def _error_together(control: Ratio, treatment: Ratio) -> float:
    """Of the difference where both have the ratio of both together."""
    counted = np.concatenate([control.counted, treatment.counted])
    by = np.concatenate([control.by, treatment.by])
    residuals = Ratio(counted, by).residuals(float(counted.sum() / by.sum()))
    n_a, n_b = len(control.by), len(treatment.by)
    return math.sqrt(float(residuals @ residuals) / (n_a + n_b - 1) * (1 / n_a + 1 / n_b)) / float(by.mean())
