"""Examples made of JSON schemas, for people who read the document of the API. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sidecar.api.openapi_words import EXAMPLES, NULL

Schema = Mapping[str, Any]
NESTED_MAX = 8
"""How deep an example goes; below that, lists and objects are empty."""
_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (),
}
_BY_TYPE: Mapping[str, Any] = {"string": "", "integer": 0, "number": 0.0, "boolean": True, "null": None}


def example_of(schema: Schema, named: Mapping[str, Schema], name: str = "", depth: int = 0) -> Any:
    """A value that ``schema`` allows; ``named`` are the schemas that a ``$ref`` may lead to, ``name`` what it is of.

    >>> example_of({"type": "object", "properties": {"label": {"type": "string"}, "n": {"type": "integer"}}}, {})
    {'label': 'car', 'n': 0}
    """
    if "$ref" in schema:
        return example_of(named[schema["$ref"].rpartition("/")[2]], named, name, depth)
    for given in ("example", "const", "default"):
        if schema.get(given) is not None:
            return schema[given]
    if schema.get("examples"):
        return schema["examples"][0]
    choices = schema.get("anyOf") or schema.get("oneOf") or ()
    if choices:
        if {"type": "null"} in choices and name in NULL:
            return None
        return example_of(next(one for one in choices if one != {"type": "null"}), named, name, depth)
    if "enum" in schema:
        return schema["enum"][0]
    kind = _kind(schema)
    if name in EXAMPLES and _fits(EXAMPLES[name], kind):
        return EXAMPLES[name]
    if kind == "object":
        return _object(schema, named, depth)
    if kind == "array":
        return _list(schema, named, name, depth)
    return _plain(schema, kind, name)


def _object(schema: Schema, named: Mapping[str, Schema], depth: int) -> dict[str, Any]:
    if depth >= NESTED_MAX:
        return {}
    others = schema.get("additionalProperties")
    if isinstance(others, Mapping) and "properties" not in schema:
        keys = example_of(schema["propertyNames"], named) if "enum" in schema.get("propertyNames", ()) else "car"
        return {keys: example_of(others, named, "", depth + 1)}
    return {name: example_of(part, named, name, depth + 1) for name, part in schema.get("properties", {}).items()}


def _list(schema: Schema, named: Mapping[str, Schema], name: str, depth: int) -> list[Any]:
    items = schema.get("items")
    if not isinstance(items, Mapping) or depth >= NESTED_MAX:
        return []
    return [example_of(items, named, name.removesuffix("s"), depth + 1)] * max(schema.get("minItems", 1), 1)


def _plain(schema: Schema, kind: str, name: str) -> Any:
    if kind in ("integer", "number"):
        least = schema.get("minimum", schema.get("exclusiveMinimum", 0))
        value = max(least, 0) if "exclusiveMinimum" not in schema else (least + schema.get("maximum", least + 2)) / 2
        return int(value) if kind == "integer" else float(value)
    return name or "text" if kind == "string" and schema.get("minLength") else _BY_TYPE[kind]


def _kind(schema: Schema) -> str:
    """The type of a schema; of several the first that is not null; without one an object."""
    kind = schema.get("type", "object")
    return kind if isinstance(kind, str) else next(one for one in kind if one != "null")


def _fits(value: Any, kind: str) -> bool:
    return isinstance(value, _KINDS[kind]) and isinstance(value, bool) == (kind == "boolean")
