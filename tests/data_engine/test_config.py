"""Reading the sampling rules."""

import pytest

from sidecar.data_engine import ConfigError, EdgeCases, LowConfidence, RandomSample, SamplingConfig, sampling_config


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


def test_empty_mapping_keeps_nothing() -> None:
    """Rules that nobody asked for are off."""
    config = sampling_config({})
    assert [config.low_confidence.enabled, config.edge_cases.enabled, config.random_sample.enabled] == [False] * 3


def test_every_fault_is_reported_at_once_with_its_field() -> None:
    """One look at the message is enough to mend the whole section."""
    with pytest.raises(ConfigError) as raised:
        sampling_config(
            {
                "low_confidence": {"enabled": "yes", "threshold": 1.5, "sample_rate": True, "rate": 1},
                "edge_cases": {"conditions": ["blurry", "no_detections", 3], "rate": float("nan")},
                "random_sample": 0.1,
                "randon": {},
            }
        )
    assert [fault.partition(":")[0] for fault in raised.value.faults] == [
        "sampling.randon",
        "sampling.low_confidence.rate",
        "sampling.random_sample",
        "sampling.low_confidence.enabled",
        "sampling.low_confidence.threshold",
        "sampling.low_confidence.sample_rate",
        "sampling.edge_cases.conditions.0",
        "sampling.edge_cases.conditions.2",
        "sampling.edge_cases.rate",
    ]


@pytest.mark.parametrize("mapping", [[], None, "all", {"edge_cases": {"conditions": "no_detections"}}])
def test_wrong_shape_is_a_fault_not_a_crash(mapping: object) -> None:
    """Whatever YAML gives is answered with a ConfigError."""
    with pytest.raises(ConfigError, match=r"^sampling"):
        sampling_config(mapping)  # type: ignore[arg-type] - what YAML may give
