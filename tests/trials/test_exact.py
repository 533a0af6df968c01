"""Sums and products of many units at once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sidecar.summaries import Moments
from sidecar.trials.exact import moments_by_group

UNITS = st.lists(st.lists(st.integers(0, 1 << 62), min_size=3, max_size=3), min_size=1, max_size=30)


@given(UNITS, st.data())
def test_groups_equal_what_moments_add_up_to(units: list[list[int]], data: st.DataObject) -> None:
    """However large sums of a unit are, their squares and products are the exact ones."""
    starts = sorted({0, *data.draw(st.lists(st.integers(0, len(units) - 1), max_size=4))})
    names, scales = ("a", "b", "c"), (1, 1_000, 1)
    found = moments_by_group(names, scales, np.array(units, np.int64), starts)
    for moments, start, end in zip(found, starts, [*starts[1:], len(units)], strict=True):
        expected = Moments(names, scales)
        expected.add(np.array(units[start:end], object))
        assert (moments.n, moments.sums, moments.products) == (expected.n, expected.sums, expected.products)


def test_no_units_are_empty_moments() -> None:
    """A group without units has sums of nothing."""
    (found,) = moments_by_group(("x",), (1,), np.zeros((0, 1), np.int64), [0])
    assert (found.n, found.sums, found.products) == (0, [0], [0])
