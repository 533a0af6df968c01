"""``sidecar baseline``: what is normal for a model version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sidecar.cli import completing
from sidecar.cli.asking import URL, Json, Token, Url, asking, none_of, picked
from sidecar.cli.completing import models
from sidecar.cli.listing import listing
from sidecar.cli.output import saved_as
from sidecar.cli.text import clean, document_text

if TYPE_CHECKING:
    from sidecar.client import Client

app = typer.Typer(help="Baselines: what is normal for a model version; without a subcommand they are listed.")

BaselineId = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="A baseline: its id, the beginning of it, or its name.", autocompletion=completing.baselines
    ),
]
_FLAGS = {"model_id": "MODEL", "period": "--period", "name": "--name", "baseline_id": "ID"}


Model = Annotated[str | None, typer.Option(help="Only those of one model.", autocompletion=models)]


@app.command("set")
def set_baseline(
    context: typer.Context,
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A model's name or NAME@VERSION.", autocompletion=models)
    ],
    period: Annotated[str, typer.Option(help="Days such as 2024-01-01:2024-01-31, date-times, or 7d for the last.")],
    name: Annotated[str, typer.Option(help="What the baseline is called.")] = "default",
    replace: Annotated[bool, typer.Option("--replace", help="Take the place of one of that name.")] = False,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Freeze a period of a model version as its normal."""
    with asking(context, url, token, _FLAGS) as client:
        made = client.set_baseline(model, period, name, replace)
    if as_json:
        print(document_text(made))
    else:
        from rich.console import Console

        from sidecar.cli.show_drift import baseline_facts

        baseline_facts(made, Console())


@listing(app)
def list_baselines(
    context: typer.Context,
    model: Model = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Baselines, each with its period and main figures. The word `list` may be left out."""
    with asking(context, url, token, {"model_id": "--model"}) as client:
        found = client.baselines(model)
    if as_json:
        print(document_text(found))
    elif not found:
        empty = "no baselines; `sidecar baseline set` makes one"
        print(none_of("baselines", empty, model=model))
    else:
        from rich.console import Console

        from sidecar.cli.show_drift import baselines_table

        baselines_table(found, Console())


@app.command()
def show(
    context: typer.Context, baseline_id: BaselineId, url: Url = URL, token: Token = None, as_json: Json = False
) -> None:
    """One baseline with all its figures."""
    with asking(context, url, token, _FLAGS) as client:
        found = client.get_baseline(_id(client, baseline_id))
    if as_json:
        print(document_text(found))
    else:
        from rich.console import Console

        from sidecar.cli.show_drift import baseline_facts

        baseline_facts(found, Console())


@app.command()
def export(
    context: typer.Context,
    baseline_id: BaselineId,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="A file to write.  \\[default: standard output]"),
    ] = None,
    url: Url = URL,
    token: Token = None,
) -> None:
    """A baseline as JSON, with every block of it."""
    with asking(context, url, token, _FLAGS) as client:
        document = document_text(client.export_baseline(_id(client, baseline_id)))
    if output is None:
        print(document)
        return
    saved = saved_as(output, (document + "\n").encode())
    print(clean(f"wrote {saved}"))


@app.command()
def delete(
    context: typer.Context, baseline_id: BaselineId, url: Url = URL, token: Token = None, as_json: Json = False
) -> None:
    """Delete a baseline."""
    with asking(context, url, token, _FLAGS) as client:
        gone = client.delete_baseline(_id(client, baseline_id))
    print(document_text(gone) if as_json else clean(f"{gone.model_id} {gone.name}: deleted"))


def _id(client: Client, wanted: str) -> str:
    return picked(client.baselines(), "baseline_id", wanted)
