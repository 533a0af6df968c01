"""``sidecar overview``: a range of time on a page, and what changed; ``sidecar events``: what came about."""

from __future__ import annotations

from typing import Annotated, Literal, cast

import typer

from sidecar.cli.asking import URL, Json, Token, Url, address_of, asking, none_of
from sidecar.cli.completing import models, one_of
from sidecar.cli.text import document_text
from sidecar.cli.typed import when

COMPARED = ("auto", "previous", "baseline")
KINDS = (
    "first_traffic",
    "registered",
    "promoted",
    "test_began",
    "test_changed",
    "test_paused",
    "test_resumed",
    "test_ended",
    "alert_fired",
    "baseline_set",
)
_FLAGS = {
    "model": "--model",
    "since": "--since",
    "until": "--until",
    "compare": "--compare",
    "kind": "--kind",
    "limit": "--limit",
}
Model = Annotated[str | None, typer.Option(help="Only one model, or one version: NAME@VERSION.", autocompletion=models)]
Since = Annotated[str, typer.Option(metavar="TIME", help="From when on: 24h (ago), 2024-02-01.")]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="Until when.  \\[default: now]")]


def overview(
    context: typer.Context,
    since: Since = "24h",
    until: Until = None,
    model: Model = None,
    compare: Annotated[
        str,
        typer.Option(
            help="What with: previous (the time before), baseline, or auto: the baseline of versions that have one.",
            autocompletion=one_of(*COMPARED),
        ),
    ] = "auto",
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """A range of time on a page: what changed in a sentence, figures beside those of the time before and of the
    baseline, versions, classes, and what came about."""
    begin, end = when(since, "--since"), when(until, "--until")
    with_what = cast(Literal["auto", "previous", "baseline"], compare)  # the sidecar names what would be right
    with asking(context, url, token, _FLAGS) as client:
        found = client.get_overview(begin, end, model, compare=with_what)
    if as_json:
        print(document_text(found))
        return
    from rich.console import Console

    from sidecar.cli.show_overview import overview_page

    overview_page(found, compare, address_of(context, url).partition("://")[2], Console(highlight=False))


def events(
    context: typer.Context,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="From when on: 7d (ago), 2024-02-01.")] = None,
    until: Until = None,
    model: Model = None,
    kind: Annotated[
        str | None, typer.Option(help=f"{', '.join(KINDS[:-1])} or {KINDS[-1]}.", autocompletion=one_of(*KINDS))
    ] = None,
    limit: Annotated[int, typer.Option("--limit", help="How many at most.", min=1, max=1_000)] = 20,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """What came about, newest first: versions that came, promotions, tests of versions, alerts, baselines."""
    begin, end = when(since, "--since"), when(until, "--until")
    with asking(context, url, token, _FLAGS) as client:
        found = client.events(begin, end, model, kind, limit)
    if as_json:
        print(document_text(found))
    elif not found:
        print(none_of("events", "nothing came about yet", model=model, kind=kind, since=since, until=until))
    else:
        from rich.console import Console

        from sidecar.cli.show_overview import event_lines

        event_lines(found, Console(highlight=False))
