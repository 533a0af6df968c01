"""Tests of versions in the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.app.config import config_from
from sidecar.app.load import ConfigFaults, load_config

UPSTREAMS = "upstreams: [{name: A, url: 'http://a'}, {name: B, url: 'http://b'}, {name: C, url: 'http://c'}]\n"


def faults_of(folder: Path, text: str) -> list[str]:
    file = folder / "c.yaml"
    file.write_text(UPSTREAMS + text)
    with pytest.raises(ConfigFaults) as caught:
        load_config(file, {})
    return [str(fault).removeprefix(f"{folder}/") for fault in caught.value.faults]


def test_a_declared_test_means_what_the_same_words_mean_in_the_api(tmp_path: Path) -> None:
    """What is left out has the same default, but that it runs until it is stopped."""
    file = tmp_path / "c.yaml"
    file.write_text(
        UPSTREAMS + "experiments:\n"
        "- {name: one, model: det, control: A, treatment: B, traffic_split: 0.1, unit: 'header:X-Camera'}\n"
        "- name: two\n  model: gate\n  control: A\n  treatments: [B, C]\n  traffic_split: {B: 0.1, C: 0.2}\n"
        "  guardrails: [{metric: latency, margin: 1.2}]\n  ramp: {shares: [0.3, 0.6], hours: 1}\n  duration_days: 3\n"
        "shadows:\n- {model: door, shadow: B, share: 0.5}\n"
    )
    config = load_config(file, {})
    one, two = (item.definition for item in config.experiments)
    assert (one.treatments, one.shares, one.unit, one.duration_days) == (("B",), (0.1,), "header:x-camera", None)
    assert [item.metric for item in one.guardrails][:2] == ["error_rate", "latency"]
    assert (two.treatments, two.shares, two.duration_days) == (("B", "C"), (0.1, 0.2), 3.0)
    assert two.ramp is not None
    assert two.ramp.shares == (0.3, 0.6)
    (copied,) = (item.definition for item in config.shadows)
    assert (copied.name, copied.shadow, copied.share, copied.duration_days) == ("shadow", "B", 0.5, None)
    again = config_from(config.model_dump(mode="json"), {})
    assert [item.definition for item in again.experiments] == [one, two]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("experiments: [{control: A, treatment: B}]", "experiments[0].traffic_split: is needed"),
        ("experiments: [{control: A, treatment: B, traffic_split: 1.5}]", "experiments[0].traffic_split: 1.5 is not"),
        ("experiments: [{control: A, traffic_split: 0.1}]", "experiments[0].treatment: one upstream is needed"),
        ("experiments: [{control: A, treatment: A, traffic_split: 0.1}]", "experiments[0].treatment: 'A' is control"),
        (
            "experiments: [{control: A, treatment: B, traffic_split: 0.1, metrics: [mAP]}]",
            "experiments[0].metrics: there is no 'mAP'",
        ),
        ("shadows: [{shadow: B, share: 2}]", "shadows[0].share: 2 is not within"),
        ("shadows: [{shadow: Q}]", "shadows[0].shadow: no upstream is called 'Q'"),
        (
            "experiments: [{name: x, model: det, control: A, treatment: B, traffic_split: 0.1}]\n"
            "shadows: [{name: y, shadow: B}]",
            "shadows[0].model: another test already has the traffic of '*'",
        ),
        (
            "experiments: [{name: x, model: det, control: A, treatment: B, traffic_split: 0.1}]\n"
            "shadows: [{name: x, model: gate, shadow: B}]",
            "shadows[0].name: 'x' is taken",
        ),
    ],
)
def test_what_cannot_be_is_told_with_its_place(tmp_path: Path, text: str, fault: str) -> None:
    """Before anything starts, and with what would be right."""
    (found,) = faults_of(tmp_path, text)
    assert found.split(": ", 1)[0].startswith("c.yaml:")
    assert found.split(": ", 1)[1].startswith(fault)


def test_faults_of_several_kinds_are_told_at_once(tmp_path: Path) -> None:
    """Values, unknown upstreams and traffic that two tests want."""
    found = faults_of(
        tmp_path,
        "experiments:\n- {name: x, control: Z, treatment: B, traffic_split: 2, metrics: [mAP]}\n"
        "- {name: y, control: A, treatment: B, traffic_split: 0.5}\n",
    )
    assert sorted(fault.split(": ")[1] for fault in found) == [
        "experiments[0].control",
        "experiments[0].metrics",
        "experiments[0].traffic_split",
        "experiments[1].model",
    ]
