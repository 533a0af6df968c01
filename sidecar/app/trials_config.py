"""Tests of versions that the configuration declares: they begin with the sidecar and follow the file.

What reads them takes NumPy, so it is imported where there is one to read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from sidecar.app.parts import Name, Part

if TYPE_CHECKING:
    from sidecar.experiments.definition import Definition, ShadowDefinition

_AB_FIELDS = (
    *("traffic_split", "metrics", "duration_days", "unit", "guardrails", "ramp", "alpha", "plan_units", "effect"),
    *("exclude", "override_header", "failover", "notify"),
)
_SHADOW_FIELDS = ("share", "duration_days", "iou_min", "samples_per_hour")


class ExperimentConfig(Part):
    """An A/B test between upstreams; ``traffic_split`` is the share of units that goes to ``treatment``, or of several
    ``treatments`` {name: share}. What else there is means the same as in ``create_ab_test``; without ``duration_days``
    it runs until it is stopped."""

    name: Name = "experiment"
    model: str = "*"
    control: str
    treatment: str = ""
    treatments: tuple[str, ...] = ()
    salt: Annotated[str, Field(max_length=200)] = ""
    traffic_split: Any = None
    metrics: Any = None
    duration_days: Any = None
    unit: Any = None
    guardrails: Any = None
    ramp: Any = None
    alpha: Any = None
    plan_units: Any = None
    effect: Any = None
    exclude: Any = None
    override_header: Any = None
    failover: Any = None
    notify: Any = None

    @property
    def variants(self) -> tuple[str, ...]:
        """Control first."""
        return (self.control, *(self.treatments or (self.treatment,)))

    @property
    def definition(self) -> Definition:
        """The test. Raises DefinitionError."""
        from sidecar.experiments.asking import check_variants, read_ab_config
        from sidecar.experiments.definition import Definition

        fields = ["control", *(["treatments"] * len(self.treatments) or ["treatment"])]
        check_variants(self.variants, fields)
        asked = _asked(self, _AB_FIELDS)
        return Definition(
            *(self.name, self.model, self.control, self.variants[1:]),
            **{"duration_days": None, **read_ab_config(asked, self.variants), "salt": self.salt},
        )


class ShadowConfig(Part):
    """A shadow test: a ``share`` of the requests of ``model`` is copied to the upstream ``shadow``."""

    name: Name = "shadow"
    model: str = "*"
    shadow: str
    share: Any = None
    duration_days: Any = None
    iou_min: Any = None
    samples_per_hour: Any = None

    @property
    def definition(self) -> ShadowDefinition:
        """The test. Raises DefinitionError."""
        from sidecar.experiments.asking import read_shadow_config
        from sidecar.experiments.definition import ShadowDefinition

        asked = _asked(self, _SHADOW_FIELDS)
        return ShadowDefinition(
            self.name, self.model, self.shadow, **{"duration_days": None, **read_shadow_config(asked)}
        )


def test_faults(
    experiments: Sequence[ExperimentConfig], shadows: Sequence[ShadowConfig], upstreams: Collection[str]
) -> Iterator[str]:
    """What can't be, names that stand for nothing or for two things, and traffic that two tests want. Each begins with
    its place."""
    if not experiments and not shadows:
        return
    from sidecar.experiments.asking import DefinitionError

    known = " or ".join(upstreams)
    names: list[str] = []
    models: list[str] = []
    for place, item in _placed(experiments, shadows):
        if isinstance(item, ExperimentConfig) and bool(item.treatment) == bool(item.treatments):
            yield f"{place}.treatment: one upstream is needed, or several as `treatments`"
            continue
        try:
            _ = item.definition
        except DefinitionError as error:
            yield from (f"{place}.{field.removeprefix('config.')}: {message}" for field, message in error.faults)
        yield from (f"{place}.notify: {fault}" for fault in _channel_faults(getattr(item, "notify", None)))
        for field, variant in _variants_of(item):
            if variant not in upstreams:
                yield f"{place}.{field}: no upstream is called {variant!r}, expected {known}"
        if item.name in names:
            yield f"{place}.name: {item.name!r} is taken by an earlier test, names must differ"
        if item.model in models or (models and "*" in {item.model, *models}):
            yield f"{place}.model: another test already has the traffic of {item.model!r}"
        names.append(item.name)
        models.append(item.model)


def _placed(
    experiments: Sequence[ExperimentConfig], shadows: Sequence[ShadowConfig]
) -> Iterator[tuple[str, ExperimentConfig | ShadowConfig]]:
    yield from ((f"experiments.{index}", item) for index, item in enumerate(experiments))
    yield from ((f"shadows.{index}", item) for index, item in enumerate(shadows))


def _variants_of(item: ExperimentConfig | ShadowConfig) -> list[tuple[str, str]]:
    if isinstance(item, ShadowConfig):
        return [("shadow", item.shadow)]
    field = "treatments" if item.treatments else "treatment"
    return [("control", item.control), *((field, name) for name in item.variants[1:])]


def _channel_faults(channels: Any) -> Iterator[str]:
    """Of those that can be channels at all."""
    given = [channels] if isinstance(channels, str) else channels if isinstance(channels, list) else ()
    if not given:
        return
    from sidecar.alerts.channels import parse_address

    for channel in given:
        try:
            parse_address(str(channel))
        except ValueError as error:
            yield str(error)


def _asked(item: Part, fields: Sequence[str]) -> Mapping[str, Any]:
    return {name: value for name in fields if (value := getattr(item, name)) is not None}
