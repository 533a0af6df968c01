"""``sidecar shadow``: what another model version would have answered, without any client seeing it."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

import typer

from sidecar.cli.asking import URL, Json, Token, Url, asking, none_of
from sidecar.cli.completing import models, one_of, versions
from sidecar.cli.listing import listing
from sidecar.cli.text import document_text
from sidecar.cli.trials import (
    Days,
    Endless,
    Model,
    Reason,
    Status,
    TestId,
    days_of,
    given_only,
    shadow_test_id,
    share_number,
)

app = typer.Typer(help="Shadow tests and how they stand; without a subcommand they are listed.")

_FLAGS = {
    "name": "NAME",
    "id": "ID",
    "status": "ID",
    "model": "--model",
    "model_id": "--model",
    "shadow_model_id": "--shadow",
    "config.share": "--share",
    "config.duration_days": "--days",
    "config.iou_min": "--iou-min",
    "config.samples_per_hour": "--samples-per-hour",
    "share": "SHARE",
    "reason": "--reason",
    "kind": "--kind",
}
PAGE_MAX = 100
"""The longest page of pairs."""


@listing(app)
def list_shadow_tests(
    context: typer.Context,
    status: Status = None,
    model: Model = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Shadow tests and how they stand, those that run first. The word `list` may be left out."""
    with asking(context, url, token, _FLAGS | {"status": "--status"}) as client:
        found = client.shadow_tests(model_id=model, status=status)
    if as_json:
        print(document_text(found))
    elif not found:
        empty = "no shadow tests; `sidecar shadow create` makes one"
        print(none_of("shadow tests", empty, status=status, model=model))
    else:
        from rich.console import Console

        from sidecar.cli.show_shadow import shadow_tests_lines

        shadow_tests_lines(found, Console())


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the test is called.")],
    model: Annotated[
        str, typer.Option(help="The model whose requests are copied: its name, or NAME@VERSION.", autocompletion=models)
    ],
    shadow: Annotated[str, typer.Option(help="The one that gets the copies, NAME@VERSION.", autocompletion=versions)],
    share: Annotated[
        str | None, typer.Option(metavar="SHARE", help="Share of requests that are copied; 0.1 by default.")
    ] = None,
    days: Days = None,
    until_stopped: Endless = False,
    iou_min: Annotated[float | None, typer.Option(help="The overlap from which boxes match; 0.5 by default.")] = None,
    samples_per_hour: Annotated[
        int | None, typer.Option(help="Images kept of those both see least alike; 60 by default.")
    ] = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Begin a shadow test: copies of requests go to another model version, its answers are only compared."""
    copied = None if share is None else share_number(share, "--share")
    config = {
        **given_only({"share": copied, "iou_min": iou_min, "samples_per_hour": samples_per_hour}),
        **days_of(days, until_stopped),
    }
    with asking(context, url, token, _FLAGS) as client:
        made = client.create_shadow_test(name, model, shadow, config)
    _facts(made, as_json)


@app.command()
def show(context: typer.Context, test_id: TestId, url: Url = URL, token: Token = None, as_json: Json = False) -> None:
    """One test: what was asked for, how it stands, its epochs."""
    with asking(context, url, token, _FLAGS) as client:
        found = client.shadow_test(shadow_test_id(client, test_id))
    _facts(found, as_json)


@app.command()
def results(
    context: typer.Context, test_id: TestId, url: Url = URL, token: Token = None, as_json: Json = False
) -> None:
    """How far both agree: boxes, classes, confidence and latency."""
    with asking(context, url, token, _FLAGS) as client:
        wanted = shadow_test_id(client, test_id)
        test, found = client.shadow_test(wanted), client.get_shadow_test_results(wanted)
    if as_json:
        print(document_text(found))
    else:
        from rich.console import Console

        from sidecar.cli.show_shadow import shadow_page

        shadow_page(test, found, Console())


@app.command()
def history(
    context: typer.Context, test_id: TestId, url: Url = URL, token: Token = None, as_json: Json = False
) -> None:
    """How far both agreed over time. `--json` has every point."""
    with asking(context, url, token, _FLAGS) as client:
        found = client.get_shadow_test_history(shadow_test_id(client, test_id))
    if as_json:
        print(document_text(found))
    else:
        from rich.console import Console

        from sidecar.cli.show_history import shadow_history_page

        shadow_history_page(found, Console())


@app.command()
def pairs(
    context: typer.Context,
    test_id: TestId,
    kind: Annotated[
        str,
        typer.Option(
            help="all, disagreement, class_flip, missed (by the shadow) or extra.",
            autocompletion=one_of("all", "disagreement", "class_flip", "missed", "extra"),
        ),
    ] = "disagreement",
    sampled: Annotated[
        bool | None,
        typer.Option("--sampled/--not-sampled", help="Only those whose image was kept, or was not."),
    ] = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1)] = 10,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """What both say of the same images, newest first: which boxes they see alike, and which not."""
    with asking(context, url, token, _FLAGS) as client:
        wanted = shadow_test_id(client, test_id)
        found = list(islice(client.shadow_pairs(wanted, kind, min(limit, PAGE_MAX), sampled), limit))
    if as_json:
        print(document_text(found))
    elif not found:
        print("no pairs yet: no request was answered by both" if kind == "all" else f"no pairs of the kind {kind}")
    else:
        from rich.console import Console

        from sidecar.cli.show_history import pairs_lines

        pairs_lines(found, Console())


@app.command()
def pause(context: typer.Context, test_id: TestId, url: Url = URL, token: Token = None, as_json: Json = False) -> None:
    """Send no copies until it is resumed."""
    with asking(context, url, token, _FLAGS) as client:
        test = client.pause_shadow_test(shadow_test_id(client, test_id))
    _say(test, as_json)


@app.command()
def resume(context: typer.Context, test_id: TestId, url: Url = URL, token: Token = None, as_json: Json = False) -> None:
    """Go on with the share of before the pause."""
    with asking(context, url, token, _FLAGS) as client:
        test = client.resume_shadow_test(shadow_test_id(client, test_id))
    _say(test, as_json)


@app.command()
def ramp(
    context: typer.Context,
    test_id: TestId,
    share: Annotated[str, typer.Argument(metavar="SHARE", help="Of requests to copy.")],
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Copy another share of requests."""
    copied = share_number(share, "SHARE")
    with asking(context, url, token, _FLAGS) as client:
        test = client.ramp_shadow_test(shadow_test_id(client, test_id), copied)
    _say(test, as_json)


@app.command()
def stop(
    context: typer.Context,
    test_id: TestId,
    reason: Reason = "",
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """End a test for good."""
    with asking(context, url, token, _FLAGS) as client:
        test = client.stop_shadow_test(shadow_test_id(client, test_id), reason)
    _say(test, as_json)


@app.command()
def promote(
    context: typer.Context, test_id: TestId, url: Url = URL, token: Token = None, as_json: Json = False
) -> None:
    """Let the shadow serve all traffic until another is promoted; a test that still runs ends with that."""
    with asking(context, url, token, _FLAGS) as client:
        test = client.promote_shadow_test(shadow_test_id(client, test_id))
    _say(test, as_json)


def _facts(test: Any, as_json: bool) -> None:
    if as_json:
        print(document_text(test))
        return
    from rich.console import Console

    from sidecar.cli.show_shadow import shadow_test_facts

    shadow_test_facts(test, Console())


def _say(test: Any, as_json: bool) -> None:
    if as_json:
        print(document_text(test))
        return
    from rich.console import Console

    from sidecar.cli.show_shadow import traffic_text
    from sidecar.cli.show_trials import said_line

    said_line(test, traffic_text(test), Console())
