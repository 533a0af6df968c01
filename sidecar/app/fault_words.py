"""What pydantic finds wrong with a configuration, as a person reads it: what would be right, and never a secret."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from sidecar.app.config import Config
from sidecar.app.masking import masked_text
from sidecar.app.parts import SHOWN_CHARACTERS
from sidecar.app.setting_types import Place, expected, listed, names_at, paths_of, type_at
from sidecar.app.upstream_config import EXAMPLE, SERVERS_MAX
from sidecar.durations import duration_text

SECRET = frozenset(("slack", "apprise", "headers", "environment"))
"""Mappings whose values give access to something: what stands in them is not quoted."""
MEANT_MAX = 3
WHERE = "all are in docs/settings.md"
_ONE = f"[{{name: A, url: {EXAMPLE}}}], or --upstream {EXAMPLE}"
_SERVERS = f"a list of servers, {SERVERS_MAX} at most, such as [{EXAMPLE}]"
_NEEDED = {
    ("upstreams",): f"needed: a list of at least one model server, such as {_ONE}",
    ("upstreams", "url"): f"needed: scheme, host and port of the model server, such as {EXAMPLE}",
    ("upstreams", "urls"): f"must be {_SERVERS}; with one server give `url` in its place",
}
"""By the names of a place."""


def place_of(item: ErrorDetails) -> Place:
    """Where a person finds the fault: a name that is wrong is at its own place, ``url`` that ``urls`` should stand for
    at that of ``urls``."""
    place: Place = tuple(part for part in item["loc"] if part != "[key]")
    given = item["input"]
    if item["type"] == "missing" and place[-1] == "url" and isinstance(given, dict) and "urls" in given:
        return (*place[:-1], "urls")
    return place


def message_of(item: ErrorDetails) -> str:
    """What is wrong there and what would be right."""
    place = place_of(item)
    if item["type"] == "value_error":
        return str(item["msg"]).removeprefix("Value error, ")
    if item["type"] in ("extra_forbidden", "invalid_key"):
        return unknown_name(place)
    names = tuple(part for part in place if isinstance(part, str))
    is_missing = item["type"] in ("missing", "too_short")
    if names in _NEEDED and isinstance(place[-1], str) and (is_missing or names[-1] != "url"):
        return _NEEDED[names] + ("" if is_missing else _got(item, place))
    found = type_at(place, Config)
    what = str(item["msg"]) if found is None else expected(found)
    if item["loc"][-1] == "[key]":
        what = "a name that is known here" if item["type"] != "literal_error" else f"one of {_choices(item)}"
    return f"needed: {what}" if item["type"] == "missing" else f"must be {what}{_got(item, place)}"


def unknown_name(place: Place, root: type[BaseModel] = Config) -> str:
    """That nothing is called so, and what may have been meant.

    >>> unknown_name(("limits", "connection_max"))
    'is not a setting, did you mean connections_max? All are in docs/settings.md'
    >>> unknown_name(("health_port",))
    'is not a setting, did you mean listen.health_port? All are in docs/settings.md'
    """
    name, here = str(place[-1]), names_at(place[:-1], root)
    elsewhere = [path for path in paths_of(root) if path.rpartition(".")[2] == name]
    meant = get_close_matches(name, here, n=1, cutoff=0.7) if len(elsewhere) != 1 else []
    meant = meant or elsewhere[:MEANT_MAX]
    if meant:
        return f"is not a setting, did you mean {' or '.join(meant)}? {WHERE.capitalize()}"
    return f"is not a setting; here there are {listed(here)} ({WHERE})" if here else f"is not a setting; {WHERE}"


def _choices(item: ErrorDetails) -> str:
    return str(item.get("ctx", {}).get("expected", "")).replace("'", "")


def _got(item: ErrorDetails, place: Place) -> str:
    """A single value that was given; of lists and mappings only that they are, and nothing of what may be secret."""
    value: Any = item["input"]
    if isinstance(value, (list, tuple, set)):
        return f"; got a list of {len(value)}" if item["type"] in ("too_long", "too_short") else "; got a list"
    if isinstance(value, dict):
        return "; got a mapping"
    if SECRET & set(place):
        return ""
    if value is None:
        return "; got nothing"
    if isinstance(value, bool):
        return f"; got {str(value).lower()}"
    found = type_at(place, Config)
    if isinstance(value, float) and found is not None and found.is_duration and value >= 0:
        return f"; got {duration_text(value)}"
    return f"; got {_quoted(value)}"


def _quoted(value: object) -> str:
    """Masked before it is cut: what is cut off may be the ``@`` that tells a password."""
    return repr(masked_text(value)[:SHOWN_CHARACTERS] if isinstance(value, str) else value)[: SHOWN_CHARACTERS + 2]
