"""docs/client.md has every method of the client as it is, and none besides."""

from __future__ import annotations

import inspect
import re
import types
import typing
from pathlib import Path
from typing import Any

import pytest

from sidecar.client import AsyncClient, Client, Record, errors, records
from sidecar.client.attempts import ATTEMPTS_MAX, RETRY_AFTER_S_MAX
from sidecar.client.calls import SLOW_TIMEOUT_S, SLOWEST_TIMEOUT_S

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "client.md").read_text()
ROW = re.compile(r"^\| `(?P<name>\w+)\((?P<arguments>.*?)\)` \| `(?P<gives>.+?)` \| (?P<words>.+) \|$", re.MULTILINE)
ROWS = {row["name"]: row for row in ROW.finditer(PAGE)}
METHODS = {
    name: method
    for name, method in inspect.getmembers(Client, inspect.isfunction)
    if not name.startswith("_") and name != "close"
}


def arguments_of(method: Any) -> str:
    """The arguments of a method as one writes them, without types."""
    parameters = list(inspect.signature(method).parameters.values())[1:]
    bare = [parameter.replace(annotation=parameter.empty) for parameter in parameters]
    return str(inspect.Signature(bare))[1:-1].replace("'", '"')


def words_of(annotation: Any) -> str:
    """What a method gives, as one writes it in a program."""
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(map(words_of, parts))
    if origin is not None:
        return f"{origin.__name__}[{', '.join(map(words_of, parts))}]"
    return "None" if annotation is type(None) else str(annotation.__name__)


def test_every_method_has_a_row_and_every_row_a_method() -> None:
    """A method that nobody can read of is as good as none."""
    assert sorted(ROWS) == sorted(METHODS)
    assert len(ROW.findall(PAGE)) == len(ROWS), "a method has two rows"


@pytest.mark.parametrize("name", sorted(METHODS))
def test_row_says_what_the_method_takes_and_gives(name: str) -> None:
    """All arguments with their defaults, and the kind of what comes back."""
    row, method = ROWS[name], METHODS[name]
    assert row["arguments"].replace("\\|", "|") == arguments_of(method)
    assert row["gives"].replace("\\|", "|") == words_of(typing.get_type_hints(method)["return"])


def test_ways_to_make_a_client_are_told() -> None:
    """With every argument but the one that is there for tests."""
    for client in (Client, AsyncClient):
        told = arguments_of(client.__init__)
        public = re.sub(r", sleep=.*$", "", told)
        assert f"`Client({public})`" in PAGE


def test_every_error_is_told() -> None:
    """In the tree of errors."""
    kinds = [kind.__name__ for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, Exception)]
    tree = PAGE.split("```\nSidecarError\n")[1].split("```")[0]
    assert [name for name in kinds if name not in f"SidecarError {tree}"] == []


def test_kinds_that_are_given_can_be_imported() -> None:
    """Whatever a row says that it gives is in ``sidecar.client.records`` or of Python."""
    given = {word for row in ROWS.values() for word in re.findall(r"[A-Z]\w+", row["gives"])}
    known = {name for name, kind in vars(records).items() if inspect.isclass(kind) and issubclass(kind, Record)}
    assert given - known == {"Records", "Pages", "Iterator", "Document", "Path", "None"}


@pytest.mark.parametrize("bound", [ATTEMPTS_MAX, RETRY_AFTER_S_MAX, SLOW_TIMEOUT_S, SLOWEST_TIMEOUT_S])
def test_bounds_are_told_as_they_are(bound: float) -> None:
    """Of attempts in words, of waits in seconds."""
    assert ("three times" if bound == ATTEMPTS_MAX else f"{bound:g} s") in PAGE
