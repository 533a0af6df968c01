"""What a group of commands does where none of them is named: ``sidecar alerts`` is ``sidecar alerts list``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import typer

from sidecar.cli import certificates
from sidecar.cli.asking import fail, typed

F = TypeVar("F", bound=Callable[..., None])
HANDED_ON = frozenset({"url", "token", "data_dir", *certificates.OPTIONS})
"""Options that every command of a group finds also where they stand before its name."""


def listing(app: typer.Typer, name: str = "list") -> Callable[[F], F]:
    """Make a function the command ``name`` of ``app``, whose word may be left out: its options are the group's too."""

    def take(function: F) -> F:
        @functools.wraps(function)
        def group(context: typer.Context, **given: Any) -> None:
            if context.invoked_subcommand is None:
                function(context, **given)
            else:
                _refuse_early(context)

        app.callback(invoke_without_command=True)(group)
        app.command(name)(function)
        return function

    return take


def _refuse_early(context: typer.Context) -> None:
    """End the command where an option of the list stands before another command, which would not know of it."""
    for option in context.command.params:
        if option.name is not None and option.name not in HANDED_ON and typed(context, option.name):
            fail(f"{option.opts[0]}: belongs after {context.invoked_subcommand}, or to the list alone")
