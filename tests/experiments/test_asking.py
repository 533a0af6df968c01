"""What people ask of a test."""

from typing import Any

import pytest

from sidecar.experiments import DEFAULT_METRICS, Guardrail
from sidecar.experiments.asking import DefinitionError, check_variants, read_ab_config, read_shadow_config, read_split
from sidecar.experiments.definition import Definition, Ramp, ShadowDefinition

AB = ["A", "B"]


def test_the_guides_config_is_read_as_written() -> None:
    """Ten per cent to model B, three metrics of which the first is primary, seven days."""
    config = {
        "traffic_split": 0.1,
        "metrics": ["confidence", "latency", "feedback_score"],
        "duration_days": 7,
    }
    asked = Definition("n", "*", "A", ("B",), **read_ab_config(config, AB))
    assert (asked.shares, asked.metrics, asked.duration_days) == ((0.1,), DEFAULT_METRICS, 7.0)
    assert (asked.unit, asked.ramp, asked.variants) == ("request", None, ("A", "B"))


def test_everything_that_can_be_asked_for_is_read() -> None:
    """Names of headers are in lower case, as they are looked for."""
    fields = read_ab_config(
        {
            "unit": "header:X-Camera-Id",
            "guardrails": [{"metric": "latency", "margin": 1.2}, {"metric": "error_rate", "margin": 2, "floor": 0.01}],
            "ramp": {"shares": [0.01, 0.5], "hours": 2, "units": 300},
            "alpha": 0.01,
            "plan_units": 9_000,
            "effect": 0.02,
            "exclude": "X-Internal=Yes",
            "override_header": "X-Variant",
            "failover": False,
            "notify": "slack:#ml",
            "duration_days": None,
        },
        AB,
    )
    assert fields == {
        "unit": "header:x-camera-id",
        "guardrails": (Guardrail("latency", 1.2), Guardrail("error_rate", 2.0, 0.01)),
        "ramp": Ramp((0.01, 0.5), 2.0, 300),
        "alpha": 0.01,
        "plan_units": 9_000,
        "effect": 0.02,
        "exclude": "x-internal=Yes",
        "override": "x-variant",
        "failover": False,
        "notify": ("slack:#ml",),
        "duration_days": None,
        "shares": (0.01,),
    }


@pytest.mark.parametrize(
    ("config", "field", "words"),
    [
        ({}, "traffic_split", "is needed"),
        ({"traffic_split": 1.5}, "traffic_split", "over 0 and under 1"),
        ({"traffic_split": 0}, "traffic_split", "over 0 and under 1"),
        ({"traffic_split": True}, "traffic_split", "is no number"),
        ({"traffic_split": float("nan")}, "traffic_split", "is no number"),
        ({"traffic_split": {"C": 0.1}}, "traffic_split", "there is no 'C'; there are A, B"),
        ({"traffic_split": {"A": 0.5, "B": 0.1}}, "traffic_split", "come to 0.6, expected 1"),
        ({"traffic_split": 0.1, "metrics": ["accuracy"]}, "metrics", "there is no 'accuracy'; there are confidence"),
        ({"traffic_split": 0.1, "metrics": []}, "metrics", "at least one"),
        ({"traffic_split": 0.1, "metrics": [["latency"]]}, "metrics", "there is no ['latency']"),
        ({"traffic_split": 0.1, "metrics": "latency"}, "metrics", "is no list"),
        ({"traffic_split": 0.1, "duration_days": 0}, "duration_days", "over 0"),
        ({"traffic_split": 0.1, "unit": "camera"}, "unit", "request, client or header:NAME"),
        ({"traffic_split": 0.1, "guardrails": [{"metric": "latency"}]}, "guardrails", "one has metric"),
        ({"traffic_split": 0.1, "guardrails": [{"metric": "nope", "margin": 2}]}, "guardrails", "is not one of"),
        ({"traffic_split": 0.1, "guardrails": [{"metric": "latency", "margin": 0.5}]}, "guardrails", "at least 1"),
        ({"ramp": [0.5, 0.1]}, "ramp", "larger than the one before"),
        ({"traffic_split": 0.2, "ramp": [0.1, 0.5]}, "traffic_split", "the ramp's first share, 0.1"),
        ({"traffic_split": 0.1, "exclude": "X=" + "y" * 201}, "exclude", "neither NAME nor NAME=value"),
        ({"traffic_split": 0.1, "override_header": "a b"}, "override_header", "no name of a header"),
        ({"traffic_split": 0.1, "failover": "no"}, "failover", "neither true nor false"),
        ({"traffic_split": 0.1, "notify": [5]}, "notify", "no list of channels"),
        ({"traffic_split": 0.1, "spilt": 0.1}, "spilt", "is not known, expected traffic_split"),
    ],
)
def test_what_cannot_be_names_the_field_and_what_would_be_right(config: dict[str, Any], field: str, words: str) -> None:
    """One fault, one line."""
    with pytest.raises(DefinitionError) as caught:
        read_ab_config(config, AB)
    assert [place for place, _ in caught.value.faults] == [f"config.{field}"]
    assert words in caught.value.faults[0][1]


