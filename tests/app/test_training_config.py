"""Trainers in the configuration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from sidecar.app.training_config import TrainerConfig, trainer_faults, trainers_of
from sidecar.training import CommandTrainer, Upstream, WebhookTrainer

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"


def configured(*documents: dict[str, Any]) -> tuple[TrainerConfig, ...]:
    return TypeAdapter(tuple[TrainerConfig, ...]).validate_python(documents)


def test_trainers_are_read_with_their_defaults(tmp_path: Path) -> None:
    """Lengths of time as people write them, the secret out of its file."""
    (tmp_path / "secret").write_text(SECRET + "\n")
    trainers = configured(
        {
            **{"name": "local", "command": ["sh", "-c", "train {dataset} --to={output}"], "time_limit": "2h"},
            **{"environment": {"SEED": "7"}, "folder": str(tmp_path), "models": ["det"], "format": "yolo"},
            **{"upstream": {"url": "http://triton:8000", "path": "/v2/models/{model}/versions/{version}/infer"}},
        },
        {"name": "cloud", "webhook": "https://train.example/jobs", "secret_file": str(tmp_path / "secret")},
    )
    assert list(trainer_faults(trainers)) == []
    (local, cloud), left_out = trainers_of(trainers)
    assert left_out == []
    upstream = Upstream("http://triton:8000", "/v2/models/{model}/versions/{version}/infer")
    assert local == CommandTrainer(
        *("local", ("sh", "-c", "train {dataset} --to={output}"), 7_200.0, {"SEED": "7"}, str(tmp_path), "yolo"),
        *(("det",), upstream),
    )
    assert cloud == WebhookTrainer("cloud", "https://train.example/jobs", SECRET)
    assert SECRET not in repr(cloud)


def test_trainer_whose_secret_has_gone_is_left_out(tmp_path: Path) -> None:
    """The others go on; nothing goes out unsigned."""
    gone = {"name": "cloud", "webhook": "https://train.example", "secret_file": str(tmp_path / "gone")}
    trainers, left_out = trainers_of(configured(gone, {"name": "local", "command": ["true"]}))
    assert [item.name for item in trainers] == ["local"]
    assert left_out == [f"trainer cloud: {str(tmp_path / 'gone')!r} can't be read"]


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ({}, "command: a command is needed, such as [python3, /opt/train.py, '{dataset}'], or a webhook"),
        ({"command": ["true"], "webhook": "http://h", "secret_file": "SECRET"}, "command: a command is needed"),
        ({"command": ["no-such-program-here"]}, "command.0: 'no-such-program-here' is no program that can be run here"),
        ({"command": ["./train.sh"]}, "command.0: './train.sh' must be a program's name or its whole path"),
        ({"command": [sys.executable, "{datset}"]}, "command.1: nothing is called {datset}, expected one of dataset,"),
        (
            {"command": ["true"], "environment": {"SIDECAR_JOB_ID": "x"}},
            "environment.SIDECAR_JOB_ID: must be a variable",
        ),
        ({"command": ["true"], "environment": {"A=B": "x"}}, "environment.A=B: must be a variable"),
        ({"command": ["true"], "folder": "/nonexistent"}, "folder: '/nonexistent' is no folder"),
        ({"command": ["true"], "secret_file": "SECRET"}, "secret_file: is for a webhook"),
        ({"webhook": "http://h"}, "secret_file: needed, since the trainer's reports are known by it"),
        ({"webhook": "http://h", "secret_file": "/nonexistent"}, "secret_file: '/nonexistent' can't be read"),
        ({"webhook": "http://h", "secret_file": "SHORT"}, "secret_file: the secret has 5 bytes, expected 24 or more"),
        ({"webhook": "http://h", "secret_file": "BROKEN"}, "secret_file: the secret begins with whsec_ but no base64"),
        ({"webhook": "http://h", "secret_file": "SECRET", "folder": "/"}, "folder: is for a command"),
        ({"name": "manual", "command": ["true"]}, "name: 'manual' is what leaves a job to people"),
        (
            {"command": ["true"], "upstream": {"url": "triton:8000"}},
            "upstream.url: must hold scheme, host and port only",
        ),
        ({"command": ["true"], "upstream": {"url": "http://h", "path": "x"}}, "upstream.path: must begin with /"),
    ],
)
def test_what_can_not_be_is_said_with_its_place(tmp_path: Path, document: dict[str, Any], fault: str) -> None:
    """And with what would be right."""
    for name, text in {"SECRET": SECRET, "SHORT": "short", "BROKEN": "whsec_!"}.items():
        (tmp_path / name).write_text(text)
    if document.get("secret_file") in {"SECRET", "SHORT", "BROKEN"}:
        document = {**document, "secret_file": str(tmp_path / document["secret_file"])}
    (found,) = trainer_faults(configured({"name": "first", "command": ["true"]}, {"name": "second", **document}))
    assert found.startswith(f"trainers.1.{fault}")


def test_name_given_twice_is_a_fault() -> None:
    """A job names its trainer."""
    twice = {"name": "local", "command": ["true"]}
    assert list(trainer_faults(configured(twice, twice))) == [
        "trainers.1.name: 'local' is taken by an earlier trainer, names must differ"
    ]


@pytest.mark.parametrize(
    "wrong",
    [{"time_limit": "0s"}, {"time_limit": "soon"}, {"format": "tfrecord"}, {"webhook": "h"}, {"output_bytes_max": 5}],
)
def test_field_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    """By its own type."""
    with pytest.raises(ValidationError):
        configured({"name": "local", "command": ["true"], **wrong})
