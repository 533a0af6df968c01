"""The commands of the command line, as it was made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from sidecar.cli import app


def commands(group: Any = None, before: str = "sidecar") -> Iterator[tuple[str, Any]]:
    """Every command by its words; ``group`` None: of all."""
    for name, command in (typer.main.get_command(app) if group is None else group).commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{before} {name}")
        else:
            yield f"{before} {name}", command
