"""Routes and assignment, pure."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sidecar.hashing import unit_interval
from sidecar.proxy.routing import Match, Router, check_settings, redact
from sidecar.types import Experiment, Pin, ProxySettings, RoutePattern, Shadow, Variant

ROUTES = (
    RoutePattern(("POST",), "/v2/models/{model}/infer", "v2"),
    RoutePattern(("POST",), "/v2/models/{model}/versions/{version:int}/infer", "v2"),
    RoutePattern(("POST", "GET"), "/predict", "plain", model="det", variant="B"),
)
VARIANTS = (Variant("A", "http://a"), Variant("B", "http://b"), Variant("C", "http://c"))


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


def router(**settings: Any) -> Router:
    return Router(ProxySettings(1, VARIANTS, "A", ROUTES, **settings))


def served(router: Router, match: Match | None) -> tuple[str, str]:
    assignment = router.assign(match, "10.0.0.1", "id", lambda name: None)
    return assignment.variant, assignment.role


YOLO = Match("yolo", "", "v2", "")
DET = Match("det", "", "plain", "B")


def test_experiment_claims_its_model_and_a_star_all_without_a_variant_of_their_own() -> None:
    """A route with its own variant yields to a test of its model only; what is no prediction is the default's."""
    everything = router(experiments=(Experiment("e", "B", ("A",), (1e-9,)),))
    assert served(everything, YOLO) == ("B", "control")
    assert served(everything, DET) == ("B", "serving")
    assert served(everything, None) == ("A", "serving")
    assert served(router(experiments=(Experiment("e", "A", ("B",), (1e-9,), model="det"),)), DET) == ("A", "control")


@pytest.mark.parametrize(
    ("production", "yolo", "det"),
    [
        ((), "A", "B"),
        ((("det", "C"),), "A", "C"),
        ((("yolo", "C"),), "C", "B"),
        ((("*", "C"),), "C", "B"),
        ((("*", "B"), ("yolo", "A"), ("det", "C")), "A", "C"),
    ],
)
def test_what_was_promoted_serves(production: tuple[tuple[str, str], ...], yolo: str, det: str) -> None:
    """A model's promotion is over its route's variant, a promotion for all only over the default."""
    promoted = router(production=production)
    assert served(promoted, YOLO) == (yolo, "serving")
    assert served(promoted, DET) == (det, "serving")
    assert served(promoted, None) == ("A", "serving")


def test_experiment_comes_before_what_was_promoted() -> None:
    """A running test decides for its model, whatever serves it otherwise."""
    both = router(experiments=(Experiment("e", "A", ("B",), (1.0,), model="yolo"),), production=(("yolo", "C"),))
    assert served(both, YOLO) == ("B", "treatment")


def test_shadow_is_drawn_by_its_salt_and_the_request() -> None:
    """A request is copied exactly where its draw is under the share, by the first test that claims its model."""
    shadows = (Shadow("s", "B", 0.3, "yolo", "salt"), Shadow("other", "C", 1.0))
    shadowing = router(shadows=shadows)
    for number in range(50):
        drawn = shadowing.shadow_for(YOLO, str(number))
        assert drawn == (shadows[0] if unit_interval("salt", str(number)) < 0.3 else None)
    assert shadowing.shadow_for(Match("x", "", "v2", ""), "1") == shadows[1]
    assert shadowing.shadow_for(DET, "1") is None


def test_pin_of_a_model_takes_the_place_of_the_one_of_all() -> None:
    """Rule by rule: what it has none of is drawn as for all; a rate of 0 draws nothing. Draws are the monitor's."""
    pins = (
        Pin("probe", 0.5),
        Pin("random", 0.9),
        Pin("random", 0.1, "yolo"),
        Pin("random", 0.0, "det"),
        Pin("x", 1.0, "yolo"),
    )
    pinning = router(pins=pins)
    rates = {
        "yolo": {"probe": 0.5, "random": 0.1, "x": 1.0},
        "det": {"probe": 0.5},
        "other": {"probe": 0.5, "random": 0.9},
    }
    for model, expected in rates.items():
        for name in map(str, range(200)):
            drawn = tuple(rule for rule, rate in expected.items() if unit_interval(name, rule) < rate)
            assert pinning.pinned(model, name) == drawn
    assert router().pinned("yolo", "1") == ()


def test_pins_of_other_models_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request's draws are as few with a thousand models as with one."""
    pins = (Pin("probe", 0.5), *(Pin("random", 0.1, f"m{number}") for number in range(1_000)))
    pinning = router(pins=pins)
    drawn: list[str] = []
    monkeypatch.setattr("sidecar.proxy.routing.unit_interval", lambda _, rule: drawn.append(rule) or 0.0)
    assert pinning.pinned("m7", "1") == ("probe", "random")
    assert drawn == ["probe", "random"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"experiments": (Experiment("e", "A", ("B", "X"), (0.1, 0.1)),)}, "experiments: e: no variant is named 'X'"),
        ({"experiments": (Experiment("e", "X", ("B",), (0.1,)),)}, "experiments: e: no variant is named 'X'"),
        ({"experiments": (Experiment("e", "A", ("B",), ()),)}, "0 shares for 1 treatments"),
        ({"experiments": (Experiment("e", "A", (), ()),)}, "0 shares for 0 treatments"),
        ({"experiments": (Experiment("e", "A", ("B", "C"), (0.6, 0.6)),)}, "must each lie within 0 to 1"),
        ({"experiments": (Experiment("e", "A", ("B",), (float("nan"),)),)}, "must each lie within 0 to 1"),
        ({"shadows": (Shadow("s", "X", 0.1),)}, "shadows: s: no variant is named 'X'"),
        ({"shadows": (Shadow("s\r\nX: y", "B", 0.1),)}, "expected printable ASCII"),
        ({"production": (("det", "X"),)}, "production: det: no variant is named 'X'"),
        ({"default": "X"}, "default: no variant is named 'X'"),
    ],
)
def test_settings_that_name_what_there_is_not_are_refused(settings: dict[str, Any], message: str) -> None:
    """Settings that would fail a request are refused whole, with the place that is wrong."""
    with pytest.raises(ValueError, match=re.escape(message)):
        check_settings(ProxySettings(**{"version": 1, "variants": VARIANTS, "default": "A", **settings}))


def test_credentials_are_redacted_from_a_query() -> None:
    """Values of known credentials never leave the worker, however their names are spelt."""
    assert redact("a=1&Token=x&%6Bey=y&sig=") == "a=1&Token=REDACTED&%6Bey=REDACTED&sig="
