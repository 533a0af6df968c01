"""Upstreams of versions that were trained or registered, beside those of the configuration. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from hashlib import blake2b
from typing import Any

from sidecar.app.config import Config
from sidecar.app.state import Registered, State
from sidecar.app.tls_config import SETTINGS
from sidecar.app.upstream_config import UpstreamConfig

REGISTERED_MAX = 100
"""Versions that have upstreams; for a new one the oldest goes that a job trained, that serves nobody and is in no
test. What a person registered stays until a person deletes it."""
NAME_MAX = 64
_HASH_BYTES = 4


class RegistryFull(ValueError):
    """All that are registered serve or are under test: none can make room."""


class RegisteredUpstream(UpstreamConfig):
    """An upstream of one version of one model: it answers for no other model."""

    model: str


def upstream_name(model: str, version: str, taken: Collection[str] = ()) -> str:
    """What the upstream of a trained version is called: model and version, and a hash of both where that alone is no
    name of an upstream, is too long for one, or is ``taken``.

    >>> upstream_name("digits", "3"), upstream_name("my/model", "2 b"), upstream_name("digits", "3", {"digits-3"})
    ('digits-3', 'my-model-2-b-8f4d63a3', 'digits-3-d250cd6f')
    """
    whole = f"{model}-{version}"
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", whole).lstrip("-.") or "trained"
    if name == whole and len(name) <= NAME_MAX and name not in taken:
        return name
    # of both apart: det-night and 2 are not det and night-2
    digest = blake2b(f"{model}\0{version}".encode("utf-8", "surrogateescape"), digest_size=_HASH_BYTES).hexdigest()
    return f"{name[: NAME_MAX - len(digest) - 1]}-{digest}"


def with_registered(config: Config, state: State) -> Config:
    """The configuration with the upstreams of registered versions. A name that the file has taken meanwhile is the
    file's."""
    taken = {upstream.name for upstream in config.upstreams}
    added = [
        RegisteredUpstream(
            name=item.name,
            url=item.url,
            version=item.version,
            path=item.path,
            model=item.model,
            **_tls_at(item.url, config),
        )
        for item in state.registered
        if item.name not in taken
    ]
    return config.model_copy(update={"upstreams": (*config.upstreams, *added)}) if added else config


def _tls_at(url: str, config: Config) -> dict[str, Any]:
    """How the configuration says TLS is spoken to the server of that very URL."""
    of_file = next((upstream for upstream in config.upstreams if upstream.url == url), None)
    return {} if of_file is None else {name: getattr(of_file, name) for name in SETTINGS}


def model_of(upstream: UpstreamConfig) -> str:
    """The one model that an upstream answers for; empty for one of the configuration, which may answer for any."""
    return upstream.model if isinstance(upstream, RegisteredUpstream) else ""


def add_registered(state: State, item: Registered, taken: Collection[str] = ()) -> tuple[Registered, ...]:
    """``state.registered`` with ``item`` in the place of the one of its model and version, whose name it keeps, or as
    the newest, under a name that nothing has; ``taken`` are those of the configuration. Of too many the oldest goes
    that a job trained and nothing refers to. Raises RegistryFull.
    """
    of = (item.model, item.version)
    former = next((known for known in state.registered if (known.model, known.version) == of), None)
    others = [known for known in state.registered if known is not former]
    if former is not None and former.name not in taken:
        name = former.name
    else:
        name = upstream_name(*of, taken={*taken, *(known.name for known in others)})
    if former is None and len(others) >= REGISTERED_MAX:
        used = used_names(state)
        oldest = next((known for known in others if known.job_id and known.name not in used), None)
        if oldest is None:
            raise RegistryFull(
                f"{REGISTERED_MAX} versions have upstreams, as many as may, and all of them serve, are in tests or were"
                " registered by people: delete one of those first"
            )
        others.remove(oldest)
    return (*others, item.model_copy(update={"name": name}))


def without_registered(state: State, model: str, version: str) -> tuple[Registered, ...]:
    """``state.registered`` without the one of that model and version."""
    return tuple(item for item in state.registered if (item.model, item.version) != (model, version))


def used_names(state: State) -> set[str]:
    """The upstreams that serve since they were promoted, or are in a test under way."""
    return {name for trial in state.trials for name in _variants(trial)} | set(state.production.values())


def versions_in_use(config: Config, state: State) -> set[tuple[str, str]]:
    """(model, version) of each trained version that serves or is in a test; the model is empty for a version of the
    file's own upstreams, which may be any model's. ``config`` has the upstreams of trained versions."""
    used = used_names(state)
    return {
        (model_of(upstream), upstream.version)
        for upstream in config.upstreams
        if upstream.version and (not model_of(upstream) or upstream.name in used)
    }


def versions_of(model: str, upstreams: Iterable[UpstreamConfig]) -> set[str]:
    """The versions that upstreams may answer for the model with."""
    return {item.version for item in upstreams if item.version and model_of(item) in ("", model)}


def _variants(trial: dict[str, object]) -> list[str]:
    """The names of upstreams a stored test speaks of."""
    definition = trial.get("definition")
    if not isinstance(definition, dict):
        return []
    names = [definition.get("control"), definition.get("shadow"), *(definition.get("treatments") or ())]
    return [name for name in names if isinstance(name, str)]
