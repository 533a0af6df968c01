"""Reading a configuration so that a person learns of every fault at once, with its line and what would be right."""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError

from sidecar.app.config import Config, config_from
from sidecar.app.fault_words import message_of, place_of
from sidecar.app.masking import masked_text
from sidecar.app.setting_types import Place
from sidecar.app.upstream_config import EXAMPLE

FILE_BYTES_MAX = 1 << 20
_HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: its place (``file:line: path`` or just the path) and what is wrong and would be right."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class ConfigFaults(Exception):
    """All faults of a configuration. They quote no user, password or query of a URL, whatever the values hold."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = [Fault(masked_text(fault.place), masked_text(fault.message)) for fault in faults]
        super().__init__("\n".join(map(str, self.faults)))


def load_config(file: Path | None, arguments: dict[str, Any]) -> Config:
    """The configuration of ``file`` (may be None), the environment and the flags. Raises ConfigFaults."""
    from_file, lines = _read(file) if file else ({}, {})
    try:
        return config_from(arguments, from_file)
    except ValidationError as error:
        hidden = _faults_between_fields(error, arguments, from_file)
        raise ConfigFaults(_faults([*error.errors(include_url=False), *hidden], file, lines)) from error
    except SettingsError as error:
        raise ConfigFaults([_of_environment(error)]) from error


def _of_environment(error: SettingsError) -> Fault:
    """Of a variable whose text can't be taken apart."""
    found = re.search(r'field "(\w+)"', str(error))
    name = found[1].upper() if found else "..."
    example = '\'[{"name": "A", "url": "http://127.0.0.1:8000"}]\'' if name == "UPSTREAMS" else "'[]' or '{}'"
    return Fault(f"environment: SIDECAR_{name}", f"must be JSON, as lists and mappings are there, such as {example}")


def _read(file: Path) -> tuple[dict[str, Any], dict[Place, int]]:
    try:
        if file.stat().st_size > FILE_BYTES_MAX:
            raise ConfigFaults([Fault(str(file), f"larger than {FILE_BYTES_MAX} bytes")])
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigFaults([Fault(str(file), f"can't be read: {error}")]) from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text) if node is not None else {}
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigFaults([Fault(f"{file}:{line}", f"not YAML: {error.problem}")]) from error
    except yaml.YAMLError as error:
        raise ConfigFaults([Fault(str(file), f"not YAML: {error}")]) from error
    if not isinstance(content, dict):
        raise ConfigFaults([Fault(f"{file}:1", "must be a mapping of settings, such as `upstreams: [...]`")])
    lines: dict[Place, int] = {}
    faults: list[Fault] = []
    _walk(node, (), lines, faults, file)
    if faults:
        raise ConfigFaults(faults)
    return {str(name): value for name, value in content.items()}, lines


def _walk(node: yaml.Node | None, place: Place, lines: dict[Place, int], faults: list[Fault], file: Path) -> None:
    """Note the line of every setting. YAML takes the last of two equal keys in silence, and ``"\\ud800"`` as text,
    which nothing could write down; we don't."""
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            here = (*place, str(key.value))
            line = key.start_mark.line + 1
            if key.value in seen:
                faults.append(Fault(f"{file}:{line}: {_dotted(here)}", "is given twice"))
            seen.add(key.value)
            lines[here] = line
            _walk(value, here, lines, faults, file)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            lines[(*place, index)] = value.start_mark.line + 1
            _walk(value, (*place, index), lines, faults, file)
    elif isinstance(node, yaml.ScalarNode) and (half := _HALF.search(node.value)):
        where = f"{file}:{node.start_mark.line + 1}: {_dotted(place)}"
        faults.append(Fault(where, f"has \\u{ord(half[0]):x}, half of a pair, which is no character: write it out"))


def _faults_between_fields(
    error: ValidationError, arguments: dict[str, Any], from_file: dict[str, Any]
) -> list[ErrorDetails]:
    """Names that stand for nothing are looked for once all fields are good; a person wants to hear of them at once.
    So the faulty fields of the file are left out for a second look, and what that finds between fields is added."""
    pruned = deepcopy(from_file)
    for item in error.errors(include_url=False):
        if not item["loc"]:
            return []  # they were found at the first look
        _leave_out(pruned, item["loc"])
    try:
        config_from(arguments, pruned)
    except ValidationError as second:
        return [item for item in second.errors(include_url=False) if not item["loc"]]
    return []


def _leave_out(content: Any, place: Place) -> None:
    """Take the setting at ``place`` out of ``content``; a list is taken out whole, so that its other places stay."""
    while len(place) > 1 and isinstance(place[-1], int):
        place = place[:-1]
    for part in place[:-1]:
        inside = isinstance(content, dict) and part in content
        if not inside and not (isinstance(content, list) and isinstance(part, int) and part < len(content)):
            return
        content = content[part]
    if isinstance(content, dict):
        content.pop(place[-1], None)
        if place[-1] in ("url", "urls"):  # an upstream can't do without
            content["url"] = EXAMPLE


def _faults(items: list[ErrorDetails], file: Path | None, lines: dict[Place, int]) -> list[Fault]:
    faults = []
    for item in items:
        place = place_of(item)
        if item["type"] == "too_short" and any(other["loc"][: len(place)] == place for other in items if other != item):
            continue  # a list whose items were all refused is not also too short
        if (item["type"] == "value_error" and isinstance(item["input"], (dict, BaseModel))) or not place:
            # faults between fields: one a line, each beginning with its place
            for line in message_of(item).splitlines():
                path, _, rest = line.partition(": ")
                inner = tuple(int(part) if part.isdigit() else part for part in path.split("."))
                faults.append(Fault(_located((*place, *inner), file, lines), rest))
            continue
        faults.append(Fault(_located(place, file, lines), message_of(item)))
    return sorted(faults, key=_line_of)


def _line_of(fault: Fault) -> int:
    parts = fault.place.split(":")
    return int(parts[1]) if len(parts) > 2 else 0


def _located(place: Place, file: Path | None, lines: dict[Place, int]) -> str:
    """``file:line: path``, with the line of the nearest setting that stands in the file."""
    for length in range(len(place), 0, -1):
        if (line := lines.get(place[:length])) is not None:
            return f"{file}:{line}: {_dotted(place)}"
    return _dotted(place)


def _dotted(place: Place) -> str:
    """
    >>> _dotted(("upstreams", 1, "url"))
    'upstreams[1].url'
    """
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")
