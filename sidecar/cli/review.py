"""``sidecar review``: look at what was kept, and say what is in it."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sidecar.cli.asking import (
    URL,
    By,
    Json,
    Token,
    Url,
    address_of,
    asking,
    by_whom,
    fail,
    none_of,
    picked,
)
from sidecar.cli.completing import datasets, one_of
from sidecar.cli.listing import listing
from sidecar.cli.output import saved_as
from sidecar.cli.text import clean, document_text
from sidecar.cli.typed import document_of, seconds_of

if TYPE_CHECKING:
    from sidecar.client import Client

app = typer.Typer(help="The review of images; without a subcommand it says how much waits.")

ItemId = Annotated[str, typer.Argument(metavar="ITEM", help="The id of an image, as `sidecar dataset items` shows it.")]
Dataset = Annotated[str | None, typer.Option(metavar="ID", help="Only of one dataset.", autocompletion=datasets)]
Output = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Save its image there.")]
EVENTS_MAX = 10
_FLAGS = {
    "dataset_id": "DATASET",
    "item_id": "ITEM",
    "item": "ITEM",
    "queue": "--queue",
    "lease_s": "--lease",
    "by": "--by",
    "status": "ITEM",
    "detections": "ITEM",
    "labels": "--labels",
    "reason": "--reason",
}


@listing(app, "queues")
def queues(
    context: typer.Context,
    dataset: Dataset = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """How much waits in each queue, and how much of the audit is done. The word `queues` may be left out."""
    with asking(context, url, token, {"dataset_id": "--dataset"}) as client:
        found = list(client.datasets())
        if dataset is not None:
            found = [client.dataset(picked(found, "id", dataset))]
    if as_json:
        print(document_text(found))
    elif not found:
        print(none_of("datasets", "no datasets yet: no image was kept"))
    else:
        from rich.console import Console

        from sidecar.cli.show_dataset import queues_table

        queues_table(found, Console())


@app.command("next")
def claim_next(
    context: typer.Context,
    dataset: Annotated[
        str,
        typer.Argument(metavar="DATASET", help="Its id, the beginning of it, or its name.", autocompletion=datasets),
    ],
    queue: Annotated[
        str,
        typer.Option(
            help="value: by expected value; audit: the random sample, on which estimates rest.",
            autocompletion=one_of("value", "audit"),
        ),
    ] = "value",
    lease: Annotated[str, typer.Option(metavar="TIME", help="How long nobody else is given it.")] = "10m",
    output: Output = None,
    by: By = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Claim the next image of a queue and show it. Exit code 1 where none waits."""
    lease_s = seconds_of(lease, "--lease")
    with asking(context, url, token, _FLAGS) as client:
        found = client.claim_next_item(picked(client.datasets(), "id", dataset), by_whom(by), queue, lease_s)
        saved = ""
        if found is not None and output is not None:
            held = f"{found.id} is claimed all the same; `sidecar review release {found.id}` gives it back"
            saved = _saved(client, found.id, output, held)
    if as_json:
        print(document_text(found))
    elif found is None:
        print(clean(f"nothing waits in the {queue} queue of {dataset}"))
    else:
        _page(context, url, found, saved)
        print(f"\n`sidecar review confirm {clean(found.id)}` where that is right, else `label`, `reject` or `release`")
    raise SystemExit(1 if found is None else 0)


@app.command()
def show(
    context: typer.Context,
    item_id: ItemId,
    output: Output = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """One image: what the model saw, what reviewers said, who did what."""
    with asking(context, url, token, _FLAGS) as client:
        found = client.get_item(item_id)
        events = list(islice(client.item_events(item_id, limit=EVENTS_MAX), EVENTS_MAX))
        saved = "" if output is None else _saved(client, item_id, output)
    if as_json:
        print(document_text({**found, "events": events}))
    else:
        _page(context, url, found, saved, events)


Revision = Annotated[
    int | None,
    typer.Option(help="To correct what another reviewed: the item's revision, as `review show ITEM --json` has it."),
]


@app.command()
def label(
    context: typer.Context,
    item_id: ItemId,
    labels: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help='What is in it, all of it: JSON or YAML, \\[{"label": "car", "box": \\[x1, y1, x2, y2]}],'
            " an empty list for nothing; - is standard input.",
        ),
    ],
    by: By = None,
    revision: Revision = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Say what is in an image."""
    given = document_of(labels, "--labels")
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        fail('--labels: must be a list such as [{"label": "car", "box": [10, 20, 110, 220]}], or []')
    with asking(context, url, token, _FLAGS) as client:
        _say(client.label_item(item_id, given, by_whom(by), revision), as_json)


@app.command()
def confirm(
    context: typer.Context,
    item_id: ItemId,
    by: By = None,
    revision: Revision = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Say that the prediction is right as it stands: its detections become the labels."""
    with asking(context, url, token, _FLAGS) as client:
        _say(client.confirm_item(item_id, by_whom(by), revision), as_json)


@app.command()
def reject(
    context: typer.Context,
    item_id: ItemId,
    reason: Annotated[str, typer.Option(help="Why; it is kept with the image.")] = "",
    by: By = None,
    revision: Revision = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Put an image aside from which nothing can be learnt."""
    with asking(context, url, token, _FLAGS) as client:
        _say(client.reject_item(item_id, by_whom(by), reason, revision), as_json)


@app.command()
def release(
    context: typer.Context, item_id: ItemId, by: By = None, url: Url = URL, token: Token = None, as_json: Json = False
) -> None:
    """Give a claimed image back unreviewed."""
    with asking(context, url, token, _FLAGS) as client:
        _say(client.release_item(item_id, by_whom(by)), as_json)


@app.command()
def undo(
    context: typer.Context, item_id: ItemId, by: By = None, url: Url = URL, token: Token = None, as_json: Json = False
) -> None:
    """Take back one's own last action on an image."""
    with asking(context, url, token, _FLAGS) as client:
        _say(client.undo_item(item_id, by_whom(by)), as_json)


@app.command()
def delete(
    context: typer.Context,
    item_id: ItemId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    by: By = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Delete an image for good, and all about it but its events; versions keep its checksum."""
    with asking(context, url, token, _FLAGS) as client:
        found = client.get_item(item_id)
        held = f", which {clean(found.dataset_id)} has as {found.status}"
        if not yes and not typer.confirm(f"Delete the image {clean(item_id)}{held}, for good?", err=True):
            fail("nothing was deleted")
        gone = client.delete_item(item_id, by_whom(by))
    print(document_text(gone) if as_json else clean(f"{item_id}: deleted"))


def _saved(client: Client, item_id: str, output: Path, otherwise: str = "") -> str:
    return saved_as(output, client.sample_image(item_id), otherwise)


def _page(context: typer.Context, url: str, item: Any, saved: str, events: list[Any] | None = None) -> None:
    from rich.console import Console

    from sidecar.cli.show_items import item_page

    image = saved or f"{address_of(context, url)}/api/v1/samples/{item['id']}/image"
    item_page(item, image, Console(), events or [])


def _say(item: Any, as_json: bool) -> None:
    if as_json:
        print(document_text(item))
        return
    from rich.console import Console

    from sidecar.cli.show_items import item_line

    item_line(item, Console())
