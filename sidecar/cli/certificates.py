"""The options of TLS, which every command has that asks a sidecar: whom to believe, and what to show."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

CaFile = Annotated[
    Path | None,
    typer.Option(
        envvar="SIDECAR_CA_FILE",
        help="PEM file of the authority that signed the sidecar's certificate.  \\[default: those of this machine]",
    ),
]
CertFile = Annotated[
    Path | None,
    typer.Option(envvar="SIDECAR_CERT_FILE", help="PEM file of a certificate to show, where the sidecar demands one."),
]
KeyFile = Annotated[
    Path | None, typer.Option(envvar="SIDECAR_KEY_FILE", help="PEM file of its key.  \\[default: in --cert-file]")
]
OPTIONS: dict[str, Any] = {"ca_file": CaFile, "cert_file": CertFile, "key_file": KeyFile}
"""By the names of what they become of the client."""
BESIDE = "token"
"""The commands that have this option ask a sidecar."""


def option(name: str) -> str:
    """
    >>> option("ca_file")
    '--ca-file'
    """
    return f"--{name.replace('_', '-')}"


def with_certificates(app: typer.Typer) -> None:
    """Give the options to each command of ``app``, and of the groups in it, that asks a sidecar. They are read from
    the context (``given``), so that no command need hand them on."""
    for place in _places(app):
        if place.callback is not None and BESIDE in inspect.signature(place.callback).parameters:
            place.callback = _taking_them(place.callback)


def given(context: typer.Context) -> dict[str, Path]:
    """What was given of them; a subcommand's own wins over what stands before it. A ValueError names what is wrong."""
    found: dict[str, Path] = {}
    here: Any = context
    while here is not None:
        found = {name: here.params[name] for name in OPTIONS if here.params.get(name) is not None} | found
        here = here.parent
    for name, file in found.items():
        if not file.is_file():
            raise ValueError(f"{option(name)}: {str(file)!r} is no file")
    if "key_file" in found and "cert_file" not in found:
        raise ValueError("--key-file: goes with --cert-file, which is missing")
    return found


def _places(app: typer.Typer) -> Iterator[Any]:
    """Whatever of ``app`` holds a function: its own, its commands', those of the groups in it."""
    if app.registered_callback is not None:
        yield app.registered_callback
    yield from app.registered_commands
    for group in app.registered_groups:
        if group.typer_instance is not None:
            yield from _places(group.typer_instance)


def _taking_them(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def taking(*args: Any, **options: Any) -> Any:
        return function(*args, **{name: value for name, value in options.items() if name not in OPTIONS})

    signature = inspect.signature(function, eval_str=True)
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in OPTIONS.items()
    ]
    # What makes the command line of a function reads this in its place.
    taking.__signature__ = signature.replace(parameters=[*signature.parameters.values(), *added])  # type: ignore[attr-defined]  # mypy knows no signature of a function
    return taking
