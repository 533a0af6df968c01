"""The effective configuration as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rich.console import Console

from sidecar.cli.tables import row, table, text
from sidecar.cli.text import NOTHING, counted

DEFAULT = "default"
RUN_TIME = ("production", "version", "came_from")
"""Of the answer, but not of the configuration."""
HIDDEN = "***"


class Setting(NamedTuple):
    """``path`` is dotted, with the place in a list in brackets; ``origin`` file, environment, flag, promotion, or empty
    where the value is the default."""

    path: str
    value: str
    origin: str


def settings_of(answer: Mapping[str, Any]) -> list[Setting]:
    """Every single value of an answer of /api/v1/settings: those without a section first, what was promoted last.

    >>> config = {"listen": {"port": 9000}, "slice_by": "", "came_from": {"listen.port": "flag"}}
    >>> for one in settings_of(config | {"production": {"det": "B"}}): print(*filter(None, one))
    slice_by -
    listen.port 9000 flag
    production.det B promotion
    """
    came_from = answer.get("came_from", {})
    config = {name: value for name, value in answer.items() if name not in RUN_TIME}
    in_order = sorted(config.items(), key=lambda entry: isinstance(entry[1], (Mapping, list)))
    found = [
        Setting(path, _value_text(value), _origin_of(path, came_from))
        for name, part in in_order
        for path, value in _leaves(name, part)
    ]
    promoted = [
        Setting(f"production.{model}", str(variant), "promotion")
        for model, variant in answer.get("production", {}).items()
    ]
    return [*found, *promoted]


def matching(settings: Iterable[Setting], words: Sequence[str], given: bool) -> list[Setting]:
    """Those that have every word in path, value or origin, whatever its case; with ``given`` only those that were set.

    >>> matching([Setting("listen.port", "9000", ""), Setting("listen.host", "::", "flag")], ["LISTEN", "flag"], False)
    [Setting(path='listen.host', value='::', origin='flag')]
    """
    return [
        setting
        for setting in settings
        if (setting.origin or not given)
        and all(word.lower() in " ".join((*setting[:2], setting.origin or DEFAULT)).lower() for word in words)
    ]


def settings_table(settings: Sequence[Setting], total: int, console: Console) -> None:
    """A setting a row, and how many of all there are. A name is broken only where it would leave values no room."""
    fits = 2 * max(len(setting.path) for setting in settings) <= console.width
    made = table("setting", "value", "from", whole=("setting", "from") if fits else ("from",))
    for path, value, origin in settings:
        row(made, path, value, text(origin) if origin else text(DEFAULT, "dim"))
    console.print(made)
    given = sum(bool(setting.origin) for setting in settings)
    which = f"{len(settings):,} of {counted(total, 'setting')}" if len(settings) < total else counted(total, "setting")
    console.print(text(f"{which}, {given:,} set", "dim"))


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The single values in ``value``; a list of such is one."""
    if isinstance(value, Mapping) and value:
        for name, part in value.items():
            yield from _leaves(f"{path}.{name}", part)
    elif isinstance(value, list) and any(isinstance(part, (Mapping, list)) for part in value):
        for place, part in enumerate(value):
            yield from _leaves(f"{path}[{place}]", part)
    else:
        yield path, value


def _value_text(value: Any) -> str:
    """
    >>> _value_text(True), _value_text(None), _value_text([]), _value_text(["a", "b"]), _value_text("***")
    ('true', '-', 'none', 'a, b', 'hidden')
    """
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (Mapping, list)):
        return ", ".join(map(_value_text, value)) or "none"
    return "hidden" if value == HIDDEN else str(value)


def _origin_of(path: str, came_from: Mapping[str, str]) -> str:
    """Its own; a sidecar of an earlier release tells that of whole lists.

    >>> given = {"upstreams[0].url": "file", "listen.port": "flag"}
    >>> [_origin_of(path, given) for path in ("upstreams[0].url", "upstreams[0].version", "listen.port")]
    ['file', '', 'flag']
    """
    return came_from.get(path) or came_from.get(path.partition("[")[0], "")
