"""The settings there are, read off the configuration's types: what docs/settings.md is held against."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from sidecar.app.config import Config
from sidecar.app.supervisor import NEEDS_RESTART
from sidecar.durations import duration_text, parse_duration

_PLAIN = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path", Any: "any"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as its row in the page has it: ``path`` has ``[]`` after lists and ``NAME`` for a mapping's keys."""

    path: str
    type: str
    default: str
    reload: bool


def settings_of(model: type[BaseModel] = Config, before: str = "", reload: bool | None = None) -> Iterator[Setting]:
    """All settings that hold a value, in the order of the types; a part of the file that may be left out is none."""
    for name, field in model.model_fields.items():
        path = f"{before}{name}"
        follows = name not in NEEDS_RESTART if reload is None else reload
        part, within = _part_of(field.annotation)
        if part is not None:
            yield from settings_of(part, f"{path}{within}.", follows)
        else:
            yield Setting(path, _type_text(field.annotation, field.metadata), default_text(field), follows)


def _part_of(annotation: Any) -> tuple[type[BaseModel] | None, str]:
    """(the mapping of settings that an annotation holds, how its place is written), (None, "") where it is a value."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, ""
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Annotated or origin in (Union, types.UnionType):
        return _part_of(inside[0])
    if origin is tuple:
        return _part_of(inside[0])[0], "[]"
    if origin is dict:
        return _part_of(inside[1])[0], ".NAME"
    return None, ""


def _type_text(annotation: Any, metadata: list[Any]) -> str:
    """
    >>> _type_text(int, [Ge(1), Le(64)]), _type_text(tuple[str, ...], []), _type_text(Literal["a", "b"], [])
    ('whole number, 1 to 64', 'list of text', '`a`, `b`')
    """
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type_text(inside[0], [*inside[1:], *metadata])
    if origin in (Union, types.UnionType):
        return _type_text(inside[0], metadata)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in inside if value)
    if origin is tuple:
        return f"list of {_type_text(inside[0], [])}"
    if origin is dict:
        return f"mapping to {_type_text(inside[1], [])}"
    metadata = [part for item in metadata for part in (item.metadata if isinstance(item, FieldInfo) else [item])]
    is_duration = any(isinstance(item, BeforeValidator) and item.func is parse_duration for item in metadata)
    return ("time" if is_duration else _PLAIN[annotation]) + _bounds(metadata, is_duration)


def _bounds(metadata: list[Any], is_duration: bool) -> str:
    low, high = "", ""
    for item in metadata:
        if isinstance(item, Ge) and (item.ge or not is_duration):
            low = _number(item.ge, is_duration)
        elif isinstance(item, Gt):
            low = f"over {_number(item.gt, is_duration)}"
        elif isinstance(item, Le):
            high = _number(item.le, is_duration)
    if low and high:
        return f", {low} to {high}"
    return f", at least {low}".replace("at least over", "over") if low else f", at most {high}" if high else ""


def _number(value: Any, is_duration: bool) -> str:
    return duration_text(value) if is_duration else f"{value:g}" if isinstance(value, float) else str(value)


def default_text(field: FieldInfo) -> str:
    """``needed``, ``none``, or the value as the file would have it, in backticks."""
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "needed"
    if value is None:
        return "none"
    metadata = [part for item in field.metadata for part in (item.metadata if isinstance(item, FieldInfo) else [item])]
    if any(isinstance(item, BeforeValidator) and item.func is parse_duration for item in metadata):
        return f"`{duration_text(value)}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`[{', '.join(map(str, value))}]`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{value}`" if value not in ("", {}) else ('`""`' if value == "" else "`{}`")
