"""Who serves a request of an A/B test: pure functions of the test, the request's unit and two of its headers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from math import fsum

from sidecar.hashing import unit_interval
from sidecar.types import Experiment, Role

UNIT_MAX = 200
"""A longer unit is recorded as its hash."""
_BOUND_DIGITS = 9
"""Proportions are rounded so that a ramp that keeps them has the same ones, whatever its shares are as floats."""

Header = Callable[[bytes], str | None]
"""The value of a request's field of that lower-case name, None where it has none."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who serves a request, in which role. ``unit`` is empty where no experiment ran or its unit is unknown."""

    variant: str
    role: Role
    experiment: str = ""
    epoch: int = 0
    unit: str = ""


class Split:
    """An A/B test, compiled.

    ``versions`` are those of variants that have one configured. A unit is treated where its draw is under the sum of
    the shares; which treatment it gets is a second draw over their proportions. So a ramp that keeps the proportions
    never moves a unit that is treated already.

    >>> split = Split(Experiment("e", "A", ("B", "C"), (0.25, 0.5), unit="client"))
    >>> split.assign("10.0.0.7", "", lambda name: None).variant
    'B'
    """

    def __init__(self, experiment: Experiment, versions: Mapping[str, str] | None = None) -> None:
        self.model = experiment.model
        self.unit_header = _header_name(experiment.unit[7:]) if experiment.unit.lower().startswith("header:") else b""
        self._experiment = experiment
        self._share = fsum(experiment.shares)
        shares = zip(experiment.treatments, experiment.shares, strict=False)
        self._treated = frozenset(name for name, share in shares if share > 0)
        self._bounds = _bounds(experiment.shares, self._share)
        name, self._excluded_by_value, self._excluding_value = experiment.exclude.partition("=")
        self._exclude = _header_name(name)
        self._override = _header_name(experiment.override)
        self._wishes = _wishes(experiment, versions or {})

    def assign(self, client: str, prediction_id: str, header: Header) -> Assignment:
        """The variant of a request. What excludes it comes before a tester's wish, and both before its unit."""
        experiment = self._experiment
        if self._exclude and self._is_excluded(header):
            return self._outside("excluded", experiment.control)
        if self._override:
            wished = header(self._override)
            if wished is not None:
                return self._outside("override", self._wished(wished))
        if self._share <= 0:  # paused: who comes now was given no chance of a treatment
            return self._outside("excluded", experiment.control)
        if self.unit_header:
            unit = header(self.unit_header) or ""
        else:
            unit = prediction_id if experiment.unit == "request" else client
        if len(unit) > UNIT_MAX:
            unit = blake2b(unit.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
        if not unit:
            return self._outside("excluded", experiment.control)
        if unit_interval(experiment.salt, unit) < self._share:
            return Assignment(self._treatment(unit), "treatment", experiment.name, experiment.epoch, unit)
        return Assignment(experiment.control, "control", experiment.name, experiment.epoch, unit)

    def while_down(self, assignment: Assignment, down: frozenset[str]) -> Assignment:
        """``assignment`` while the upstreams of the variants ``down`` are: control answers for a treatment among them.

        While a treatment with a share is down, nothing of the test is analysed. What control gets meanwhile is of a
        time of which the treatment has nothing, so counting it would compare two different times; and a request that
        is not counted on either side can't bend the split that was asked for. Which requests that meets rests on what
        was known before them, never on what became of them: one that itself finds its upstream failing is its
        version's error. Where control is down too there is nowhere to go, and both sides' errors count.

        >>> split = Split(Experiment("e", "A", ("B",), (0.5,)))
        >>> at_b, at_a = Assignment("B", "treatment", "e", 0, "u1"), Assignment("A", "control", "e", 0, "u2")
        >>> [split.while_down(one, frozenset(("B",))).role for one in (at_b, at_a)]
        ['failover', 'excluded']
        """
        experiment = self._experiment
        if (
            not experiment.failover
            or assignment.role not in ("control", "treatment")
            or experiment.control in down
            or down.isdisjoint(self._treated)
        ):
            return assignment
        if assignment.variant in down:
            return self._outside("failover", experiment.control)
        return self._outside("excluded", assignment.variant)

    def _outside(self, role: Role, variant: str) -> Assignment:
        """Traffic of the test that is not analysed has no unit."""
        return Assignment(variant, role, self._experiment.name, self._experiment.epoch)

    def _is_excluded(self, header: Header) -> bool:
        value = header(self._exclude)
        return value is not None and (not self._excluded_by_value or value == self._excluding_value)

    def _wished(self, wish: str) -> str:
        """The variant that a tester names, by its name, its version or as model@version; control where it is none."""
        named = wish.strip()
        return self._wishes.get(named) or self._wishes.get(named.rpartition("@")[2]) or self._experiment.control

    def _treatment(self, unit: str) -> str:
        treatments = self._experiment.treatments
        if len(treatments) == 1:
            return treatments[0]
        return treatments[bisect_right(self._bounds, unit_interval(self._experiment.salt, unit, "arm"))]


def _wishes(experiment: Experiment, versions: Mapping[str, str]) -> dict[str, str]:
    """What testers may name, and the variant it means. A name comes before a version, control before treatments."""
    variants = (experiment.control, *experiment.treatments)
    found = {versions[name]: name for name in reversed(variants) if versions.get(name)}
    return found | {name: name for name in variants}


def _header_name(name: str) -> bytes:
    return name.strip().lower().encode()


def _bounds(shares: tuple[float, ...], total: float) -> list[float]:
    """Where each treatment's part of [0, 1) ends; one without a share has an empty part."""
    if total <= 0:
        return []
    return [round(fsum(shares[: index + 1]) / total, _BOUND_DIGITS) for index in range(len(shares))]
