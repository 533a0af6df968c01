"""From epochs to one difference. Epochs are never pooled: by day and by night, at 1 % and at 50 %, traffic differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan, sqrt

from sidecar.experiments.arms import Epoch
from sidecar.experiments.sums import Sums, at_weight_of, pooled_standard_error


@dataclass(frozen=True, slots=True)
class Pair:
    """The sums of one metric in both arms of one epoch; ``share`` is the treatment's of both, by the split.

    ``judged`` counts the reviewed images of both, where the metric is of them.
    """

    control: Sums
    treatment: Sums
    share: float
    clustered: bool = False
    returning: bool = False
    judged: int = 0

    @property
    def clock(self) -> int:
        """What the sequence's time is counted in: units, or of lasting units what came from them.

        Cameras that stay tell more with every request though they grow no more: by units time would stand still, and
        looking again and again would go unpaid. Of a review the weight says nothing of that, but its number of images.
        """
        if self.judged:
            return self.judged
        if self.clustered and self.control.scale_m == 1 == self.treatment.scale_m:
            return self.control.m + self.treatment.m
        return self.control.n + self.treatment.n

    @property
    def weight(self) -> float:
        """nA nB / (nA + nB): what makes the combined difference the least variable."""
        n_a, n_b = self.control.n, self.treatment.n
        return n_a * n_b / (n_a + n_b) if n_a and n_b else 0.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """A difference, treatment minus ``margin`` times control. NaN where no epoch has two units an arm.

    ``n`` counts units of both arms, lasting ones once, ``clock`` what the sequence goes by (see ``Pair.clock``);
    ``control`` is the control's value with the same weights; ``least`` is how many units the smaller arm has, weighted
    ones as so many of equal weight.
    """

    difference: float = nan
    standard_error: float = nan
    control: float = nan
    n: int = 0
    clock: int = 0
    n_control: int = 0
    n_treatment: int = 0
    least: float = 0.0

    @property
    def relative(self) -> float:
        """The difference as a share of the control's value; NaN where that is 0."""
        return self.difference / abs(self.control) if self.control else nan


def pairs_of(epochs: Sequence[Epoch], treatment: str, metric: str) -> list[Pair]:
    """Those epochs in which both arms got traffic."""
    found = []
    for epoch in epochs:
        pair = epoch.pair(treatment)
        if pair is not None:
            control, arm, share = pair
            judged = control.judged + arm.judged if metric == "feedback_score" else 0
            clustered = control.clustered or arm.clustered
            found.append(Pair(control.of(metric), arm.of(metric), share, clustered, epoch.returning, judged))
    return found


def estimate(pairs: Sequence[Pair], *, pooled: bool = False, margin: float = 1.0) -> Estimate:
    """The differences of epochs with weights nA nB / (nA + nB).

    The standard error is Welch's, or that of both arms' variance together where it is larger: in a small arm of a
    skewed metric the mean and the variance are low together, and Welch's alone rejects far too often (simulated in
    tests/experiments). ``pooled``: the latter only (for rare events), of treatment / ``margin`` - control. Lasting
    units may come in several epochs, and then their errors add up instead of their variances, as if each epoch had the
    same units.
    """
    weights = 0.0
    difference = variance = errors = control = 0.0
    n_a = n_b = clock = 0
    equal_a = equal_b = 0.0
    clustered = False
    for pair in pairs:
        value, error = _of_epoch(pair, pooled, margin)
        if isnan(value) or isnan(error):
            continue
        weight = pair.weight
        weights += weight
        difference += weight * value
        control += weight * pair.control.value
        variance += (weight * error) ** 2
        errors += weight * error
        clock += pair.clock
        if not pair.returning:
            n_a, n_b = n_a + pair.control.n, n_b + pair.treatment.n
            equal_a, equal_b = equal_a + _equal_units(pair, pair.control), equal_b + _equal_units(pair, pair.treatment)
        clustered |= pair.clustered
    if not weights:
        return Estimate()
    combined = errors if clustered else sqrt(variance)
    return Estimate(
        difference / weights, combined / weights, control / weights, n_a + n_b, clock, n_a, n_b, min(equal_a, equal_b)
    )


def _equal_units(pair: Pair, arm: Sums) -> float:
    """The units of an arm; reviewed ones that weigh unlike as Kish's number of them (Survey Sampling, 1965, 11.7)."""
    return arm.m * arm.m / arm.mm if pair.judged and arm.mm else float(arm.n)


def _of_epoch(pair: Pair, pooled: bool, margin: float) -> tuple[float, float]:
    comparable = at_weight_of(pair.treatment, pair.control) if pair.judged else pair.treatment
    together = pooled_standard_error(pair.control, comparable, margin)
    if pooled:
        return pair.treatment.value / margin - pair.control.value, together
    error_a, error_b = margin * pair.control.standard_error, pair.treatment.standard_error
    return pair.treatment.value - margin * pair.control.value, max(sqrt(error_a**2 + error_b**2), margin * together)
