"""The page for people at /docs: the OpenAPI document as HTML. Pure; whatever is in the document is text, never markup.

It needs no script: what is long folds by ``details``, and links lead within the page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from sidecar.api.reference_fields import fields_table, schema_words
from sidecar.dashboard import site

Json = Mapping[str, Any]
_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="{icon}" type="image/svg+xml">
<link rel="stylesheet" href="{style}">
</head>
<body>
"""


def reference_page(document: Json) -> str:
    """The page of an OpenAPI 3.1 document.

    >>> "<h1>A &amp; B" in reference_page({"info": {"title": "A & B", "version": "1"}, "paths": {}})
    True
    """
    info = document["info"]
    groups = _groups(document)
    parts = [
        _HEAD.format(
            title=escape(f"{info['title']}: API"),
            icon=site().address("base/icon.svg"),
            style=site().address("base/reference.css"),
        ),
        f'<header><h1>{escape(info["title"])} <span class="quiet">API {escape(info["version"])}</span></h1>',
        '<p class="links"><a href="/">Dashboard</a> <a href="/api/v1/openapi.json">OpenAPI document</a></p></header>\n',
        f'<div class="page">\n<nav aria-label="Operations">{_contents(groups, document)}</nav>\n<main>\n',
        f'<div class="about">{_paragraphs(info.get("description", ""))}</div>\n',
    ]
    parts += [_group(name, text, operations, document) for name, text, operations in groups]
    parts.append(_schemas(document))
    parts.append("</main>\n</div>\n</body>\n</html>\n")
    return "".join(parts)


def anchor(text: str) -> str:
    """``text`` as the name of a place in the page.

    >>> anchor("A/B tests")
    'a-b-tests'
    """
    return re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-")


Operation = tuple[str, str, Json]
"""Method, path and what the document says of it."""
Group = tuple[str, str, list[Operation]]
"""A tag, what it is about and its operations."""


def _groups(document: Json) -> list[Group]:
    about = {tag["name"]: tag.get("description", "") for tag in document.get("tags", ())}
    found: dict[str, list[Operation]] = {name: [] for name in about}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            found.setdefault(operation["tags"][0], []).append((method.upper(), path, operation))
    return [(name, about.get(name, ""), operations) for name, operations in found.items() if operations]


def _contents(groups: Iterable[Group], document: Json) -> str:
    made = []
    for name, _, operations in groups:
        rows = "".join(
            f'<li><a href="#{anchor(operation["operationId"])}">{escape(operation["summary"])}</a></li>'
            for _, _, operation in operations
        )
        made.append(f'<li><a class="tag" href="#tag-{anchor(name)}">{escape(name)}</a><ul>{rows}</ul></li>')
    if document.get("components", {}).get("schemas"):
        made.append('<li><a class="tag" href="#schemas">Schemas</a></li>')
    return f"<ul>{''.join(made)}</ul>"


def _group(name: str, text: str, operations: Iterable[Operation], document: Json) -> str:
    about = f'<p class="quiet">{_inline(text)}</p>' if text else ""
    made = "".join(_operation(*operation, document) for operation in operations)
    return f'<section id="tag-{anchor(name)}"><h2>{escape(name)}</h2>{about}\n{made}</section>\n'


def _operation(method: str, path: str, operation: Json, document: Json) -> str:
    parts = [
        f'<article id="{anchor(operation["operationId"])}">',
        f'<h3><a href="#{anchor(operation["operationId"])}">{escape(operation["summary"])}</a></h3>',
        f'<p class="call"><span class="method {escape(method.lower())}">{escape(method)}</span> '
        f"<code>{_path(path)}</code></p>",
        _paragraphs(operation.get("description", "")),
        f'<p class="quiet">Scope <code>{escape(operation["x-scope"])}</code>. '
        f"In the client <code>{escape(operation['operationId'])}</code>.</p>"
        if "x-scope" in operation
        else "",
        _parameters(operation.get("parameters", ())),
        _body(operation.get("requestBody"), document),
        _responses(operation["responses"], document),
        "</article>\n",
    ]
    return "".join(parts)


