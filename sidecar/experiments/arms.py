"""The sufficient statistics of an arm in one epoch, and of an epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isclose
from types import MappingProxyType

from sidecar.experiments.metrics import METRICS, PER_UNIT_NAMES, PER_UNIT_SCALES
from sidecar.experiments.sums import Sums
from sidecar.summaries import ExponentialHistogram, Moments, Summary
from sidecar.types import LATENCY_SCALE, latency_index

FEEDBACK_NAMES = ("weight", "correct")
FEEDBACK_SCALES = (1_000_000, 1_000_000)
"""Of a reviewed image of the random sample: 1 / (the probability it was kept with), and the same if it was correct."""


@dataclass(frozen=True, slots=True)
class Arm:
    """What was counted of one arm in one epoch. ``merge`` is exactly associative and commutative.

    ``assigned`` are units first seen in this epoch, before any drop; ``moved`` those left out because they were in
    another arm before. ``sums`` are by metric. ``latency`` is the upstream's, ms. ``sampled`` counts images of the
    random sample, ``judged`` those of them that are reviewed, ``user_feedback`` what people sent by themselves.
    ``reviewed``: ``sums["feedback_score"]`` is of the random sample, not of what people sent.
    """

    name: str
    assigned: int = 0
    moved: int = 0
    requests: int = 0
    images: int = 0
    clustered: bool = False
    sums: Mapping[str, Sums] = field(default_factory=lambda: MappingProxyType({}))
    latency: ExponentialHistogram = field(default_factory=ExponentialHistogram)
    reviewed: bool = False
    sampled: int = 0
    user_feedback: Sums = field(default_factory=Sums)
    judged: int = 0

    @classmethod
    def of_summary(
        cls,
        name: str,
        summary: Summary,
        *,
        slow_edge_ms: float | None = None,
        feedback: Moments | None = None,
        judged: int | None = None,
        sampled: int = 0,
    ) -> Arm:
        """An arm whose unit is the request. ``slow_edge_ms`` is the frozen edge of ``slow_rate`` (see
        ``slow_edge``; any other is taken as the one at or above it, none leaves the metric empty);
        ``feedback`` are FEEDBACK_NAMES over units whose images of the random sample are reviewed, ``judged`` how many
        images those are (default: one each), ``sampled`` the size of the sample."""
        users = _users(summary)
        sums = {
            metric.name: Sums.of(summary.units, metric.numerator, metric.denominator)
            for metric in METRICS.values()
            if metric.source == "images"
        }
        sums["latency"] = Sums.of(summary.latency_units, METRICS["latency"].numerator)
        sums["error_rate"] = Sums.of_counts(summary.requests, summary.failed)
        sums["slow_rate"] = _slow(summary.upstream, slow_edge_ms)
        sums["feedback_score"] = users if feedback is None else _reviewed(feedback)
        return cls(
            name,
            summary.requests,
            requests=summary.requests,
            images=summary.images,
            sums=MappingProxyType(sums),
            latency=summary.upstream,
            reviewed=feedback is not None,
            sampled=sampled,
            user_feedback=users,
            judged=_judged(feedback, judged),
        )

    @classmethod
    def of_units(
        cls,
        name: str,
        moments: Moments,
        summary: Summary,
        *,
        assigned: int | None = None,
        moved: int = 0,
        feedback: Moments | None = None,
        judged: int | None = None,
        sampled: int = 0,
    ) -> Arm:
        """An arm of lasting units (cameras, users): ``moments`` of PER_UNIT_NAMES over units, those that moved left
        out; ``summary`` gives what is only shown. ``assigned`` are units first seen in the epoch (default: all)."""
        users = _users(summary)
        sums = {
            metric.name: Sums.of(moments, metric.numerator, metric.denominator)
            for metric in METRICS.values()
            if metric.source != "feedback"
        }
        sums["feedback_score"] = users if feedback is None else _reviewed(feedback)
        return cls(
            name,
            moments.n + moved if assigned is None else assigned,
            moved,
            int(moments.sums[PER_UNIT_NAMES.index("requests")]),
            int(moments.sums[PER_UNIT_NAMES.index("images")]),
            True,
            MappingProxyType(sums),
            summary.upstream,
            feedback is not None,
            sampled,
            users,
            _judged(feedback, judged),
        )

    @property
    def units(self) -> int:
        """Units analysed: requests, or lasting units."""
        return self.sums["error_rate"].n if "error_rate" in self.sums else 0

    def of(self, metric: str) -> Sums:
        """The sums of a metric; empty where nothing was counted."""
        return self.sums.get(metric, Sums())

    def merge(self, other: Arm) -> Arm:
        """Both sides' units (of other workers, or other buckets of the epoch). Raises ValueError for another arm, and
        for feedback of which only one side's is of the random sample."""
        if self.name != other.name:
            raise ValueError(f"arms: {self.name!r} and {other.name!r} are not one arm")
        left, right = self.of("feedback_score"), other.of("feedback_score")
        if self.reviewed != other.reviewed and left.n and right.n:
            raise ValueError("arms: feedback of the random sample and of users can't be added up")
        names = [name for name in METRICS if name in self.sums or name in other.sums]
        return Arm(
            self.name,
            self.assigned + other.assigned,
            self.moved + other.moved,
            self.requests + other.requests,
            self.images + other.images,
            self.clustered or other.clustered,
            MappingProxyType({name: self.of(name).merge(other.of(name)) for name in names}),
            self.latency.merge(other.latency),
            self.reviewed or other.reviewed,
            self.sampled + other.sampled,
            self.user_feedback.merge(other.user_feedback),
            self.judged + other.judged,
        )


