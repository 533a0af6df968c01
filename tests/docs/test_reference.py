"""docs/api.md, docs/cli.md and docs/metrics.md leave no parameter, field, status, option, variable or metric out.

That they name every route, command and metric, and no other, is held by the tests of those rooms.
"""

from __future__ import annotations

import ast
import re
from typing import TypeGuard

import pytest

from sidecar.api.door import COOKIE
from sidecar.api.handlers import ROUTES
from sidecar.api.openapi import openapi_document
from sidecar.api.routes import Route
from tests.docs.blocks import ROOT
from tests.kit.command_tree import commands

API, CLI, METRICS = ((ROOT / "docs" / f"{name}.md").read_text("utf-8") for name in ("api", "cli", "metrics"))
COMMON = {"--help", "--url", "--token", "--json", "--ca-file", "--cert-file", "--key-file"}
"""Options of all commands that ask a sidecar: told once, above the table."""


COMMANDS = dict(commands())


def row_of(route: Route) -> str:
    """The page's row about a route: what it gives or does."""
    short = re.escape(re.sub(r"{\w+_id}", "{id}", f"{route.method} {route.path}"))
    found = re.search(rf"^\| `{short}` \| (.+) \|$", API, re.MULTILINE)
    assert found is not None, f"docs/api.md has no row about {route.method} {route.path}"
    return found[1]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_parameter_and_field_of_a_route_stands_in_its_row(route: Route) -> None:
    """Whoever asks finds all that may be asked, without reading a schema."""
    said = set(re.findall(r"`([a-z_]+)`", row_of(route)))
    models = (route.query, *([route.body] if route.body else []))
    fields = {field.alias or name for model in models for name, field in model.model_fields.items()}
    assert fields - said - {"root"} == set()  # a body that is all of another tool's document has no fields


def test_every_status_there_is_stands_in_the_table_of_errors() -> None:
    """But for those that are no error."""
    document = openapi_document(ROUTES, "0")
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    given = {status for operation in operations for status in operation["responses"] if status.startswith(("4", "5"))}
    table = API.split("\n## Errors\n")[1].split("\n## ")[0]
    said = {status for row in re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE) for status in row.split(", ")}
    assert given <= said


@pytest.mark.parametrize("words", COMMANDS)
def test_every_option_of_a_command_stands_in_its_row(words: str) -> None:
    """Or in that of its group, where all commands of it have the option: what is left out is what nobody uses."""
    short = re.sub(r" (compare|give|queues)$", "", words)
    own = {short, re.sub(r" list$", "", short)}
    rows = re.findall(r"^\| `sidecar.+\|$", CLI, re.MULTILINE)
    assert any(_words(row) in own for row in rows), f"docs/cli.md has no row about {words}"
    rows = [row for row in rows if _words(row) in own | {short.rpartition(" ")[0]}]  # its own, and that of its group
    options = {name for option in COMMANDS[words].params for name in option.opts if name.startswith("--")}
    assert {name for name in options - COMMON if not any(re.search(rf"{name}\b", row) for row in rows)} == set()


def _words(row: str) -> str:
    """
    >>> _words("| `sidecar alerts show ID` | one alert |")
    'sidecar alerts show'
    """
    return " ".join(word for word in row.split("`")[1].split() if re.fullmatch(r"[a-z-]+", word))


def test_common_options_and_variables_of_commands_are_told() -> None:
    """Options above the table, since they are of all; every variable somewhere on the page."""
    variables = {
        variable
        for command in COMMANDS.values()
        for option in command.params
        for variable in ([option.envvar] if isinstance(option.envvar, str) else option.envvar or ())
    }
    before = CLI.split("\n| command |")[0]
    assert {name for name in COMMON if name not in before} == set()
    assert {name for name in variables if name not in CLI} == set()


def test_every_metric_that_the_code_names_is_told() -> None:
    """Also those that show only in some situation, which a look at one page of metrics might not have."""
    named = set()
    for file in (ROOT / "sidecar" / "api").glob("*.py"):
        named |= {node.value for node in ast.walk(ast.parse(file.read_text("utf-8"))) if _is_name(node)}
    assert len(named) >= 50
    told = re.findall(r"^\| `(sidecar_\w+)` \|", METRICS, re.MULTILINE)
    assert named - {COOKIE} - set(told) - {name.removesuffix("_total") for name in told} == set()


def _is_name(node: ast.AST) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and re.fullmatch(r"sidecar_\w+", str(node.value)) is not None
