"""What a request adds to the sums of its unit."""

from typing import Any

import numpy as np
import pytest

from sidecar.experiments import METRICS, PER_UNIT_NAMES, Arm, Sums, per_unit_moments
from sidecar.summaries import Summary
from sidecar.trials.vectors import vectors_of
from sidecar.types import RequestCounts, latency_index
from tests.kit.trial_traffic import Sampled, treated

EDGE_MS = 15.0
"""Between two edges of latency histograms: it is taken as the one above, 16 ms."""
CARS = [(0.0, 0.9, "car"), (100.0, 0.4, "car"), (200.0, 0.1, "dog")]


def traffic() -> list[Sampled]:
    """Each kind of answer there is."""
    return [
        treated("u", CARS),
        treated("u", CARS, [], [(0.0, 0.5, "dog")]),
        treated("u", []),
        treated("u", None),
        treated("u", status=500, upstream_ms=20.0),
        treated("u", status=502, error="connect", upstream_ms=0.0),
        treated("u", status=400, upstream_ms=16.0),
        treated("u", CARS, status=200, error="truncated", upstream_ms=40.0),
        treated("u", status=0, error="client_gone", upstream_ms=0.0),
        treated("u", CARS, upstream_ms=16.5),
    ]


def counted(items: list[Sampled]) -> Summary:
    """The same requests as summaries count them."""
    summary = Summary()
    for _, exchange, predictions in items:
        upstream = {latency_index(exchange.upstream_ms): 1} if exchange.upstream_ms > 0 else {}
        summary.add_predictions(predictions)
        counts: dict[str, Any] = {"requests": 1, "statuses": {exchange.status: 1}, "upstream": upstream}
        summary.add_counts(RequestCounts(0, "m", "v", "control", "ab", 0, "", **counts))
    return summary


@pytest.mark.parametrize("metric", [name for name in METRICS if name != "feedback_score"])
def test_metrics_of_units_are_those_of_requests(metric: str) -> None:
    """Where each request is a unit of its own, sums per unit and summaries give one and the same value."""
    items = traffic()
    moments = per_unit_moments()
    moments.add(vectors_of([(exchange, found) for _, exchange, found in items], EDGE_MS))
    of_units = Arm.of_units("B", moments, Summary()).sums[metric]
    of_requests = Arm.of_summary("B", counted(items), slow_edge_ms=EDGE_MS).sums[metric]
    assert of_units.value == pytest.approx(of_requests.value)
    assert (of_units.x, of_units.m) == (of_requests.x, of_requests.m)


def test_vectors_do_not_depend_on_their_neighbours() -> None:
    """A batch gives what its requests give one by one."""
    answers = [(exchange, found) for _, exchange, found in traffic()]
    together = vectors_of(answers, EDGE_MS)
    alone = np.concatenate([vectors_of([answer], EDGE_MS) for answer in answers])
    assert together.tolist() == alone.tolist()
    assert together.dtype == np.int64
    assert together.min() >= 0


def test_without_an_edge_nothing_is_timed() -> None:
    """The share of slow requests is of those that could be judged."""
    moments = per_unit_moments()
    moments.add(vectors_of([(exchange, found) for _, exchange, found in traffic()], None))
    assert Sums.of(moments, (("slow", 1),), (("timed", 1),)).m == 0


def test_latency_beyond_all_bounds_is_taken_as_the_longest() -> None:
    """A nonsense time does not spill into other sums."""
    _, exchange, found = treated("u", CARS, upstream_ms=1e30)
    (vector,) = vectors_of([(exchange, found)], None)
    assert vector[PER_UNIT_NAMES.index("upstream_ms")] == 1 << 40
