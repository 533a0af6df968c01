"""What pages mention in passing, in their text and tables: commands, requests, calls and settings that there are."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import typer

from sidecar import Client
from sidecar.api.handlers import ROUTES
from sidecar.cli import app
from tests.docs.blocks import blocks_of, pages
from tests.docs.settings import settings_of

PROGRAM: Any = typer.main.get_command(app)
SETTINGS = {setting.path.replace("[]", "") for setting in settings_of()}
OUTSIDE = {"/", "/metrics", "/livez", "/readyz", "/login", "/docs", "/feedback", "/api/v1/openapi.json"}
"""What is no route of the API, and what this or that page opens on the data port."""


def mentions(text: str) -> list[str]:
    """Inline code of a page, the contents of its blocks left out."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL))


ALL = [(page.name, code) for page in pages() for code in dict.fromkeys(mentions(page.read_text("utf-8")))]
COMMANDS = [
    (page, code) for page, code in ALL if re.match(r"(\.venv/bin/)?sidecar [a-z-]+", code) and "sidecar: " not in code
]


def test_mentions_leave_blocks_out() -> None:
    """What stands in a block is executed, not looked for."""
    assert mentions("a `b` c\n```sh\n`d`\n```\n`e f`\n") == ["b", "e f"]
    assert blocks_of("p", "```sh\n`d`\n```\n")[0].text == "`d`\n"


@pytest.mark.parametrize(("page", "code"), COMMANDS, ids=lambda value: str(value))
def test_command_that_a_page_mentions_is_one(page: str, code: str) -> None:
    """Its words and its options."""
    command = PROGRAM
    words = shlex.split(code.replace("...", ""))[1:]
    while words and hasattr(command, "commands") and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    inside = getattr(command, "commands", {})
    if inside and not {"compare", "give"} & set(inside):  # these two take a word of their own in a command's place
        assert not (words and re.fullmatch("[a-z][a-z-]*", words[0])), f"{page}: {code}"
    options = {name for option in command.params for name in option.opts} | {"--help"}
    # a group that does something by itself hands its options on
    options |= {name for one in inside.values() for option in one.params for name in option.opts}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= options, f"{page}: {code}"


def test_requests_that_pages_mention_are_routes() -> None:
    """A method and a path; ids in braces may have any name."""
    known = {f"{route.method} {_plain(route.path)}" for route in ROUTES}
    asked = [
        (page, *found.groups())
        for page, code in ALL
        if (found := re.match(r"(GET|POST|PUT|PATCH|DELETE) (/\S*)", code))
    ]
    assert len(asked) >= 60
    of_api = [(page, f"{method} {_plain(path)}") for page, method, path in asked if path.startswith("/api/")]
    assert [
        (page, request) for page, request in of_api if request not in known and request.split()[1] not in OUTSIDE
    ] == []


def _plain(path: str) -> str:
    return re.sub(r"{\w+}", "{id}", path.partition("?")[0])


def test_calls_that_pages_mention_are_the_clients() -> None:
    """A name with an underscore and parentheses after it is a call of the client."""
    called = [(page, name) for page, code in ALL for name in re.findall(r"(?<![\w.])([a-z]+_[a-z_]+)\(", code)]
    assert len(called) >= 60
    assert [(page, name) for page, name in called if not hasattr(Client, name)] == []


def test_settings_that_pages_mention_are_settings() -> None:
    """A word that begins like a part of the configuration and goes on with a dot."""
    parts = {setting.partition(".")[0] for setting in SETTINGS if "." in setting}
    named = [(page, code) for page, code in ALL if re.fullmatch(rf"({'|'.join(parts)})(\.[a-z_]+)+", code)]
    assert len(named) >= 20
    known = {".".join(setting.split(".")[:count]) for setting in SETTINGS for count in range(2, 5)}
    assert [(page, code) for page, code in named if code not in known] == []
