"""How many units a difference takes to be found, and how long that is from now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, inf, isfinite, log, sqrt
from statistics import NormalDist
from typing import Any

from sidecar.durations import duration_text
from sidecar.experiments import rare, sequential
from sidecar.experiments.epochs import Pair, estimate
from sidecar.experiments.judging import Tuning, by_events
from sidecar.experiments.metrics import Metric

POWER = 0.8
UNITS_MAX = 10**10
"""More units than this are called never."""
EFFECT_RELATIVE = {"ratio": 0.05, "mean": 0.05, "binary": 0.5}
"""Differences, as shares of the control's value, that are planned for where none is given."""
_MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class Plan:
    """``units`` of both arms are needed to find ``effect`` (in the metric's unit) with ``power``; ``seconds`` are what
    is left at the pace so far. Both are infinite where it can't be told."""

    metric: str
    effect: float
    effect_relative: float
    power: float
    units: float
    units_seen: int
    seconds: float
    text: str

    def to_dict(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "effect": self.effect if isfinite(self.effect) else None,
            "effect_relative": self.effect_relative,
            "power": self.power,
            "units": int(self.units) if isfinite(self.units) else None,
            "units_seen": self.units_seen,
            "units_left": max(0, int(self.units) - self.units_seen) if isfinite(self.units) else None,
            "seconds": self.seconds if isfinite(self.seconds) else None,
            "text": self.text,
        }


def units_needed(effect: float, unit_variance: float, tuning: Tuning, power: float = POWER) -> float:
    """Units of both arms until the sequence excludes 0 with probability ``power``, ``effect`` being the difference.

    ``unit_variance`` is n times the squared standard error of the difference. The chance counted is that of excluding
    it at that very number of units; to be found by any look before is a little likelier. Infinite over UNITS_MAX.
    """
    if not effect or not unit_variance >= 0:
        return inf
    more = NormalDist().inv_cdf(power)

    def found(units: int) -> bool:
        width = float(sequential.half_width(sqrt(unit_variance / units), units, tuning.rho, tuning.alpha))
        return abs(effect) >= width + more * sqrt(unit_variance / units)

    return _least(found)


def power_at(units: float, effect: float, unit_variance: float, tuning: Tuning) -> float:
    """The chance that the sequence excludes 0 at ``units``, on the side of ``effect``."""
    error = sqrt(unit_variance / units)
    width = float(sequential.half_width(error, units, tuning.rho, tuning.alpha))
    return NormalDist().cdf((abs(effect) - width) / error)


def units_needed_for_ratio(ratio: float, rate: float, share: float, tuning: Tuning, power: float = POWER) -> float:
    """The same for a rare event: the control's ``rate``, the treatment ``ratio`` times it, ``share`` of units in the
    treatment. The e-process is taken at the events that ``power`` of experiments have at least as telling."""
    if not rate > 0 or not ratio >= 0 or ratio == 1 or not 0 < share < 1:
        return inf
    more = NormalDist().inv_cdf(power) * (1 if ratio > 1 else -1)

    def found(units: int) -> bool:
        in_control, in_treatment = units * (1 - share) * rate, units * share * rate * ratio
        events = in_control + in_treatment
        less_telling = in_treatment - more * sqrt(in_control * in_treatment / events)
        treatment = min(events, max(0.0, less_telling))
        return float(rare.log_e_value([events - treatment], [treatment], [share])) >= log(1 / tuning.alpha)

    return _least(found)


def plan_for(
    metric: Metric, pairs: Sequence[Pair], tuning: Tuning, elapsed_s: float, effect_relative: float | None = None
) -> Plan:
    """How much longer to run, from what the latest epoch shows of variance, split and pace."""
    relative = EFFECT_RELATIVE[metric.kind] if effect_relative is None else effect_relative
    binary = metric.kind == "binary"
    latest = pairs[-1:]
    found, all_found = estimate(latest, pooled=binary), estimate(pairs, pooled=binary)
    seen = all_found.n
    effect = relative * abs(found.control)
    if not found.n or not isfinite(effect):
        units = inf
    elif binary and by_events(latest):
        units = units_needed_for_ratio(1 + relative, found.control, latest[0].share, tuning)
    else:
        units = units_needed(effect, found.standard_error**2 * found.n, tuning)
    seconds = (units - seen) * elapsed_s / seen if seen and elapsed_s > 0 else inf
    seconds = max(0.0, seconds)
    text = _text(metric, relative, units, seen, seconds)
    return Plan(metric.name, effect, relative, POWER, units, seen, seconds, text)


def _text(metric: Metric, relative: float, units: float, seen: int, seconds: float) -> str:
    aim = f"a difference of {100 * relative:.3g} % in {metric.name}"
    if not isfinite(units):
        return f"It can't be told yet how long it takes to find {aim}."
    if units <= seen:
        return f"There are enough units to find {aim} in {100 * POWER:.0f} % of cases."
    left = f"{units - seen:,.0f} more units"
    if not isfinite(seconds):
        return f"To find {aim} in {100 * POWER:.0f} % of cases takes about {left}."
    minutes = max(1, ceil(seconds / _MINUTE_S))
    if minutes > 48 * 60:
        minutes -= minutes % 60
    lasting = duration_text(minutes * _MINUTE_S)
    return f"To find {aim} in {100 * POWER:.0f} % of cases takes about {left}, {lasting} at this pace."


def _least(found: Callable[[int], bool]) -> float:
    """The lowest number of units for which ``found`` holds, which from there on it does."""
    high = 2
    while not found(high):
        high *= 2
        if high > UNITS_MAX:
            return inf
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if found(middle) else (middle, high)
    return float(high)
