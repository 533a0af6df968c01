import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.summaries import Histogram, SummaryError

EDGES = (0.0, 1.0, 2.0, 4.0)


@given(st.lists(st.floats(allow_nan=False), max_size=30))
def test_every_value_falls_into_the_bin_that_holds_it(values: list[float]) -> None:
    """Adding in columns and one by one agree with numpy.digitize."""
    columns, singles = Histogram(EDGES), Histogram(EDGES)
    columns.add(values)
    for value in values:
        singles.add_one(value)
    assert columns == singles
    assert columns.dense() == np.bincount(np.digitize(values, EDGES), minlength=5).tolist()


def test_nan_counts_nowhere() -> None:
    """What was not measured is no value."""
    histogram = Histogram(EDGES)
    histogram.add([math.nan, 0.5])
    assert histogram.count == 1


def test_quantile_lies_within_its_bin() -> None:
    """Values are taken as spread evenly within a bin."""
    histogram = Histogram(EDGES, {1: 50, 3: 50})
    assert histogram.quantile(0.25) == 0.5
    assert histogram.quantile(0.75) == 3.0
    assert math.isnan(Histogram(EDGES).quantile(0.5))


def test_unlike_edges_are_refused() -> None:
    """Histograms of other edges never merge, and no bin is out of range."""
    with pytest.raises(SummaryError, match="edges"):
        Histogram(EDGES).merge(Histogram((0.0, 1.0)))
    with pytest.raises(SummaryError, match="bin 9"):
        Histogram.from_state(EDGES, {"9": 1})
