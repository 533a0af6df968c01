"""``sidecar status``."""

from __future__ import annotations

import typer

from sidecar.cli.asking import URL, Json, Token, Url, asking
from sidecar.cli.text import document_text


def status(context: typer.Context, url: Url = URL, token: Token = None, as_json: Json = False) -> None:
    """How a running sidecar is: workers, upstreams, store, what was dropped. Exit code 1 where something is wrong."""
    with asking(context, url, token) as client:
        answer = client.status()
    if as_json:
        print(document_text(answer))
    else:
        from sidecar.app.tables import status_tables

        status_tables(answer)
    raise SystemExit(0 if answer.ok else 1)
