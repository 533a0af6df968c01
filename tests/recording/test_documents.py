import math

from hypothesis import given
from hypothesis import strategies as st

from sidecar.recording.documents import document_of, document_text, number_or_none

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(JSON)
def test_document_comes_back_as_it_was(document: object) -> None:
    """Every JSON document survives its column."""
    assert document_of(document_text(document)) == document


@given(st.lists(st.text(alphabet=st.characters(), max_size=5), max_size=3))
def test_any_text_makes_text_that_utf8_holds(texts: list[str]) -> None:
    """Lone surrogates, wherever they stand, are replaced one by one."""
    text = document_text({"texts": texts, "keys": dict.fromkeys(texts, 1)})
    text.encode()
    assert document_of(text)["texts"] == [item.encode("utf-8", "replace").decode() for item in texts]


def test_nothing_measured_is_none() -> None:
    """NaN has no form in JSON nor a place in a column."""
    assert document_of(document_text({"a": math.nan})) == {"a": None}
    assert number_or_none(math.nan) is None
    assert number_or_none(None) is None