def _path(path: str) -> str:
    return re.sub(r"(\{\w+\})", r"<var>\1</var>", escape(path))


def _parameters(parameters: Iterable[Json]) -> str:
    rows = "".join(
        f'<tr><th scope="row"><code>{escape(one["name"])}</code>{_needed(one.get("required", False))}</th>'
        f"<td>{escape(one['in'])}</td><td>{schema_words(one['schema'])}</td>"
        f"<td>{_inline(one.get('description', ''))}{_such_as(one.get('example'))}</td></tr>"
        for one in parameters
    )
    return _table("Parameters", ("Name", "In", "Type", "Meaning"), rows)


def _needed(required: bool) -> str:
    return ' <span class="needed">needed</span>' if required else ""


def _such_as(example: Any) -> str:
    if example is None:
        return ""
    text = example if isinstance(example, str) else json.dumps(example)
    return f' <span class="quiet">such as <code>{escape(text)}</code></span>'


def _table(title: str, columns: Iterable[str], rows: str) -> str:
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    return (
        f'<h4>{escape(title)}</h4><div class="scroll" tabindex="0" role="group" aria-label="{escape(title)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _body(body: Json | None, document: Json) -> str:
    if body is None:
        return ""
    ((media_type, content),) = body["content"].items()
    more = f" {_inline(body['description'])}" if body.get("description") else ""
    return (
        f'<h4>Body</h4><p class="quiet"><code>{escape(media_type)}</code>.{more}</p>'
        f"{fields_table(content['schema'], _named(document))}{_examples(content)}"
    )


def _responses(responses: Json, document: Json) -> str:
    """What a success gives, with an example; then every other status."""
    good = responses.get("200", {})
    types = "".join(_gives(media_type, content) for media_type, content in good.get("content", {}).items())
    headers = "".join(
        f"<li><code>{escape(name)}</code> {_inline(header.get('description', ''))}</li>"
        for name, header in good.get("headers", {}).items()
    )
    listed = f'<ul class="headers">{headers}</ul>' if headers else ""
    rows = "".join(_status(status, response, document) for status, response in responses.items() if status != "200")
    table = f"<table><tbody>{rows}</tbody></table>"
    rest = f'<details><summary>Other statuses</summary><div class="scroll">{table}</div></details>' if rows else ""
    return f"<h4>Answer</h4>{types}{listed}{rest}"


def _gives(media_type: str, content: Json) -> str:
    words = f": {schema_words(content['schema'])}" if "$ref" in content.get("schema", {}) else ""
    return f"<p><code>{escape(media_type)}</code>{words}</p>{_examples(content)}"


def _status(status: str, response: Json, document: Json) -> str:
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    return f'<tr><th scope="row">{escape(status)}</th><td>{_inline(response["description"])}</td></tr>'


def _examples(content: Json) -> str:
    return "".join(
        f"<details><summary>Example</summary><pre><code>{escape(_pretty(one['value']))}</code></pre></details>"
        for one in content.get("examples", {}).values()
    )


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _schemas(document: Json) -> str:
    named = _named(document)
    made = "".join(
        f'<article id="schema-{escape(name)}"><h3><a href="#schema-{escape(name)}">{escape(name)}</a></h3>'
        f"{_paragraphs(schema.get('description', ''))}{fields_table(schema, named)}</article>\n"
        for name, schema in sorted(named.items())
    )
    return f'<section id="schemas"><h2>Schemas</h2>\n{made}</section>\n' if made else ""


def _named(document: Json) -> Mapping[str, Json]:
    found: Mapping[str, Json] = document.get("components", {}).get("schemas", {})
    return found


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{_inline(part)}</p>" for part in re.split(r"\n\s*\n", text.strip()) if part)


def _inline(text: str) -> str:
    """Text with its code marked as such.

    >>> _inline("`<a>` & b")
    '<code>&lt;a&gt;</code> &amp; b'
    """
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(" ".join(text.split())))
