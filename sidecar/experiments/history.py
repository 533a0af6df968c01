"""How results came to be: the same statistics, after each of several moments. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import Any, NamedTuple

from sidecar.experiments import rare
from sidecar.experiments.arms import Epoch, of_one_source
from sidecar.experiments.comparison import number
from sidecar.experiments.epochs import Pair, pairs_of
from sidecar.experiments.judging import Judged, Of, Tuning, event_counts, judge
from sidecar.experiments.metrics import METRICS
from sidecar.experiments.srm import srm_of


class Moment(NamedTuple):
    """All that an experiment had seen by ``at`` (epoch seconds)."""

    at: float
    epochs: Sequence[Epoch]


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """What a metric came to by ``at``: what ``MetricResult`` has of it, and the estimated ``ratio`` where the bounds
    ``low`` and ``high`` are of that. NaN and infinity where nothing was known.

    ``p_value`` is the always-valid one of that moment, ``p_value_lowest`` the lowest up to it.
    """

    at: float
    n_control: int
    n_treatment: int
    difference: float
    ratio: float
    low: float
    high: float
    p_value: float
    p_value_lowest: float
    of: Of = "difference"

    @classmethod
    def of_judged(cls, at: float, judged: Judged, p_value_lowest: float, ratio: float = nan) -> MetricPoint:
        found = judged.estimate
        return cls(
            *(at, found.n_control, found.n_treatment, found.difference, ratio, judged.low, judged.high),
            *(judged.p_value_always_valid, p_value_lowest, judged.of),
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; None for what there is no number for."""
        return {
            "at": self.at,
            "n": {"model_a": self.n_control, "model_b": self.n_treatment},
            "difference": number(self.difference),
            "ratio": number(self.ratio),
            "low": number(self.low),
            "high": number(self.high),
            "p_value": number(self.p_value),
            "p_value_lowest": number(self.p_value_lowest),
        }


@dataclass(frozen=True, slots=True)
class SrmPoint:
    """Whether units had arrived in the shares of the split by ``at``; ``observed`` are units by arm."""

    at: float
    p_value: float
    p_value_lowest: float
    observed: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        return {
            "at": self.at,
            "p_value": number(self.p_value),
            "p_value_lowest": self.p_value_lowest,
            "observed": self.observed,
        }


def metric_points(moments: Sequence[Moment], treatment: str, metric: str, tuning: Tuning) -> list[MetricPoint]:
    """One metric of a treatment against control after each of ``moments``, which come in the order of time.

    The last point is what ``results`` gives of the last moment, but for the lowest p-value, which knows these moments
    alone.
    """
    lowest = 1.0
    points = []
    for at, epochs in moments:
        pairs = pairs_of(of_one_source(epochs), treatment, metric)
        judged = judge(METRICS[metric], pairs, tuning)
        lowest = min(lowest, judged.p_value_always_valid)
        points.append(MetricPoint.of_judged(at, judged, lowest, _ratio(pairs, judged)))
    return points


def srm_points(moments: Sequence[Moment], variants: Sequence[str]) -> list[SrmPoint]:
    """Whether units came in the shares of the split, after each of ``moments``."""
    lowest = 1.0
    points = []
    for at, epochs in moments:
        now = srm_of(epochs, variants)
        lowest = min(lowest, now.p_value)
        points.append(SrmPoint(at, now.p_value, lowest, now.observed))
    return points


def _ratio(pairs: Sequence[Pair], judged: Judged) -> float:
    return float(rare.ratio_estimate(*event_counts(pairs))) if judged.of == "ratio" and pairs else nan
