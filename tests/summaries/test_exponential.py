import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.summaries import BUCKETS_MAX, ExponentialHistogram
from sidecar.types import latency_index


def histogram_of(latencies: list[float]) -> ExponentialHistogram:
    counts: dict[int, int] = {}
    for ms in latencies:
        counts[latency_index(ms)] = counts.get(latency_index(ms), 0) + 1
    return ExponentialHistogram(counts, round(sum(latencies) * 1000))


@given(st.lists(st.floats(0.001, 3_600_000), min_size=1, max_size=80), st.floats(0, 1))
def test_quantile_is_within_its_documented_error(latencies: list[float], q: float) -> None:
    """From a microsecond to an hour a quantile is off by a factor of 2**(1/16) at most."""
    rank = max(1, math.ceil(q * len(latencies)))
    exact = sorted(latencies)[rank - 1]
    assert abs(math.log2(histogram_of(latencies).quantile(q) / exact)) <= 1 / 16 + 1e-9


def test_span_beyond_the_bound_is_made_coarser() -> None:
    """However far apart measurements are, buckets stay within the bound and counts are kept."""
    wide = ExponentialHistogram({-80: 1, 5_000: 2})
    assert wide.scale < 3
    assert max(wide.counts) - min(wide.counts) < BUCKETS_MAX
    assert wide.count == 3


def test_empty_histogram_has_no_quantile() -> None:
    """Nothing measured: NaN, not zero."""
    assert math.isnan(ExponentialHistogram().quantile(0.5))
    assert math.isnan(ExponentialHistogram().mean_ms)
    assert math.isnan(ExponentialHistogram().share_above(1.0))


def test_quantile_out_of_range_is_refused() -> None:
    """q is a share."""
    with pytest.raises(ValueError, match=r"^q:"):
        ExponentialHistogram().quantile(95)


def test_share_above_an_edge_is_near_the_true_share() -> None:
    """The share of slow requests is right to what one bucket holds."""
    latencies = np.random.default_rng(3).lognormal(3, 0.5, 20_000)
    share = histogram_of(latencies.tolist()).share_above(30.0)
    assert share == pytest.approx(float((latencies > 30.0).mean()), abs=0.01)
