"""What calls return."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple


class Record(dict[str, Any]):
    """A JSON object whose keys answer to attributes too, at every depth.

    A key that is also a name of dict's (``items``, ``values``) is reached by its key.

    >>> record = Record.of({"a": {"b": [{"c": 1}]}})
    >>> record.a.b[0].c, record["a"]["b"][0]["c"]
    (1, 1)
    """

    __slots__ = ()

    @classmethod
    def of(cls, document: dict[str, Any]) -> Record:
        """``document`` with all objects in it made Records."""
        return cls((key, _deep(value)) for key, value in document.items())

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no {name!r} here; there are {', '.join(self)}") from None

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *self]


class Page(NamedTuple):
    """Some records, newest first, and the cursor of the page after them; None after the last."""

    items: list[Record]
    next: str | None


def _deep(value: Any) -> Any:
    if isinstance(value, dict):
        return Record.of(value)
    return [_deep(item) for item in value] if isinstance(value, list) else value