def test_all_faults_are_told_at_once() -> None:
    """Nobody mends one after the other."""
    with pytest.raises(DefinitionError) as caught:
        read_ab_config({"traffic_split": 2, "unit": "x", "alpha": 1}, AB)
    assert [place for place, _ in caught.value.faults] == ["config.unit", "config.alpha", "config.traffic_split"]


def test_shares_of_several_treatments_leave_some_for_control() -> None:
    """A test without a control compares nothing."""
    assert read_split({"A": 0.5, "B": 0.2, "C": 0.3}, ["A", "B", "C"]) == (0.2, 0.3)
    with pytest.raises(ValueError, match="come to 1, under 1 is needed: the rest is A's"):
        read_split({"B": 0.5, "C": 0.5}, ["A", "B", "C"])
    with pytest.raises(ValueError, match="has no share of C"):
        read_split({"B": 0.5}, ["A", "B", "C"])


def test_a_shadow_may_see_everything() -> None:
    """A copy of each request is a share of 1."""
    asked = ShadowDefinition("n", "det", "B", **read_shadow_config({"share": 1, "samples_per_hour": 0}))
    assert (asked.share, asked.samples_per_hour, asked.shares, asked.variants) == (1.0, 0, (1.0,), ("B",))


@pytest.mark.parametrize("config", [{"share": 0}, {"share": 1.1}, {"iou_min": 1}, {"samples_per_hour": 1.5}, {"x": 1}])
def test_a_shadow_that_cannot_be_names_the_field(config: dict[str, Any]) -> None:
    """As an A/B test does."""
    with pytest.raises(DefinitionError, match=rf"^config\.{next(iter(config))}: "):
        read_shadow_config(config)


def test_a_variant_is_in_a_test_once() -> None:
    """A model against itself tells nothing."""
    with pytest.raises(DefinitionError, match="model_b_id: 'A' is model_a_id already"):
        check_variants(["A", "A"], ["model_a_id", "model_b_id"])


def test_split_of_a_running_test_keeps_proportions_and_may_leave_a_treatment_with_none() -> None:
    """A treatment that was taken out stays out, unless it is named."""
    assert read_split(0.6, ["A", "B", "C"], (0.1, 0.2)) == (0.2, 0.4)
    assert read_split(0.6, ["A", "B", "C"], (0.3, 0.0)) == (0.6, 0.0)
    assert read_split({"B": 0.4, "C": 0}, ["A", "B", "C"], (0.3, 0.0)) == (0.4, 0.0)
    with pytest.raises(ValueError, match="pause the test to give none"):
        read_split({"B": 0, "C": 0}, ["A", "B", "C"], (0.3, 0.1))


@pytest.mark.parametrize("split", [10**400, float("nan"), "half", True, None])
def test_no_number_is_told_whatever_it_is(split: object) -> None:
    """Whole numbers that no float can hold among them."""
    with pytest.raises(DefinitionError, match=r"config\.traffic_split"):
        read_ab_config({"traffic_split": split}, ["A", "B"])


@pytest.mark.parametrize("exclude", [None, 5, "=x", "X-A="])
def test_header_that_excludes_is_told_where_it_is_none(exclude: object) -> None:
    """Nothing is made a header's name."""
    with pytest.raises(DefinitionError, match=r"neither NAME nor NAME=value|no name of a header"):
        read_ab_config({"traffic_split": 0.1, "exclude": exclude}, ["A", "B"])
