"""Routes and assignment, pure."""

from __future__ import annotations

import pytest

from sidecar.hashing import unit_interval
from sidecar.proxy.routing import Match, Router, redact
from sidecar.types import Experiment, ProxySettings, RoutePattern, Variant

ROUTES = (
    RoutePattern(("POST",), "/v2/models/{model}/infer", "v2"),
    RoutePattern(("POST",), "/v2/models/{model}/versions/{version:int}/infer", "v2"),
    RoutePattern(("POST", "GET"), "/predict", "plain", model="det", variant="B"),
)
VARIANTS = (Variant("A", "http://a"), Variant("B", "http://b"))


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/v2/models/yolo/infer", Match("yolo", "", "v2", "", "/v2/models/{model}/infer")),
        (
            "POST",
            "/v2/models/yolo/versions/3/infer",
            Match("yolo", "3", "v2", "", "/v2/models/{model}/versions/{version:int}/infer"),
        ),
        ("GET", "/predict", Match("det", "", "plain", "B", "/predict")),
        ("POST", "/v2/models/yolo/versions/x/infer", None),
        ("POST", "/v2/models/../infer", None),
        ("GET", "/v2/models/yolo/infer", None),
        ("POST", "/predict/", None),
    ],
)
def test_path_meets_its_route_exactly(method: str, path: str, expected: Match | None) -> None:
    """A prediction route takes whole segments of the raw path, and no other method."""
    assert Router(ProxySettings(1, VARIANTS, "A", ROUTES)).match(method, path) == expected


def test_assignment_is_the_shared_draw() -> None:
    """A unit is treated exactly where its draw is under the split, and non-predictions go to the default."""
    experiment = Experiment("e", "A", "B", 0.3, unit="client", salt="s")
    router = Router(ProxySettings(1, VARIANTS, "A", ROUTES, (experiment,)))
    match = Match("yolo", "", "v2", "")
    for number in range(50):
        client = f"10.0.0.{number}"
        side = "treatment" if unit_interval("s", client) < 0.3 else "control"
        assert router.assign(match, None, client, "id").role == side
    assert router.assign(None, None, "10.0.0.1", "").variant == "A"
    assert router.assign(Match("det", "", "plain", "B"), None, "10.0.0.1", "").role == "serving"


def test_credentials_are_redacted_from_a_query() -> None:
    """Values of known credentials never leave the worker, however their names are spelt."""
    assert redact("a=1&Token=x&%6Bey=y&sig=") == "a=1&Token=REDACTED&%6Bey=REDACTED&sig="
