"""Schemas in words, and tables of their fields, for the page of the API. Pure; everything is escaped."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

Json = Mapping[str, Any]
NESTED_MAX = 4
"""How deep objects without a name of their own are shown in a table."""
ENUM_MAX = 12
"""Words of one choice that stand in a line; more are folded."""
_COUNTED = (
    ("minLength", "maxLength", "characters"),
    ("minItems", "maxItems", "items"),
    ("minProperties", "maxProperties", "entries"),
)
_SIDES = (
    ("minimum", "at least"),
    ("exclusiveMinimum", "over"),
    ("maximum", "at most"),
    ("exclusiveMaximum", "under"),
    ("multipleOf", "in steps of"),
)
_WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "null": "null"}


def schema_words(schema: Json) -> str:
    """What a schema allows, in a line of HTML; a schema with a name is a link to it.

    >>> schema_words({"type": "integer", "minimum": 1, "maximum": 9})
    'whole number <span class="quiet">(at least 1, at most 9)</span>'
    """
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    if "enum" in schema:
        return _choice(schema["enum"])
    if "const" in schema:
        return f"<code>{_literal(schema['const'])}</code>"
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices and "type" not in schema:
        return " or ".join(dict.fromkeys(schema_words(one) for one in choices))
    kinds = schema.get("type", "object")
    words = " or ".join(_kind(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds))
    told = list(_bounds(schema))
    return f'{words} <span class="quiet">({", ".join(told)})</span>' if told else words


def _bounds(schema: Json) -> Iterator[str]:
    if "format" in schema:
        yield escape(schema["format"])
    for key, side in _SIDES:
        if key in schema:
            yield f"{side} {_number(schema[key])}"
    for least, most, what in _COUNTED:
        low, high = schema.get(least, 0), schema.get(most)
        if high is not None:
            yield f"{_number(low)} to {_number(high)} {what}" if low else f"at most {_number(high)} {what}"
        elif low:
            yield "not empty" if low == 1 else f"at least {_number(low)} {what}"


def fields_table(schema: Json, named: Mapping[str, Json]) -> str:
    """A table of an object's fields; of anything else what it is."""
    found = schema
    while "$ref" in found:
        found = named[found["$ref"].rpartition("/")[2]]
    if not found.get("properties"):
        return "" if found.get("type") == "object" else f"<p>{schema_words(found)}</p>"
    rows = "".join(_rows(found, "", 0))
    head = "".join(f'<th scope="col">{column}</th>' for column in ("Field", "Type", "Meaning"))
    return (
        '<div class="scroll" tabindex="0" role="group" aria-label="Fields">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _rows(schema: Json, before: str, depth: int) -> Iterator[str]:
    needed = schema.get("required", ())
    for name, part in schema["properties"].items():
        mark = ' <span class="needed">needed</span>' if name in needed else ""
        meaning = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(part.get("description", "")))
        if part.get("default") not in (None, "", [], {}):
            meaning += f' <span class="quiet">by default <code>{_literal(part["default"])}</code></span>'
        yield (
            f'<tr><th scope="row"><code>{escape(before + name)}</code>{mark}</th>'
            f"<td>{schema_words(part)}</td><td>{meaning}</td></tr>"
        )
        for inner, sign in _within(part):
            if depth < NESTED_MAX:
                yield from _rows(inner, f"{before}{name}{sign}", depth + 1)


def _within(schema: Json) -> Iterator[tuple[Json, str]]:
    """Objects that stand in a schema itself, and how their fields' names go on."""
    if schema.get("properties"):
        yield schema, "."
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _within(choice)
    for key, sign in (("items", "[]"), ("additionalProperties", ".*")):
        part = schema.get(key)
        if isinstance(part, Mapping) and "$ref" not in part:
            yield from ((inner, f"{sign}{rest}") for inner, rest in _within(part))


def _kind(kind: str, schema: Json) -> str:
    if kind == "array":
        items = schema.get("items")
        return f"list of {schema_words(items)}" if isinstance(items, Mapping) and items else "list"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"object, each {schema_words(values)}" if isinstance(values, Mapping) and values else "object"
    return _WORDS[kind]


def _choice(values: list[Any]) -> str:
    words = [f"<code>{_literal(value)}</code>" for value in values]
    if len(words) <= ENUM_MAX:
        return ", ".join(words)
    return f"<details><summary>one of {len(words)}</summary>{', '.join(words)}</details>"


def _literal(value: Any) -> str:
    return escape(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _number(value: float) -> str:
    """A bound as people write it.

    >>> _number(1000.0), _number(0.05), _number(10**11)
    ('1,000', '0.05', '100,000,000,000')
    """
    return f"{int(value):,}" if value == int(value) else f"{value:g}"
