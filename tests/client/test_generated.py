"""What programs make of the one definition of every call and every type: the sync client, and the kinds of records."""

from __future__ import annotations

import inspect
import typing
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sidecar.api.handlers import ROUTES
from sidecar.api.routes import Route
from sidecar.client import AsyncClient, AsyncPages, Client, Pages, Record, Records, records
from sidecar.client.results import Document, fields_of
from tests.client import generate_records, unasync

KINDS = [getattr(records, name) for name in records.__all__]
OTHERWISE = ("get_flagged_items", "claim_next_item")
"""Methods that give less than their endpoint: as many items as were asked for, and the item alone."""
GIVEN = [
    route
    for route in ROUTES
    if route.gives is not None
    and hasattr(AsyncClient, generate_records.method_of(route))
    and generate_records.method_of(route) not in OTHERWISE
]


def test_sync_client_is_made_of_the_async_one() -> None:
    """Whoever changes an aio module runs ``python -m tests.client.unasync --write``."""
    assert unasync.stale(write=False) == []


def test_kinds_of_records_are_made_of_the_types_of_the_api() -> None:
    """Whoever changes a type that the API gives runs ``python -m tests.client.generate_records --write``."""
    assert generate_records.stale(write=False) == []


def test_both_clients_have_the_same_methods() -> None:
    """What one can do the other can, with the same arguments, and says so in the same words."""

    def methods(kind: type) -> dict[str, tuple[list[str], str | None]]:
        return {
            name: (list(inspect.signature(method).parameters), method.__doc__)
            for name, method in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
        }

    assert methods(Client) == methods(AsyncClient)


@pytest.mark.parametrize("route", GIVEN, ids=lambda route: generate_records.method_of(route))
def test_method_gives_the_kind_that_the_api_gives(route: Route) -> None:
    """The annotation of a method is the type of its endpoint: one record, or those of a list or of pages."""
    assert route.gives is not None
    annotation = typing.get_type_hints(getattr(AsyncClient, generate_records.method_of(route)))["return"]
    origin = typing.get_origin(annotation)
    fields = route.gives.model_fields
    if set(fields) == {"items", "next"}:
        assert origin is AsyncPages
    elif set(fields) in generate_records.LISTS:
        assert origin is Records
    elif origin is AsyncIterator:
        assert route.endless
    given = route.gives
    if origin in (AsyncPages, Records):
        given = next(generate_records.models_in(fields["items" if "items" in fields else "results"].annotation))
    wanted = typing.get_args(annotation)[0] if origin is not None else annotation
    assert wanted.__name__ == generate_records.name_of(given)


def test_every_kind_can_be_made() -> None:
    """Annotations are types that exist, and no field is called like a method of a record's."""
    for kind in KINDS:
        assert issubclass(kind, Record)
        assert not set(fields_of(kind)) & set(dir(Record))
        assert kind.of({"of a newer sidecar": {"a": [1]}}) == {"of a newer sidecar": {"a": [1]}}


def test_only_open_records_take_any_name() -> None:
    """A kind without a ``__getattr__`` for type checkers lets them find a misspelt name."""
    assert [kind for kind in KINDS if issubclass(kind, Document)] == []
    assert Pages.__doc__ is not None


def test_generator_says_what_it_would_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind that is not as the API has it is noticed, and a twin that was changed by hand."""
    made: dict[str, Any] = generate_records.texts()
    monkeypatch.setattr(generate_records, "texts", lambda: {**made, "alerts.py": made["alerts.py"] + "\n"})
    assert "alerts.py" in generate_records.stale(write=False)
    monkeypatch.setattr(unasync, "sync_of", lambda source, name: source if name == "aio.py" else "")
    assert "sync.py" in unasync.stale(write=False)
