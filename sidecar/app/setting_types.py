"""What the configuration's types say of a place in it: which names there are, and what a value must be, in words."""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from sidecar.durations import duration_text, parse_duration

Place = tuple[str | int, ...]
_PLAIN = {str: "text", int: "a whole number", float: "a number", bool: "true or false", Path: "a path"}
_DURATION = "a time such as 30s or 15m"
_NAMES_MAX = 25
"""Of a mapping, that are told."""


class Type(NamedTuple):
    """A type without what merely wraps it, and all that its wrappers say of it."""

    bare: Any
    metadata: tuple[Any, ...] = ()

    @property
    def model(self) -> type[BaseModel] | None:
        """The mapping of settings that it is; None: it is a value, a list, or a mapping whose names are a person's."""
        return self.bare if isinstance(self.bare, type) and issubclass(self.bare, BaseModel) else None

    @property
    def is_duration(self) -> bool:
        return any(isinstance(item, BeforeValidator) and item.func is parse_duration for item in self.metadata)


def type_at(place: Place, root: type[BaseModel]) -> Type | None:
    """The type of a place; None where there is no such setting.

    >>> from sidecar.app.config import Config
    >>> type_at(("upstreams", 0, "tls_verify"), Config).bare, type_at(("listen", "prot"), Config)
    (<class 'bool'>, None)
    """
    found = Type(root)
    for part in place:
        inside = get_args(found.bare)
        if found.model is not None:
            field = found.model.model_fields.get(str(part))
            if field is None:
                return None
            found = _unwrapped(field.annotation, tuple(field.metadata))
        elif get_origin(found.bare) is tuple and isinstance(part, int):
            found = _unwrapped(inside[0])
        elif get_origin(found.bare) is dict:
            found = _unwrapped(inside[1])
        else:
            return None
    return found


def names_at(place: Place, root: type[BaseModel]) -> list[str]:
    """The names a mapping of settings may have; none where a person makes them up, or where it is no mapping."""
    found = type_at(place, root)
    return [] if found is None or found.model is None else list(found.model.model_fields)


def paths_of(root: type[BaseModel], before: str = "") -> Iterator[str]:
    """The dotted paths of all settings: ``[]`` stands for each of a list, ``NAME`` for a key of a person's."""
    for name, field in root.model_fields.items():
        found, path = _unwrapped(field.annotation), f"{before}{name}"
        yield path
        while get_origin(found.bare) in (tuple, dict):
            is_list = get_origin(found.bare) is tuple
            found, path = _unwrapped(get_args(found.bare)[0 if is_list else 1]), path + ("[]" if is_list else ".NAME")
        if found.model is not None:
            yield from paths_of(found.model, f"{path}.")


def expected(found: Type) -> str:
    """What a value of this type is, as a person says it.

    >>> expected(Type(int, (Ge(1), Le(64)))), expected(Type(tuple[str, ...], (MaxLen(16),))), expected(Type(bool))
    ('a whole number, 1 to 64', 'a list of text, 16 at most', 'true or false')
    """
    inside = get_args(found.bare)
    if found.model is not None:
        return f"a mapping with {listed(list(found.model.model_fields))}"
    if get_origin(found.bare) is Literal:
        return f"one of {', '.join(str(value) for value in inside if value)}{'' if all(inside) else ', or empty'}"
    if get_origin(found.bare) is tuple:
        item = _unwrapped(inside[0])
        what = "mappings" if item.model is not None else expected(item).removeprefix("a ")
        return f"a list of {what}{_lengths(found.metadata)}"
    if get_origin(found.bare) is dict:
        value = _unwrapped(inside[1])
        return f"a mapping of {'names to mappings' if value.model is not None else f'names to {expected(value)}'}"
    if found.is_duration:
        return f"{_DURATION}{_bounds(found)}"
    return f"{_PLAIN.get(found.bare, 'another value')}{_bounds(found)}{_lengths(found.metadata, 'characters')}"


def listed(names: Sequence[str]) -> str:
    """
    >>> listed(["a", "b", "c"]), listed(["a"])
    ('a, b and c', 'a')
    """
    shown = [*names[:_NAMES_MAX], *([f"{len(names) - _NAMES_MAX} more"] if len(names) > _NAMES_MAX else [])]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _unwrapped(annotation: Any, metadata: tuple[Any, ...] = ()) -> Type:
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _unwrapped(inside[0], (*inside[1:], *metadata))
    if origin in (Union, types.UnionType):
        return _unwrapped(inside[0], metadata)
    flat = (part for item in metadata for part in (item.metadata if isinstance(item, FieldInfo) else [item]))
    return Type(annotation, tuple(flat))


def _bounds(found: Type) -> str:
    low = high = ""
    for item in found.metadata:
        if isinstance(item, Ge):
            low = _number(item.ge, found)
        elif isinstance(item, Gt):
            low = f"over {_number(item.gt, found)}"
        elif isinstance(item, Le):
            high = _number(item.le, found)
        elif isinstance(item, Lt):
            high = f"under {_number(item.lt, found)}"
    if low and high:
        return f", {low} to {high}"
    if low:
        return f", {low if low.startswith('over') else f'at least {low}'}"
    return f", at most {high}" if high else ""


def _number(value: Any, found: Type) -> str:
    return duration_text(value) if found.is_duration else f"{value:g}" if isinstance(value, float) else str(value)


def _lengths(metadata: Sequence[Any], of: str = "") -> str:
    low = next((item.min_length for item in metadata if isinstance(item, MinLen)), 0)
    high = next((item.max_length for item in metadata if isinstance(item, MaxLen)), 0)
    of = of and f" {of}"
    if low and high:
        return f", {low} to {high}{of}"
    return f", {low}{of} at least" if low else f", {high}{of} at most" if high else ""
