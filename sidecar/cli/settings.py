"""``sidecar settings``."""

from __future__ import annotations

from typing import Annotated

import typer

from sidecar.cli.asking import URL, Json, Token, Url, asking, fail
from sidecar.cli.text import clean, document_text


def settings(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[WORD]...", help="Only settings that have all of these in name, value or origin."),
    ] = None,
    given: Annotated[bool, typer.Option("--given", help="Only what is set; the rest has its default.")] = False,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """The configuration that is in effect, each setting with where it came from; secrets are hidden. How the sidecar
    itself is says `sidecar status`."""
    if as_json and (words or given):
        fail(f"{'--given' if given else 'WORD'}: --json has all settings at once")
    with asking(context, url, token) as client:
        found = client.settings()
    if as_json:
        print(document_text(found))
        return
    from rich.console import Console

    from sidecar.cli.show_settings import matching, settings_of, settings_table

    everything = settings_of(found)
    shown = matching(everything, words or (), given)
    if shown:
        settings_table(shown, len(everything), Console(highlight=False))
    elif words:
        print(clean(f"no setting{' that is set' if given else ''} has {' and '.join(map(repr, words))}"))
    else:
        print("every setting has its default")
