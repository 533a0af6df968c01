"""How a person names what a question is about."""

import pytest

from sidecar.watch.scope import Fault, Scope, scope_of

KNOWN = [("det", "1"), ("det", "2"), ("odd@name", "1"), ("", "x")]


@pytest.mark.parametrize(
    ("model_id", "scope"),
    [
        ("det", Scope("det")),
        ("det@2", Scope("det", "2")),
        ("odd@name", Scope("odd@name")),
        ("odd@name@1", Scope("odd@name", "1")),
    ],
)
def test_name_or_name_at_version_is_a_scope(model_id: str, scope: Scope) -> None:
    """A name that has an @ of its own is still found, and every scope tells its own id."""
    assert scope_of(model_id, KNOWN) == scope
    assert scope.model_id == model_id


@pytest.mark.parametrize("model_id", ["dett", "det@3", "@1", ""])
def test_unknown_model_is_a_fault_that_lists_those_there_are(model_id: str) -> None:
    """The message names the field and what would be right."""
    known = [row for row in KNOWN if row[0]]
    with pytest.raises(Fault, match=r"model_id: no model or version is called .*; there are det, det@1, det@2"):
        scope_of(model_id, known)


@pytest.mark.parametrize(("model_id", "scope"), [("det", Scope("det")), ("det@2", Scope("det", "2"))])
def test_where_nothing_is_known_any_name_is_taken_at_its_word(model_id: str, scope: Scope) -> None:
    """Nothing could say that it is wrong; what is no name at all is refused."""
    assert scope_of(model_id, []) == scope
    for no_name in ("", "@2", "det@", "@"):
        with pytest.raises(Fault, match=r"model_id: no model or version is called .*; expected a model's name"):
            scope_of(no_name, [])