@dataclass(frozen=True, slots=True)
class Epoch:
    """A stretch with one split of traffic. ``split`` has the shares of control and of each treatment, adding up to 1
    among them; a treatment that gets no traffic has 0. Raises ValueError.

    Of lasting units, those first seen in earlier epochs form an Epoch of their own (``returning``, with ``assigned``
    0): what share of them is in which arm follows from the earlier split, so they must not be mixed with new ones. Each
    of them is counted as a unit where it was seen first.
    """

    control: Arm
    treatments: tuple[Arm, ...]
    split: tuple[float, ...]
    number: int = 0
    returning: bool = False

    def __post_init__(self) -> None:
        if len(self.split) != len(self.treatments) + 1:
            raise ValueError(f"split: {len(self.split)} shares for {len(self.treatments) + 1} arms")
        if min(self.split) < 0 or not isclose(sum(self.split), 1.0, abs_tol=1e-6):
            raise ValueError(f"split: {self.split} are not shares that add up to 1")

    @property
    def arms(self) -> tuple[Arm, ...]:
        """Control first."""
        return (self.control, *self.treatments)

    def pair(self, treatment: str) -> tuple[Arm, Arm, float] | None:
        """(control, treatment, the treatment's share of both), or None where one of them got no traffic."""
        for arm, share in zip(self.treatments, self.split[1:], strict=True):
            if arm.name == treatment and share > 0 and self.split[0] > 0:
                return self.control, arm, share / (share + self.split[0])
        return None


def per_unit_moments() -> Moments:
    """Empty sums per unit, to add units to: int64 [units, components] in the order of PER_UNIT_NAMES, scaled.

    >>> per_unit_moments().n
    0
    """
    return Moments(PER_UNIT_NAMES, PER_UNIT_SCALES)


def feedback_moments() -> Moments:
    """Empty sums of reviewed images, to add units to, each with the sums of its images: int64 [units, 2], in
    millionths."""
    return Moments(FEEDBACK_NAMES, FEEDBACK_SCALES)


def total_of(arms: list[Arm]) -> Arm:
    """One arm over its epochs: for what is shown, never for a difference."""
    total = arms[0]
    for arm in arms[1:]:
        # an epoch may have nothing but what users sent, another the random sample: the sample counts
        if total.reviewed != arm.reviewed:
            total, arm = _sample_only(total), _sample_only(arm)
        total = total.merge(arm)
    return total


def of_one_source(epochs: Sequence[Epoch]) -> list[Epoch]:
    """Where any arm's feedback score is of the random sample, none is of what users sent: the two say different
    things, and a difference between them nothing."""
    if not any(arm.reviewed for epoch in epochs for arm in epoch.arms):
        return list(epochs)
    return [
        replace(
            epoch,
            control=_sample_only(epoch.control),
            treatments=tuple(_sample_only(arm) for arm in epoch.treatments),
        )
        for epoch in epochs
    ]


def slow_edge(p95_ms: float) -> float:
    """The histogram's bucket edge at or above ``p95_ms``, to freeze and to show: what is over it is counted exactly."""
    return float(2.0 ** ((latency_index(p95_ms) + 1) * 2.0**-LATENCY_SCALE))


def _sample_only(arm: Arm) -> Arm:
    if arm.reviewed:
        return arm
    return replace(arm, sums=MappingProxyType({**arm.sums, "feedback_score": Sums()}))


def _users(summary: Summary) -> Sums:
    return Sums.of_counts(sum(summary.feedback.values()), summary.feedback.get("correct", 0))


def _judged(feedback: Moments | None, judged: int | None) -> int:
    return 0 if feedback is None else feedback.n if judged is None else judged


def _reviewed(feedback: Moments) -> Sums:
    metric = METRICS["feedback_score"]
    return Sums.of(feedback, metric.numerator, metric.denominator)


def _slow(upstream: ExponentialHistogram, edge_ms: float | None) -> Sums:
    """Those in buckets over the edge, so that the counts of merged histograms are the sums of counts."""
    if edge_ms is None:
        return Sums()
    last = latency_index(edge_ms) >> max(0, LATENCY_SCALE - upstream.scale)
    return Sums.of_counts(upstream.count, sum(n for index, n in upstream.counts.items() if index > last))
