"""Trainers as they are configured, as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

TIME_LIMIT_S = 86_400.0
GRACE_S = 10.0
OUTPUT_BYTES_MAX = 20 << 30
FORMAT = "coco"
MANUAL = "manual"
"""The name that leaves a job to people."""
PLACEHOLDERS = ("dataset", "output", "base_model", "name", "job", "version")
"""Words of a command that stand in braces: folders, and what the job is of. ``version`` is the dataset's."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where a version is served: scheme, host and port, and a path of its own or "". In a trainer's settings, the path
    and the URL may hold {model} and {version}."""

    url: str
    path: str = ""

    def filled(self, model: str, version: str) -> Upstream:
        """With the names in place, escaped where they stand in the path.

        >>> Upstream("http://{model}:8000", "/v2/models/{model}/versions/{version}/infer").filled("det", "4").path
        '/v2/models/det/versions/4/infer'
        """
        path = self.path.replace("{model}", quote(model, "")).replace("{version}", quote(version, ""))
        url = self.url.replace("{model}", quote(model, "")).replace("{version}", quote(version, ""))
        return Upstream(url, path)

    def to_dict(self) -> dict[str, str]:
        return {"url": self.url, "path": self.path}


@dataclass(frozen=True, slots=True)
class CommandTrainer:
    """A program of this machine. ``command`` is its argv, never given to a shell; ``folder`` where it runs ("": in its
    output folder). ``models`` are those it trains (none: any). A job whose output outgrows ``output_bytes_max`` is
    ended. What is told to end by SIGTERM is killed ``grace_s`` later."""

    name: str
    command: tuple[str, ...]
    time_limit_s: float = TIME_LIMIT_S
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: str = ""
    format: str = FORMAT
    models: tuple[str, ...] = ()
    upstream: Upstream | None = None
    output_bytes_max: int = OUTPUT_BYTES_MAX
    grace_s: float = GRACE_S


@dataclass(frozen=True, slots=True)
class WebhookTrainer:
    """A service that is handed jobs by signed POSTs and reports back, signed by the same ``secret``."""

    name: str
    url: str = field(repr=False)
    secret: str = field(repr=False)
    time_limit_s: float = TIME_LIMIT_S
    format: str = FORMAT
    models: tuple[str, ...] = ()
    upstream: Upstream | None = None


Trainer = CommandTrainer | WebhookTrainer


def trainer_of(trainers: Sequence[Trainer], model: str) -> Trainer | None:
    """The trainer of a model's jobs that name none: the first that is meant for it, else the first for any model."""
    fitting: Iterable[Trainer] = [item for item in trainers if model in item.models]
    return next(iter([*fitting, *(item for item in trainers if not item.models)]), None)


def filled_command(command: Sequence[str], words: Mapping[str, str]) -> list[str]:
    """A command with its placeholders filled in, once: what is filled in is not looked at again.

    >>> filled_command(["train", "--data={dataset}", "{other}"], {"dataset": "/d/{name}", "name": "x"})
    ['train', '--data=/d/{name}', '{other}']
    """
    return [_filled(part, words) for part in command]


def _filled(text: str, words: Mapping[str, str]) -> str:
    out, rest = "", text
    while rest:
        before, brace, after = rest.partition("{")
        name, closing, left = after.partition("}")
        out += before
        if brace and closing and name in words:
            out, rest = out + words[name], left
        else:
            out, rest = out + brace, after
    return out
