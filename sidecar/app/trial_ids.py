"""Which upstream a model id means: ``model@version``, or an upstream by its name. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from sidecar.app.config import Config
from sidecar.app.registered import model_of
from sidecar.app.upstream_config import UpstreamConfig
from sidecar.trials import Points, TrialFault

LISTED_MAX = 20
ANY_MODEL = "*"


class Named(NamedTuple):
    """What an id means: a variant and, unless the id was an upstream's name, the model."""

    model: str
    variant: str


class Ids:
    """Ids under a configuration. ``known`` are the (model, version) that are recorded; ``serving`` says which variant
    serves a model now."""

    def __init__(self, config: Config, known: Collection[tuple[str, str]], serving: Callable[[str], str]) -> None:
        self._config = config
        self._models = {model for model, _ in known if model}
        self._trained = {model_of(item) for item in config.upstreams} - {""}
        self._serving = serving

    def variant(self, model_id: str, field: str, *, bare: bool = False) -> Named:
        """The variant that ``model_id`` means; with ``bare`` a model's name alone means what serves it now.

        Raises TrialFault with ``field``.
        """
        upstreams = self._config.upstreams
        for item in upstreams:
            if item.name == model_id:
                return Named(model_of(item) or ANY_MODEL, model_id)
        if model_id in self._models | self._trained:
            if bare:
                return Named(model_id, self._serving(model_id))
            raise TrialFault(field, f"{model_id!r} has no version, expected {model_id}@VERSION or {self._upstreams()}")
        model, _, version = model_id.rpartition("@")
        if not model or (self._models and model not in self._models | self._trained):
            raise TrialFault(field, f"no model or upstream is called {model_id!r}; {self._there()}")
        # what was trained for it comes first, and what was trained for another model never answers for it
        own = [item for item in upstreams if model_of(item) == model and version == item.version]
        serving = own or [item for item in upstreams if not model_of(item) and version == (item.version or item.name)]
        if not serving:
            raise TrialFault(field, f"no upstream serves version {version!r} of {model!r}; {self._upstreams()}")
        if len(serving) > 1:
            names = " or ".join(item.name for item in serving)
            raise TrialFault(field, f"version {version!r} is that of several upstreams: name one, {names}")
        return Named(model, serving[0].name)

    def one_model(self, named: Sequence[tuple[Named, str, str]]) -> str:
        """The model that all of (what it means, the id, its field) are of. Raises TrialFault."""
        model = ANY_MODEL
        for (of, _), model_id, field in named:
            if of != ANY_MODEL and model not in (ANY_MODEL, of):
                raise TrialFault(field, f"{model_id!r} is not a version of {model!r}")
            model = of if model == ANY_MODEL else model
        return model

    def _there(self) -> str:
        models = ", ".join(sorted(self._models | self._trained)[:LISTED_MAX])
        return f"there are the models {models} and {self._upstreams()}" if models else self._upstreams()

    def _upstreams(self) -> str:
        return f"the upstreams {', '.join(map(_told, self._config.upstreams))}"


def points_of(config: Config, model: str, variants: Sequence[str]) -> Points:
    """What figures of these variants depend on; of variants that are configured."""
    upstreams = {item.name: item for item in config.upstreams}
    models = {item.name: item.score_threshold for item in config.models}
    threshold = models.get(model, models.get(ANY_MODEL))
    chosen = [upstreams[name] for name in variants if name in upstreams]
    return Points(
        {item.name: item.version for item in chosen},
        {item.name: threshold if item.score_threshold is None else item.score_threshold for item in chosen},
    )


def check_told_apart(points: Points, treatments: Sequence[str]) -> None:
    """Several treatments' answers are told apart by the versions they are recorded under; without one of its own an
    upstream's answers may bear that of the request's path. Raises TrialFault."""
    if len(treatments) < 2:
        return
    versions = [points.versions.get(name, "") for name in treatments]
    for place, version in enumerate(versions):
        if not version:
            raise TrialFault("config.treatments", f"upstream {treatments[place]} has no `version`: give each its own")
        if version in versions[:place]:
            other = treatments[versions.index(version)]
            raise TrialFault(
                "config.treatments", f"{other} and {treatments[place]} are both version {version!r}: give each its own"
            )


def _told(upstream: UpstreamConfig) -> str:
    return f"{upstream.name} (version {upstream.version})" if upstream.version else upstream.name
