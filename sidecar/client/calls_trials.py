"""The calls about A/B tests and shadow tests: what to send and how to read the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from sidecar.client.calls import SLOW_TIMEOUT_S, Call, Filter, listing, paging, params_of, reading, segment
from sidecar.client.pages import Page
from sidecar.client.records import (
    AbHistory,
    AbResults,
    AbTest,
    AbTestMetric,
    ShadowHistory,
    ShadowPair,
    ShadowResults,
    ShadowTest,
)
from sidecar.client.results import Record, Records

Test = TypeVar("Test", bound=Record)

PATHS: Mapping[type[Record], str] = {AbTest: "/api/v1/ab-tests", ShadowTest: "/api/v1/shadow-tests"}
"""Where tests of a kind are."""


def create_ab_test(name: str, model_a_id: str, model_b_id: str, config: Mapping[str, Any] | None) -> Call[AbTest]:
    """Begin an A/B test."""
    body = {"name": name, "model_a_id": model_a_id, "model_b_id": model_b_id, "config": dict(config or {})}
    return Call("POST", PATHS[AbTest], reading(AbTest), body=body)


def create_shadow_test(
    name: str, model_id: str, shadow_model_id: str, config: Mapping[str, Any] | None
) -> Call[ShadowTest]:
    """Begin a shadow test."""
    body = {"name": name, "model_id": model_id, "shadow_model_id": shadow_model_id, "config": dict(config or {})}
    return Call("POST", PATHS[ShadowTest], reading(ShadowTest), body=body)


def trials(kind: type[Test], model_id: str | None, status: str | None) -> Call[Records[Test]]:
    """Tests of a kind."""
    return Call("GET", PATHS[kind], listing(kind), params_of({"model_id": model_id, "status": status}))


def trial(kind: type[Test], test_id: str) -> Call[Test]:
    """One test."""
    return Call("GET", _path(kind, test_id), reading(kind))


def act(kind: type[Test], test_id: str, action: str, if_match: str | None, **body: Any) -> Call[Test]:
    """Pause, resume, ramp, stop, conclude or promote a test.

    >>> act(AbTest, "new", "stop", None, reason="slow").path
    '/api/v1/ab-tests/new/stop'
    """
    return Call("POST", _path(kind, test_id, f"/{action}"), reading(kind), body=body, if_match=if_match)


def ab_test_metrics() -> Call[Records[AbTestMetric]]:
    """What a test can be about."""
    return Call("GET", f"{PATHS[AbTest]}/metrics", listing(AbTestMetric))


def ab_test_results(test_id: str) -> Call[AbResults]:
    """The results of an A/B test."""
    return Call("GET", _path(AbTest, test_id, "/results"), reading(AbResults), timeout_s=SLOW_TIMEOUT_S)


def shadow_test_results(test_id: str) -> Call[ShadowResults]:
    """The results of a shadow test."""
    return Call("GET", _path(ShadowTest, test_id, "/results"), reading(ShadowResults), timeout_s=SLOW_TIMEOUT_S)


def ab_test_history(test_id: str, metric: str | None) -> Call[AbHistory]:
    """How the results of an A/B test came to be."""
    path = _path(AbTest, test_id, "/history")
    return Call("GET", path, reading(AbHistory), params_of({"metric": metric}), timeout_s=SLOW_TIMEOUT_S)


def shadow_test_history(test_id: str) -> Call[ShadowHistory]:
    """How the results of a shadow test came to be."""
    return Call("GET", _path(ShadowTest, test_id, "/history"), reading(ShadowHistory), timeout_s=SLOW_TIMEOUT_S)


def shadow_pairs_page(test_id: str, filters: Mapping[str, Filter]) -> Call[Page[ShadowPair]]:
    """One page of the pairs of a shadow test."""
    return Call("GET", _path(ShadowTest, test_id, "/pairs"), paging(ShadowPair), params_of(filters))


def _path(kind: type[Record], test_id: str, rest: str = "") -> str:
    return f"{PATHS[kind]}/{segment(test_id, 'test_id')}{rest}"
