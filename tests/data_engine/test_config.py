"""Reading the sampling rules."""

import ast
import json
from pathlib import Path

import pytest

from sidecar.data_engine import (
    ClassRule,
    CloseToThreshold,
    ConfigError,
    DisagreementRule,
    EdgeCases,
    LowConfidence,
    NearDuplicates,
    NewClass,
    RandomSample,
    RareClass,
    RateLimits,
    SamplingConfig,
    sampling_config,
)
from sidecar.data_engine.config import CLASS_RULES_MAX

GUIDE = Path(__file__).resolve().parents[3] / "shared" / "guide.py"


def test_whole_mapping_gives_every_field() -> None:
    """What a file says is what the rules hold."""
    config = sampling_config(
        {
            "low_confidence": {"enabled": True, "threshold": 0.5, "sample_rate": 0.2},
            "edge_cases": {"enabled": True, "conditions": ["no_detections", "unusual_size"]},
            "random_sample": {"enabled": False, "rate": 1},
        }
    )
    assert config == SamplingConfig(
        LowConfidence(True, 0.5, 0.2),
        EdgeCases(True, ("no_detections", "unusual_size"), 1.0),
        RandomSample(False, 1.0),
    )


def test_further_rules_have_limits_and_a_cool_down_each() -> None:
    """Every rule but the random sample may be held back; lengths of time are as a person writes them."""
    config = sampling_config(
        {
            "close_to_threshold": {"threshold": 0.5, "epsilon": 0.1, "classes": ["cat"], "minimum_objects": 2},
            "new_class": {"limits": {"per_day": 100}},
            "rare_class": {"share": 0.02, "minimum_images": 50, "cool_down": "1m30s"},
            "classes": {"person": {"rate": 0.2, "threshold": 0.6, "limits": {"per_minute": 1, "per_hour": 10}}},
            "disagreement": {"threshold": 0.3},
            "near_duplicates": {"window": "10m", "distance": 4, "iou": 0.9},
        }
    )
    assert config == SamplingConfig(
        close_to_threshold=CloseToThreshold(True, 0.5, 0.1, classes=("cat",), minimum_objects=2),
        new_class=NewClass(True, limits=RateLimits(per_day=100)),
        rare_class=RareClass(True, share=0.02, minimum_images=50, cool_down_s=90.0),
        classes={"person": ClassRule(True, 0.2, 0.6, RateLimits(1, 10))},
        disagreement=DisagreementRule(True, 0.3),
        near_duplicates=NearDuplicates(True, 600.0, 4, 0.9),
    )


@pytest.mark.parametrize("mapping", [{}, {"new_class": {}, "classes": {"a.b": {"cool_down": 0.5}}}])
def test_complete_configuration_reads_back_as_itself(mapping) -> None:
    """What is shown has every key, and may be sent again as it is, through JSON too."""
    config = sampling_config(mapping)
    shown = config.to_dict()
    assert sampling_config(json.loads(json.dumps(shown))) == config
    assert shown["random_sample"] == {"enabled": False, "rate": 0.01}
    assert shown["low_confidence"]["limits"] == {"per_minute": None, "per_hour": None, "per_day": None}


@pytest.mark.skipif(not GUIDE.exists(), reason="../shared/guide.py is absent: its calls are read from it, never copied")
def test_configuration_of_the_guide_is_taken_as_it_is_written() -> None:
    """The call of the guide needs no change."""
    calls = [node for node in ast.walk(ast.parse(GUIDE.read_text())) if isinstance(node, ast.Call)]
    (call,) = (call for call in calls if getattr(call.func, "attr", "") == "configure_data_engine")
    (written,) = (ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg == "config")
    config = sampling_config(written, "config")
    assert config.low_confidence == LowConfidence(True, 0.6, 0.3)
    assert config.edge_cases == EdgeCases(True)
    assert config.random_sample == RandomSample(True, 0.05)


def test_empty_mapping_keeps_nothing() -> None:
    """Rules that nobody asked for are off; what a shadow test asks for is its own affair, and doubles are no use."""
    config = sampling_config({})
    rules = config.to_dict()
    on = {name for name, rule in rules.items() if rule.get("enabled")}
    assert (on, rules["classes"]) == ({"disagreement", "near_duplicates"}, {})


def test_every_fault_is_reported_at_once_with_its_field() -> None:
    """One look at the message is enough to mend the whole section."""
    with pytest.raises(ConfigError) as raised:
        sampling_config(
            {
                "low_confidence": {"enabled": "yes", "threshold": 1.5, "sample_rate": True, "rate": 1},
                "edge_cases": {"conditions": ["blurry", "no_detections", 3], "rate": float("nan")},
                "random_sample": 0.1,
                "randon": {},
                "new_class": {"limits": {"per_minute": -1, "per_second": 1, "per_day": 1.5}, "cool_down": "soon"},
                "close_to_threshold": {"classes": "cat", "minimum_objects": 0},
                "classes": {"cat": {"rate": 2}, 7: {}},
                "near_duplicates": {"distance": 65, "window": "30d"},
            }
        )
    assert [fault.partition(":")[0] for fault in raised.value.faults] == [
        "sampling.randon",
        "sampling.low_confidence.rate",
        "sampling.low_confidence.enabled",
        "sampling.low_confidence.threshold",
        "sampling.low_confidence.sample_rate",
        "sampling.edge_cases.conditions.0",
        "sampling.edge_cases.conditions.2",
        "sampling.edge_cases.rate",
        "sampling.random_sample",
        "sampling.close_to_threshold.classes",
        "sampling.close_to_threshold.minimum_objects",
        "sampling.new_class.limits.per_second",
        "sampling.new_class.limits.per_minute",
        "sampling.new_class.limits.per_day",
        "sampling.new_class.cool_down",
        "sampling.classes",
        "sampling.classes.cat.rate",
        "sampling.near_duplicates.window",
        "sampling.near_duplicates.distance",
    ]


def test_fault_begins_with_the_path_that_was_asked_for() -> None:
    """The API's argument is called config, the file's section sampling."""
    with pytest.raises(ConfigError, match=r"^config\.random_sample\.rate: 2 is not within 0 to 1$"):
        sampling_config({"random_sample": {"rate": 2}}, "config")


def test_rules_of_classes_are_bounded() -> None:
    """Each is looked at for every image."""
    with pytest.raises(ConfigError, match="at most 100"):
        sampling_config({"classes": {f"c{i}": {} for i in range(CLASS_RULES_MAX + 1)}})


def test_rule_that_is_null_is_not_named() -> None:
    """An API client that fills in nulls turns nothing on, and disagreement not off."""
    assert sampling_config({"new_class": None, "disagreement": None, "classes": None}) == SamplingConfig()


@pytest.mark.parametrize("mapping", [[], None, "all", {"edge_cases": {"conditions": "no_detections"}}])
def test_wrong_shape_is_a_fault_not_a_crash(mapping: object) -> None:
    """Whatever YAML gives is answered with a ConfigError."""
    with pytest.raises(ConfigError, match=r"^sampling"):
        sampling_config(mapping)  # type: ignore[arg-type] - what YAML may give
