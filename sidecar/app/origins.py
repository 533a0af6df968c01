"""Where each setting that is not a default came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

Origin = Literal["file", "environment", "flag"]


def origins_of(
    from_file: Mapping[str, Any], environment: Mapping[str, Any], flags: Mapping[str, Any]
) -> dict[str, Origin]:
    """The origin of every setting that was given, by its dotted path; the later argument wins, as it does for values.
    Lists replace each other whole; of a list of mappings each setting that was given has its own path. What is not
    among them has its default.

    >>> origins_of({"listen": {"port": 1, "host": "::"}}, {"listen": {"port": 2}}, {"upstreams": [{"name": "A"}]})
    {'listen.host': 'file', 'listen.port': 'environment', 'upstreams[0].name': 'flag'}
    """
    found: dict[str, Origin] = {}
    given: tuple[tuple[Origin, Mapping[str, Any]], ...] = (
        ("file", from_file),
        ("environment", environment),
        ("flag", flags),
    )
    for origin, values in given:
        paths = list(_paths(values))
        for _, whole in paths:
            # a mapping that replaces a single value, or the other way round, is the only one at its place
            for other in [one for one in found if _is_within(one, whole) or _is_within(whole, one)]:
                del found[other]
        found |= {path: origin for path, _ in paths}
    return dict(sorted(found.items()))


def _is_within(path: str, place: str) -> bool:
    return path == place or path.startswith((f"{place}.", f"{place}["))


def _paths(value: Any, path: str = "", whole: str = "") -> Iterator[tuple[str, str]]:
    """(path, what is replaced where it is given anew) of each setting: in a list that is the list."""
    if isinstance(value, Mapping) and value:
        for name, part in value.items():
            yield from _paths(part, f"{path}.{name}" if path else str(name), whole)
    elif isinstance(value, list | tuple) and any(isinstance(part, Mapping) for part in value):
        for index, part in enumerate(value):
            yield from _paths(part, f"{path}[{index}]", whole or path)
    elif path:
        yield path, whole or path
