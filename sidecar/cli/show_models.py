"""Models and their versions as a person reads them in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from sidecar.cli.show_train import metrics_text
from sidecar.cli.tables import facts, hanging, text
from sidecar.cli.text import moment

INDENT = 2
_ORIGINS = {"api": "a person", "training": "a training job", "config": "the configuration", "traffic": "its traffic"}
Model = Mapping[str, Any]


def serves(model: Model) -> bool:
    """Whether a version serves its model.

    >>> serves({"version": "1", "serving": "1"}), serves({"version": "", "serving": "1"})
    (True, False)
    """
    return bool(model["version"]) and model["version"] == model["serving"]


def models_lines(models: Sequence[Model], console: Console) -> None:
    """Each model with its versions below it, two lines each: which, and whether it serves; below it what makes it
    known, where it is served, and what was measured of it."""
    for model in models:
        indent = INDENT if model["version"] else 0
        head = Text.assemble(text(model["id"], "bold" if not indent else ""), text(_standing(model), "green"))
        hanging(console, head, indent)
        hanging(console, text(", ".join(_said(model)), "dim"), indent + INDENT)


def model_facts(model: Model, console: Console) -> None:
    """One model or version, a fact a line."""
    upstream = model["upstream"]
    served = f"{_addresses(model)} ({upstream['name']})" if upstream else ""
    named = f"{model['model']}@{model['serving']}"
    facts(
        console,
        [
            ("model", text(model["id"], "bold")),
            ("description", model["description"]),
            ("known by", _ORIGINS.get(model["origin"], model["origin"])),
            ("registered", "" if model["created_at"] is None else f"{moment(model['created_at'])[:16]} UTC"),
            ("serving", f"this, {named}" if serves(model) else named),
            ("versions", ", ".join(model["versions"])),
            ("upstream", served or ("not known where it is served" if model["version"] else "")),
            ("metrics", metrics_text(model["metrics"])),
            ("images", "none ever" if model["images"] is None else f"{model['images']:,} since the start"),
        ],
    )


def _standing(model: Model) -> str:
    return "  serves" if serves(model) else ""


def _addresses(model: Model) -> str:
    """All of its upstream."""
    return " and ".join(f"{url}{model['upstream']['path']}" for url in model["upstream"]["urls"])


def _said(model: Model) -> Iterator[str]:
    if not model["version"]:
        count = len(model["versions"])
        yield f"{count:,} version{'' if count == 1 else 's'}"
    yield f"known by {_ORIGINS.get(model['origin'], model['origin'])}"
    if model["upstream"]:
        yield f"served at {_addresses(model)}"
    if model["metrics"]:
        yield metrics_text(model["metrics"])
    if model["description"]:
        yield model["description"]
