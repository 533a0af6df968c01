"""Trainers in the configuration."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from sidecar.app.parts import Duration, Name, Part
from sidecar.app.watch_config import HttpUrl
from sidecar.training.result import path_fault, url_fault
from sidecar.training.settings import (
    GRACE_S,
    MANUAL,
    OUTPUT_BYTES_MAX,
    PLACEHOLDERS,
    TIME_LIMIT_S,
    CommandTrainer,
    Trainer,
    Upstream,
    WebhookTrainer,
)
from sidecar.training.signing import signing_key

DAY_S = 86_400.0
KEY_BYTES_MIN = 24
"""What Standard Webhooks says a key's length should be at least: whoever has it registers versions."""
_BRACES = re.compile(r"\{([a-z_]+)\}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class TrainerUpstreamConfig(Part):
    """Where a new version will be served; {model} and {version} stand for what it is."""

    url: str
    path: str = ""


class TrainerConfig(Part):
    """A trainer: a ``command`` of this machine, as a list of words, or a ``webhook`` with its ``secret_file``.

    In a command {dataset}, {output}, {base_model}, {name}, {job} and {version} are filled in. It runs in ``folder``, by
    default its output folder, and is killed ``grace`` after it was told to end. ``models`` are those it trains, by
    default any.
    """

    name: Name
    command: tuple[Annotated[str, Field(max_length=4_096)], ...] = ()
    webhook: HttpUrl | None = None
    secret_file: Path | None = None
    format: Literal["coco", "yolo", "voc", "label_studio", "fiftyone", "cvat"] = "coco"
    time_limit: Annotated[Duration, Field(gt=0, le=30 * DAY_S)] = TIME_LIMIT_S
    environment: dict[str, str] = Field(default_factory=dict, repr=False)
    folder: Path | None = None
    models: tuple[str, ...] = ()
    upstream: TrainerUpstreamConfig | None = None
    output_bytes_max: Annotated[int, Field(ge=1 << 20)] = OUTPUT_BYTES_MAX
    grace: Annotated[Duration, Field(gt=0, le=3_600)] = GRACE_S

    @property
    def trainer(self) -> Trainer:
        """As a plain value. Raises OSError where the secret can't be read."""
        upstream = Upstream(self.upstream.url, self.upstream.path) if self.upstream else None
        common: dict[str, Any] = {
            "time_limit_s": self.time_limit,
            "format": self.format,
            "models": self.models,
            "upstream": upstream,
        }
        if self.webhook is not None:
            secret = _secret(self.secret_file) if self.secret_file else ""
            return WebhookTrainer(self.name, self.webhook, secret, **common)
        return CommandTrainer(
            self.name,
            self.command,
            environment=dict(self.environment),
            folder=str(self.folder.resolve()) if self.folder else "",
            output_bytes_max=self.output_bytes_max,
            grace_s=self.grace,
            **common,
        )


def trainers_of(trainers: Sequence[TrainerConfig]) -> tuple[tuple[Trainer, ...], list[str]]:
    """The trainers, and why some are left out: those whose secret has gone since the configuration was checked."""
    good, left_out = [], []
    for item in trainers:
        try:
            good.append(item.trainer)
        except (OSError, UnicodeDecodeError):
            left_out.append(f"trainer {item.name}: {str(item.secret_file)!r} can't be read")
    return tuple(good), left_out


def trainer_faults(trainers: Sequence[TrainerConfig]) -> Iterator[str]:
    """What is not of one field: names given twice, what does not go together, programs and files that are not there.
    Each begins with its place."""
    for index, item in enumerate(trainers):
        place = f"trainers.{index}"
        if item.name in [other.name for other in trainers[:index]]:
            yield f"{place}.name: {item.name!r} is taken by an earlier trainer, names must differ"
        if item.name == MANUAL:
            yield f"{place}.name: {MANUAL!r} is what leaves a job to people, another name would do"
        if bool(item.command) == (item.webhook is not None):
            yield f"{place}.command: a command is needed, such as [python3, /opt/train.py, '{{dataset}}'], or a webhook"
        elif item.webhook is not None:
            yield from (f"{place}.{fault}" for fault in _webhook_faults(item))
        else:
            yield from (f"{place}.{fault}" for fault in _command_faults(item))
        if item.upstream is not None:
            yield from (f"{place}.upstream.{fault}" for fault in _upstream_faults(item.upstream))


def _webhook_faults(item: TrainerConfig) -> Iterator[str]:
    for name in ("folder", "environment"):
        if getattr(item, name):
            yield f"{name}: is for a command, a webhook's trainer has its own"
    if item.secret_file is None:
        yield "secret_file: needed, since the trainer's reports are known by it"
        return
    try:
        key = signing_key(_secret(item.secret_file))
    except (OSError, UnicodeDecodeError):
        yield f"secret_file: {str(item.secret_file)!r} can't be read"
    except ValueError as error:
        yield f"secret_file: {error}"
    else:
        if len(key) < KEY_BYTES_MIN:
            yield f"secret_file: the secret has {len(key)} bytes, expected {KEY_BYTES_MIN} or more"


def _command_faults(item: TrainerConfig) -> Iterator[str]:
    if item.secret_file is not None:
        yield "secret_file: is for a webhook, a command reports by its exit code and result.json"
    if item.folder is not None and not item.folder.is_dir():
        yield f"folder: {str(item.folder)!r} is no folder"
    program = item.command[0]
    path = item.environment.get("PATH", os.environ.get("PATH", os.defpath))
    if "/" in program and not Path(program).is_absolute():
        yield f"command.0: {program!r} must be a program's name or its whole path"
    elif shutil.which(program, path=path) is None:
        yield f"command.0: {program!r} is no program that can be run here"
    for number, word in enumerate(item.command):
        unknown = [name for name in _BRACES.findall(word) if name not in PLACEHOLDERS]
        if unknown:
            yield f"command.{number}: nothing is called {{{unknown[0]}}}, expected one of {', '.join(PLACEHOLDERS)}"
        if "\0" in word:
            yield f"command.{number}: must not hold a NUL"
    for name, value in item.environment.items():
        if not _VARIABLE.fullmatch(name) or name.startswith("SIDECAR_") or "\0" in value:
            yield f"environment.{name}: must be a variable, not one that begins with SIDECAR_"


def _upstream_faults(upstream: TrainerUpstreamConfig) -> Iterator[str]:
    filled = Upstream(upstream.url, upstream.path).filled("model", "1")
    if fault := url_fault(filled.url):
        yield f"url: {fault}"
    if fault := path_fault(filled.path):
        yield f"path: {fault}"


def _secret(file: Path) -> str:
    return file.read_text("utf-8").strip()
