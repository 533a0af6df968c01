"""How a worker's plain settings follow from the configuration and the state: pure."""

from __future__ import annotations

import json
from dataclasses import replace

from sidecar.app.config import Config, ExperimentConfig, RouteConfig
from sidecar.app.state import State
from sidecar.dialects.routes import ROUTES
from sidecar.types import Experiment, Limits, Pin, ProxySettings, RoutePattern, Variant

PROBE_RATE = 0.01


def experiments_in_force(config: Config, state: State) -> tuple[ExperimentConfig, ...]:
    """Those set at run time where there are any, else the configuration's; none whose upstreams are gone."""
    names = {upstream.name for upstream in config.upstreams}
    chosen = config.experiments if state.experiments is None else state.experiments
    return tuple(item for item in chosen if {item.control, item.treatment} <= names)


def with_epochs(config: Config, state: State) -> State:
    """The state in which every experiment in force has an epoch; a changed definition opens the next one."""
    epochs = dict(state.epochs)
    for item in experiments_in_force(config, state):
        definition = json.dumps([item.model_dump(), _operating_points(config, item)], sort_keys=True)
        known, epoch = epochs.get(item.name, ("", -1))
        if known != definition:
            epochs[item.name] = (definition, epoch + 1)
    return state if epochs == state.epochs else state.model_copy(update={"epochs": epochs})


def compile_settings(config: Config, state: State) -> ProxySettings:
    """What every worker is to do. ``state`` must come from ``with_epochs``."""
    limits = Limits()
    return ProxySettings(
        version=state.version,
        variants=tuple(
            Variant(name=item.name, url=item.url, version=item.version, path=item.path, host=item.host)
            for item in config.upstreams
        ),
        default=config.default,
        routes=(*map(_route, config.routes), *ROUTES),
        experiments=tuple(_experiment(item, state) for item in experiments_in_force(config, state)),
        pins=_pins(config),
        limits=replace(limits, **config.limits.model_dump()),
        trusted_proxies=config.trusted_proxies,
        slice_by=config.slice_by,
        health_path=config.health_path,
    )


def _route(route: RouteConfig) -> RoutePattern:
    return RoutePattern(route.methods, route.path, route.dialect, route.model, route.upstream)


def _experiment(item: ExperimentConfig, state: State) -> Experiment:
    return Experiment(
        name=item.name,
        control=item.control,
        treatment=item.treatment,
        split=item.split,
        unit=item.unit,
        model=item.model,
        salt=item.salt or item.name,
        epoch=state.epochs[item.name][1],
    )


def _pins(config: Config) -> tuple[Pin, ...]:
    pins = [Pin("input_probe", PROBE_RATE)]
    if config.sampling.random_sample.enabled:
        pins.append(Pin("random_sample", config.sampling.random_sample.rate))
    return tuple(pins)


def _operating_points(config: Config, item: ExperimentConfig) -> list[float | None]:
    """A changed operating point changes what is counted, so it opens an epoch as a changed split does."""
    thresholds = {upstream.name: upstream.score_threshold for upstream in config.upstreams}
    models = {model.name: model.score_threshold for model in config.models}
    return [thresholds.get(item.control), thresholds.get(item.treatment), models.get(item.model)]
