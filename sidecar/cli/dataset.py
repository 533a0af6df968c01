"""``sidecar dataset``: the images that were kept, and what became of them; versions of them are in dataset_versions."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sidecar.cli import completing, dataset_versions
from sidecar.cli.asking import URL, Json, Limit, Token, Url, asking, none_of, picked
from sidecar.cli.completing import REASONS, SPLITS, STATUSES, model_names, one_of
from sidecar.cli.listing import listing
from sidecar.cli.text import document_text
from sidecar.cli.typed import when

if TYPE_CHECKING:
    from sidecar.client import Client

app = typer.Typer(help="Datasets, their images and versions; without a subcommand datasets are listed.")
app.command()(dataset_versions.version)
app.command()(dataset_versions.versions)
app.command("show-version")(dataset_versions.show_version)
app.command()(dataset_versions.diff)
app.command()(dataset_versions.export)
app.command("import")(dataset_versions.import_labels)

DatasetId = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="A dataset: its id, the beginning of it, or its name.", autocompletion=completing.datasets
    ),
]
PAGE_MAX = 1_000
_FLAGS = {
    "dataset_id": "ID",
    "name": "NAME",
    "id": "--id",
    "status": "--status",
    "queue": "--queue",
    "reason": "--reason",
    "model": "--model",
    "version": "--version",
    "label": "--label",
    "claimed_by": "--claimed-by",
    "since": "--since",
    "until": "--until",
    "split": "--split",
}


@listing(app)
def list_datasets(context: typer.Context, url: Url = URL, token: Token = None, as_json: Json = False) -> None:
    """Datasets and what is in them. The word `list` may be left out."""
    with asking(context, url, token) as client:
        found = client.datasets()
    if as_json:
        print(document_text(found))
    elif not found:
        print("no datasets; `sidecar dataset create` makes one, and so does the first image that is kept of a model")
    else:
        from rich.console import Console

        from sidecar.cli.show_dataset import datasets_table

        datasets_table(found, Console())


@app.command()
def show(
    context: typer.Context, dataset_id: DatasetId, url: Url = URL, token: Token = None, as_json: Json = False
) -> None:
    """One dataset: how far its review is, its classes and versions."""
    with asking(context, url, token, _FLAGS) as client:
        found = client.dataset(dataset_named(client, dataset_id))
    _facts(found, as_json)


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the dataset is called.")],
    id_: Annotated[
        str | None, typer.Option("--id", help="Lower-case letters, digits and hyphens.  \\[default: made of the name]")
    ] = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Make a dataset; `sidecar data-engine set` sends the images of a model there."""
    with asking(context, url, token, _FLAGS) as client:
        made = client.create_dataset(name, id_)
    _facts(made, as_json)


@app.command()
def items(
    context: typer.Context,
    dataset_id: DatasetId,
    status: Annotated[
        str | None, typer.Option(help="needs_review, in_review, labeled or rejected.", autocompletion=one_of(*STATUSES))
    ] = None,
    queue: Annotated[
        str | None,
        typer.Option(help="value, or audit (what the random sample drew).", autocompletion=one_of("value", "audit")),
    ] = None,
    reason: Annotated[
        str | None, typer.Option(help="A rule that kept it, such as low_confidence.", autocompletion=one_of(*REASONS))
    ] = None,
    label: Annotated[str | None, typer.Option(help="A class among its labels, else among its detections.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Whose answer it is, by the model's name.", autocompletion=model_names)
    ] = None,
    version: Annotated[str | None, typer.Option(help="And by the model's version.")] = None,
    claimed_by: Annotated[str | None, typer.Option("--claimed-by", help="Who has claimed it.")] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="From when on: 7d (ago), 2024-02-01.")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Until when.")] = None,
    split: Annotated[
        str | None, typer.Option(help="train, val or test, as versions have it.", autocompletion=one_of(*SPLITS))
    ] = None,
    limit: Limit = 50,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Images of a dataset, those of the highest value first; all that is asked for must hold."""
    given: dict[str, Any] = {
        "status": status,
        "queue": queue,
        "reason": reason,
        "label": label,
        "model": model,
        "version": version,
        "claimed-by": claimed_by,
        "since": since,
        "until": until,
        "split": split,
    }
    asked = {**given, "since": when(since, "--since"), "until": when(until, "--until")}
    asked["claimed_by"] = asked.pop("claimed-by")
    with asking(context, url, token, _FLAGS) as client:
        of = dataset_named(client, dataset_id)
        found = list(islice(client.flagged_items(of, limit=min(limit, PAGE_MAX), **asked), limit))
    if as_json:
        print(document_text(found))
    elif not found:
        print(none_of("items", "no items in it yet; a data engine keeps some (`sidecar data-engine`)", **given))
    else:
        from rich.console import Console

        from sidecar.cli.show_items import items_lines

        items_lines(found, Console())


@app.command()
def events(
    context: typer.Context,
    dataset_id: DatasetId,
    limit: Limit = 50,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Who did what to the images of a dataset, newest first."""
    with asking(context, url, token, _FLAGS) as client:
        pages = client.dataset_events(dataset_named(client, dataset_id), limit=min(limit, PAGE_MAX))
        found = list(islice(pages, limit))
    if as_json:
        print(document_text(found))
    elif not found:
        print("nothing was done in it yet")
    else:
        from rich.console import Console

        from sidecar.cli.show_items import events_table

        events_table(found, Console(), items=True)


def dataset_named(client: Client, wanted: str) -> str:
    """The id of the dataset that is meant."""
    return picked(client.datasets(), "id", wanted)


def _facts(dataset: Any, as_json: bool) -> None:
    if as_json:
        print(document_text(dataset))
        return
    from rich.console import Console

    from sidecar.cli.show_dataset import dataset_facts

    dataset_facts(dataset, Console())
