"""What an A/B test or a shadow test is, as it was asked for. Nothing of it changes while it runs but the split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sidecar.experiments.guardrails import DEFAULT_GUARDRAILS, Guardrail
from sidecar.experiments.judging import Tuning
from sidecar.experiments.pairs.matching import IOU_MIN
from sidecar.experiments.results import DEFAULT_METRICS
from sidecar.experiments.sequential import ALPHA, PLAN_UNITS, UNITS_MIN

DURATION_DAYS = 7.0
RAMP_HOURS = 24.0
SHADOW_SHARE = 0.1
SAMPLES_PER_HOUR = 60


@dataclass(frozen=True, slots=True)
class Ramp:
    """Shares of all treatments together, one step after the other. A step lasts ``hours`` and until each arm has
    ``units`` at least, and the next one begins only where every guardrail is surely safe."""

    shares: tuple[float, ...]
    hours: float = RAMP_HOURS
    units: int = UNITS_MIN


@dataclass(frozen=True, slots=True)
class Definition:
    """An A/B test. ``shares`` are of the units, one for each of ``treatments``, as it begins; the rest is control's.

    ``control`` and ``treatments`` name variants; ``model`` may be ``*``. ``unit`` is ``request``, ``client`` or
    ``header:NAME``. ``duration_days`` None: until it is stopped. ``effect`` is the relative difference to plan for.
    ``exclude`` is a header (``NAME`` or ``NAME=value``) of requests that are not part of it, ``override`` a header by
    which a tester names the variant. With ``failover`` control answers for a treatment that is down, and nothing is
    analysed meanwhile.
    """

    name: str
    model: str
    control: str
    treatments: tuple[str, ...]
    shares: tuple[float, ...]
    unit: str = "request"
    salt: str = ""
    metrics: tuple[str, ...] = DEFAULT_METRICS
    duration_days: float | None = DURATION_DAYS
    guardrails: tuple[Guardrail, ...] = DEFAULT_GUARDRAILS
    ramp: Ramp | None = None
    alpha: float = ALPHA
    plan_units: int = PLAN_UNITS
    effect: float | None = None
    exclude: str = ""
    override: str = ""
    notify: tuple[str, ...] = ()
    failover: bool = True

    @property
    def variants(self) -> tuple[str, ...]:
        """Control first."""
        return (self.control, *self.treatments)

    @property
    def tuning(self) -> Tuning:
        return Tuning(self.alpha, self.plan_units)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; ``from_dict`` reads it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Definition:
        """What ``to_dict`` wrote, also after JSON made its tuples lists.

        >>> asked = Definition("n", "*", "A", ("B",), (0.1,), ramp=Ramp((0.1, 0.5)))
        >>> Definition.from_dict(asked.to_dict()) == asked
        True
        """
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
        }
        fields["guardrails"] = tuple(Guardrail(**item) for item in document["guardrails"])
        ramp = document["ramp"]
        fields["ramp"] = None if ramp is None else Ramp(**{**ramp, "shares": tuple(ramp["shares"])})
        return cls(**fields)


@dataclass(frozen=True, slots=True)
class ShadowDefinition:
    """A shadow test: a ``share`` of the requests of ``model`` is copied to the variant ``shadow``.

    Boxes overlap from an IoU of ``iou_min``. Up to ``samples_per_hour`` of the images that both see least alike are
    kept for review.
    """

    name: str
    model: str
    shadow: str
    share: float = SHADOW_SHARE
    duration_days: float | None = DURATION_DAYS
    iou_min: float = IOU_MIN
    samples_per_hour: int = SAMPLES_PER_HOUR
    salt: str = ""

    @property
    def variants(self) -> tuple[str, ...]:
        return (self.shadow,)

    @property
    def shares(self) -> tuple[float, ...]:
        return (self.share,)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; ``from_dict`` reads it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> ShadowDefinition:
        """What ``to_dict`` wrote.

        >>> ShadowDefinition.from_dict(ShadowDefinition("n", "det", "B").to_dict()).shadow
        'B'
        """
        return cls(**document)
