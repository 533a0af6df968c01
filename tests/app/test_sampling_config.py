"""The sampling section of the configuration, and the rules that it means."""

from pathlib import Path
from typing import Any

import pytest

from sidecar.app.config import Config, config_from
from sidecar.app.load import ConfigFaults, load_config
from sidecar.data_engine import ConfigError, RateLimits, sampling_config

UPSTREAM = {"upstreams": [{"name": "A", "url": "http://127.0.0.1:8000"}]}
EVERYTHING: dict[str, Any] = {
    "low_confidence": {"threshold": 0.6, "sample_rate": 0.3, "limits": {"per_hour": 60}, "cool_down": "10s"},
    "close_to_threshold": {"threshold": 0.5, "epsilon": 0.1, "rate": 0.2, "classes": ["cat"], "minimum_objects": 2},
    "edge_cases": {"conditions": ["no_detections"], "rate": 0.5, "limits": {"per_minute": 1, "per_day": 9}},
    "new_class": {"rate": 0.9, "cool_down": "1m"},
    "rare_class": {"rate": 0.4, "share": 0.02, "minimum_images": 50},
    "classes": {"person": {"rate": 0.2, "threshold": 0.6}, "a.b": {"enabled": False, "limits": {"per_day": 1}}},
    "disagreement": {"threshold": 0.3},
    "random_sample": {"enabled": False, "rate": 0.05},
    "near_duplicates": {"window": "10m", "distance": 4, "iou": 0.9},
}


def config(sampling: dict[str, Any]) -> Config:
    return config_from({}, {**UPSTREAM, "sampling": sampling})


def test_section_means_the_rules_that_the_api_would_read_in_it() -> None:
    """Both ways of setting a rule know the same keys and mean the same by them."""
    assert config(EVERYTHING).sampling.rules == sampling_config(EVERYTHING)


def test_rules_without_a_word_are_the_shipped_ones() -> None:
    """Three rules and two that go with them are on; the rates are those of config/sidecar.yaml."""
    rules = config({}).sampling.rules
    on = {name for name, rule in rules.to_dict().items() if rule.get("enabled")}
    assert on == {"low_confidence", "edge_cases", "random_sample", "disagreement", "near_duplicates"}
    assert (rules.low_confidence.sample_rate, rules.edge_cases.rate, rules.random_sample.rate) == (0.1, 0.05, 0.01)


def test_rule_that_is_named_is_on(monkeypatch) -> None:
    """In the file, or by one variable of the environment."""
    assert config({"new_class": {}}).sampling.rules.new_class.enabled
    assert not config({"new_class": {"enabled": False}}).sampling.rules.new_class.enabled
    monkeypatch.setenv("SIDECAR_SAMPLING__RARE_CLASS__RATE", "0.25")
    monkeypatch.setenv("SIDECAR_SAMPLING__LOW_CONFIDENCE__LIMITS__PER_HOUR", "6")
    rules = config({}).sampling.rules
    assert (rules.rare_class.enabled, rules.rare_class.rate) == (True, 0.25)
    assert rules.low_confidence.limits == RateLimits(per_hour=6)


def test_section_passes_through_json_unchanged() -> None:
    """The supervisor hands the configuration to the monitor as JSON."""
    for section in ({}, EVERYTHING):
        found = config(section)
        assert config_from({}, found.model_dump(mode="json")).sampling == found.sampling


FAULTS: dict[str, dict[str, Any]] = {
    "low_confidence.threshold": {"low_confidence": {"threshold": 2}},
    "low_confidence.cool_down": {"low_confidence": {"cool_down": "soon"}},
    "low_confidence.limits.per_hour": {"low_confidence": {"limits": {"per_hour": -1}}},
    "low_confidence.limits.per_year": {"low_confidence": {"limits": {"per_year": 1}}},
    "random_sample.limits": {"random_sample": {"limits": {"per_hour": 1}}},
    "close_to_threshold.minimum_objects": {"close_to_threshold": {"minimum_objects": 0}},
    "edge_cases.rate": {"edge_cases": {"rate": "much"}},
    "rare_class.share": {"rare_class": {"share": -0.1}},
    "classes": {"classes": {f"c{i}": {} for i in range(101)}},
    "classes.person.rate": {"classes": {"person": {"rate": 7}}},
    "near_duplicates.distance": {"near_duplicates": {"distance": 65}},
    "near_duplicates.window": {"near_duplicates": {"window": "30d"}},
    "near_duplicate": {"near_duplicate": {}},
}


@pytest.mark.parametrize("place", FAULTS)
def test_fault_is_found_in_the_file_as_in_the_api(place: str, tmp_path: Path) -> None:
    """Neither takes what the other refuses, and both name the field."""
    file = tmp_path / "c.yaml"
    file.write_text(str({**UPSTREAM, "sampling": FAULTS[place]}))
    with pytest.raises(ConfigFaults) as of_file:
        load_config(file, {})
    assert [fault.place.split(": ")[1] for fault in of_file.value.faults] == [f"sampling.{place}"]
    with pytest.raises(ConfigError) as of_api:
        sampling_config(FAULTS[place])
    assert [fault.split(": ")[0] for fault in of_api.value.faults] == [f"sampling.{place}"]


def test_further_rules_of_the_example_file_can_be_uncommented(tmp_path: Path) -> None:
    """What a person takes the comment sign from is good."""
    text = (Path(__file__).resolve().parents[2] / "config/sidecar.yaml").read_text()
    section = text[text.index("sampling:") :].split("\n\n")[0]
    lines = [line.removeprefix("  # ") for line in section.splitlines()]
    rules = [line for line in lines if line.startswith(("close_to", "new_", "rare_", "classes", "  person"))]
    file = tmp_path / "c.yaml"
    file.write_text("upstreams: [{name: A, url: 'http://a'}]\nsampling:\n  " + "\n  ".join(rules))
    found = load_config(file, {}).sampling.rules
    assert (found.close_to_threshold.enabled, found.new_class.enabled, found.rare_class.enabled) == (True, True, True)
    assert found.classes["person"].threshold == 0.6
