"""What calls return: records, and lists of them.

How they look (``showing``) and how they become frames (``frames``) is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from itertools import islice
from math import nan
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Generic,
    NamedTuple,
    Self,
    SupportsIndex,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    overload,
)

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
R = TypeVar("R", bound="Record")
Make = Callable[[Any], Any]
Time = Annotated[float, "seconds since 1970"]
"""A moment, in seconds since 1970-01-01T00:00Z."""
NAMES_TOLD = 30
"""How many fields an error names, of what may have thousands."""
Figure = Annotated[float, "NaN where null"]
"""A number that is NaN where the sidecar has nothing to make it of, so that it formats as any other."""


class _Fields(dict[str, T]):
    """A JSON object whose keys answer to attributes too."""

    __slots__ = ()

    if not TYPE_CHECKING:  # a type checker would take any name for an attribute

        def __getattr__(self, name: str) -> Any:
            if name in self:
                return self[name]
            if name in fields_of(type(self)):
                return _absent(type(self), name)
            there = ", ".join(str(key) if str(key).isidentifier() else repr(key) for key in islice(self, NAMES_TOLD))
            more = f" and {len(self) - NAMES_TOLD:,} more" if len(self) > NAMES_TOLD else ""
            raise AttributeError(f"no {name!r} here; there are {there}{more}", name=name, obj=self)

        def __setattr__(self, name: str, value: Any) -> None:
            """An attribute is the key: they would tell different things else."""
            if name.startswith("__"):  # Python's own
                super().__setattr__(name, value)
            elif hasattr(type(self), name):
                raise AttributeError(f"{name!r} is a method here; the field is set by its key, [{name!r}]")
            else:
                self[name] = value

        def __delattr__(self, name: str) -> None:
            if name not in self:
                raise AttributeError(f"no {name!r} here", name=name, obj=self)
            del self[name]

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *(name for name in self if name.isidentifier())]

    def __repr__(self) -> str:
        from sidecar.client.showing import text_of

        return text_of(type(self).__name__, self)

    def _repr_html_(self) -> str:
        from sidecar.client.showing import html_of

        return html_of(type(self).__name__, self)

    def copy(self) -> Self:
        """A shallow copy."""
        return type(self)(self)

    def to_pandas(self) -> pd.Series[Any]:
        """As a pandas Series: what is nested has dots in its name (``latency.p99_ms``), times are in UTC.

        Raises ImportError where pandas is not installed.
        """
        from sidecar.client.frames import series_of

        return series_of(self)


class Record(_Fields[Any]):
    """A JSON object whose keys answer to attributes too, at every depth: ``alert.id`` and ``alert["id"]``.

    What a kind of record has stands in its class, so that a type checker knows it; a field that a newer sidecar adds is
    kept. A field that is called like a method (``items``) or no name of Python's (``class``, ``from``) is
    reached by its key. It is a dict: equal to one, written by json, copied and pickled as one.

    >>> record = Record.of({"a": {"b": [{"c": 1}]}})
    >>> record.a.b[0].c, record["a"]["b"][0]["c"], record == {"a": {"b": [{"c": 1}]}}
    (1, 1, True)
    """

    __slots__ = ()

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """``document`` with all objects in it made records, of their kinds where those are known."""
        fields = fields_of(cls)
        return cls((key, fields[key].make(value) if key in fields else _made(value)) for key, value in document.items())


class Document(Record):
    """A JSON object of no fixed form, such as settings: any name may be asked for."""

    __slots__ = ()

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


class ByName(_Fields[T], Generic[T]):
    """Values by name, such as the variants of a test or the counts of classes: ``variants["B"]``, ``variants.B``."""

    __slots__ = ()

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> T: ...


class Records(list[R]):
    """A list of records of one ``kind``."""

    __slots__ = ("kind",)

    def __init__(self, records: Iterable[R] = (), kind: type[Record] = Document) -> None:
        super().__init__(records)
        self.kind = kind

    @overload
    def __getitem__(self, place: SupportsIndex, /) -> R: ...
    @overload
    def __getitem__(self, place: slice, /) -> Records[R]: ...
    def __getitem__(self, place: SupportsIndex | slice, /) -> R | Records[R]:
        if isinstance(place, slice):
            return Records(super().__getitem__(place), self.kind)
        return super().__getitem__(place)

    def __repr__(self) -> str:
        from sidecar.client.showing import lines_of

        return lines_of(self)

    def _repr_html_(self) -> str:
        from sidecar.client.showing import html_table

        return html_table(self.kind, self)

    def to_pandas(self) -> pd.DataFrame:
        """As a pandas DataFrame, a row each: what is nested has dots in its column's name, times are in UTC.

        Raises ImportError where pandas is not installed.
        """
        from sidecar.client.frames import frame_of

        return frame_of(self.kind, self)


class Field(NamedTuple):
    """A field of a kind of record: how its value is made of what JSON holds, whether it is a moment, and what makes the
    value it has where the document lacks it (None: nothing does)."""

    make: Make
    is_time: bool
    absent: Callable[[], Any] | None


@cache
def fields_of(kind: type) -> dict[str, Field]:
    """The fields of a kind of record, by name, as its annotations have them."""
    hints = get_type_hints(kind, include_extras=True)
    return {name: _field_of(hint) for name, hint in hints.items() if not name.startswith("_")}


def _absent(kind: type, name: str) -> Any:
    """None where that may be, or what is empty. Raises AttributeError where a field is needed."""
    field = fields_of(kind)[name]
    if field.absent is None:
        raise AttributeError(f"this {kind.__name__} has no {name!r}: the sidecar and this client are of two releases")
    return field.absent()


def _field_of(hint: Any) -> Field:
    """
    >>> _field_of(Figure).make(None), _field_of(Time | None).is_time, _field_of(float | None).absent()
    (nan, True, None)
    """
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    chosen = next(option for option in options if option is not type(None))
    make, empty = (_number, None) if chosen == Figure else _ways_of(chosen)
    return Field(make, chosen == Time, _none if type(None) in options else empty)


def _ways_of(hint: Any) -> tuple[Make, Callable[[], Any] | None]:
    """How a value of a type is made, and an empty one where there is such a thing."""
    origin, parts = get_origin(hint) or hint, get_args(hint)
    if origin is Records:
        kind: type[Record] = parts[0]
        return _if(list, lambda value: Records(map(_of(kind), value), kind)), lambda: Records((), kind)
    if origin is ByName:
        one = _field_of(parts[0]).make
        return _if(Mapping, lambda value: ByName((name, one(part)) for name, part in value.items())), ByName
    if isinstance(origin, type) and issubclass(origin, Record):
        return _of(origin), Document if origin is Document else None
    return _made, list if origin is list else None


def _of(kind: type[Record]) -> Make:
    return _if(Mapping, kind.of)


def _if(shape: type, make: Make) -> Make:
    """``make`` for what has a shape; null, and what another release gives in another shape, stays as it is."""
    return lambda value: make(value) if isinstance(value, shape) else value


def _number(value: Any) -> Any:
    return nan if value is None else value


def _none() -> None:
    return None


def _made(value: Any) -> Any:
    """What no kind says anything of: objects become Documents, at every depth.

    >>> _made({"a": [{"b": 1}], "c": [1]})
    Document(a=[{'b': 1}], c=[1])
    """
    if isinstance(value, Mapping):
        return Document.of(value)
    if not isinstance(value, list):
        return value
    inner = [_made(item) for item in value]
    return Records(inner) if inner and all(isinstance(item, Record) for item in inner) else inner
