"""What a question is about: a model or one version of it, and a slice; and how a person names them."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple


class Fault(ValueError):
    """A question that can't be answered as it was put: ``field`` is the part at fault, ``message`` says what is right.

    >>> str(Fault("slice", "no such slice"))
    'slice: no such slice'
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class Missing(Fault):
    """Nothing has that id."""


class Clash(Fault):
    """Something else is in the way: a name that is taken, a state that does not allow it."""


class Scope(NamedTuple):
    """``version`` "" stands for all versions, ``slice`` "" for all traffic, ``model`` "" for the sidecar itself.

    >>> Scope("det", "2").model_id, Scope("det").model_id
    ('det@2', 'det')
    """

    model: str
    version: str = ""
    slice: str = ""

    @property
    def model_id(self) -> str:
        return f"{self.model}@{self.version}" if self.version else self.model


def filter_of(model_id: str, known: Collection[tuple[str, str]]) -> Scope:
    """The same for a list's filter: a model nobody knows is one that no item is of.

    >>> filter_of("nope", []).model
    'nope'
    """
    try:
        return scope_of(model_id, known)
    except Fault:
        return Scope(model_id)


def scope_of(model_id: str, known: Collection[tuple[str, str]], slice: str = "") -> Scope:
    """The scope that ``model_id`` names, among ``known`` (model, version): a model's name or ``name@version``.

    Where nothing at all is known, any name is taken at its word: there is nothing that could say it is wrong. Raises
    Fault listing what there is.

    >>> scope_of("det@2", [("det", "1"), ("det", "2")])
    Scope(model='det', version='2', slice='')
    >>> scope_of("new@1", []), scope_of("new", [])
    (Scope(model='new', version='1', slice=''), Scope(model='new', version='', slice=''))
    """
    if any(model == model_id for model, _ in known):
        return Scope(model_id, "", slice)
    model, at, version = model_id.rpartition("@")
    if at and ((model, version) in known or (not known and model and version)):
        return Scope(model, version, slice)
    if not known and not at and model_id:
        return Scope(model_id, "", slice)
    ids = sorted(
        {model for model, _ in known if model} | {f"{model}@{version}" for model, version in known if model and version}
    )
    there = f"there are {', '.join(ids[:20])}" if ids else "expected a model's name, or NAME@VERSION"
    raise Fault("model_id", f"no model or version is called {model_id!r}; {there}")
