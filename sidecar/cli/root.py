"""The program without its commands."""

from __future__ import annotations

from typing import Annotated

import typer

from sidecar.cli.hints import Helpful

_HELP = "A proxy in front of object-detection model servers that makes a deployed model visible."


def new_program() -> typer.Typer:
    """It has ``--version`` and the options of completion; commands are added to it."""
    program = typer.Typer(
        cls=Helpful, help=_HELP, no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False
    )
    program.callback()(sidecar)
    return program


def _show_version(wanted: bool) -> None:
    if wanted:
        from sidecar import __version__

        print(f"sidecar {__version__}")
        raise typer.Exit


def sidecar(
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """A proxy in front of object-detection model servers that makes a deployed model visible."""
