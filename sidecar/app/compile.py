"""How a worker's plain settings follow from the configuration and the state: pure.

What reads tests of versions is imported only where there are some: it takes NumPy, and the supervisor compiles the
settings that its workers start with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sidecar.app.config import Config, RouteConfig
from sidecar.app.logs import LazyLog
from sidecar.app.registered import with_registered
from sidecar.app.state import State
from sidecar.app.tls_config import listen_tls, upstream_tls
from sidecar.dialects.routes import ROUTES
from sidecar.types import Experiment, FeedbackPath, Limits, Pin, ProxySettings, RoutePattern, Shadow, Variant

if TYPE_CHECKING:
    from sidecar.experiments.lifecycle import Trial

log = LazyLog()

PROBE_RATE = 0.01


def compile_settings(config: Config, state: State) -> ProxySettings:
    """What every worker is to do. A test or a promotion of which an upstream is gone is left out."""
    config = with_registered(config, state)
    names = {item.name for item in config.upstreams}
    trials = [trial for trial in trials_of(state) if names.issuperset(trial.definition.variants)]
    return ProxySettings(
        version=state.version,
        variants=tuple(
            Variant(item.name, item.url, item.version, item.path, item.host, item.urls, upstream_tls(item))
            for item in config.upstreams
        ),
        default=config.default,
        routes=(*map(_route, config.routes), *ROUTES),
        experiments=tuple(_experiments(trials)),
        shadows=tuple(_shadows(trials)),
        production=tuple((model, name) for model, name in sorted(state.production.items()) if name in names),
        pins=_pins(config, state),
        limits=replace(Limits(), **config.limits.model_dump()),
        trusted_proxies=config.trusted_proxies,
        slice_by=config.slice_by,
        health_path=config.health_path,
        feedback=FeedbackPath(config.feedback.path, config.feedback.origins, config.feedback.per_minute),
        tls=listen_tls(config.listen),
    )


def trials_of(state: State) -> list[Trial]:
    """The tests under way. One that can't be read is said and left out: its traffic goes to what serves."""
    if not state.trials:
        return []
    from sidecar.experiments.lifecycle import Trial

    found = []
    for document in state.trials:
        try:
            found.append(Trial.from_dict(document))
        except (KeyError, TypeError, ValueError) as error:
            log.error("test_unreadable", trial=document.get("trial_id"), error=str(error))
    return found


def _experiments(trials: Sequence[Trial]) -> Iterable[Experiment]:
    if not trials:
        return
    from sidecar.experiments.definition import Definition

    for trial in trials:
        definition = trial.definition
        if isinstance(definition, Definition):
            yield Experiment(
                name=trial.trial_id,
                control=definition.control,
                treatments=definition.treatments,
                shares=trial.epoch.shares,
                unit=definition.unit,
                model=definition.model,
                salt=trial.salt,
                epoch=trial.epoch.number,
                exclude=definition.exclude,
                override=definition.override,
                failover=definition.failover,
            )


def _shadows(trials: Sequence[Trial]) -> Iterable[Shadow]:
    if not trials:
        return
    from sidecar.experiments.definition import ShadowDefinition

    for trial in trials:
        definition = trial.definition
        if isinstance(definition, ShadowDefinition) and any(trial.epoch.shares):
            yield Shadow(
                name=trial.trial_id,
                variant=definition.shadow,
                share=trial.epoch.shares[0],
                model=definition.model,
                salt=trial.salt,
                epoch=trial.epoch.number,
            )


def _route(route: RouteConfig) -> RoutePattern:
    return RoutePattern(route.methods, route.path, route.dialect, route.model, route.upstream)


def _pins(config: Config, state: State) -> tuple[Pin, ...]:
    """What is drawn without a look at the answer: for each model by its own rules where it has any."""
    pins = [Pin("input_probe", PROBE_RATE)]
    if config.sampling.random_sample.enabled:
        pins.append(Pin("random_sample", config.sampling.random_sample.rate))
    for model, engine in state.engines.items():
        drawn = engine.config.get("random_sample", {})
        # with a rate of 0 where it is off: else that of all models would hold on to what the monitor does not want
        pins.append(Pin("random_sample", drawn["rate"] if drawn.get("enabled") else 0.0, model))
    return tuple(pins)
