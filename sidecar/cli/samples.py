"""``sidecar samples``: the images that were kept, whatever dataset they are in."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from sidecar.cli.asking import URL, Json, Limit, Token, Url, address_of, asking, fail, none_of
from sidecar.cli.completing import REASONS, STATUSES, model_names, one_of
from sidecar.cli.listing import listing
from sidecar.cli.output import saved_as
from sidecar.cli.text import clean, document_text, size

app = typer.Typer(help="Images that were kept; without a subcommand the latest are listed.")

PAGE_MAX = 1_000
_FLAGS = {"sample_id": "ID", "model": "--model", "reason": "--reason", "status": "--status"}

Model = Annotated[str | None, typer.Option(help="Only those of one model, by its name.", autocompletion=model_names)]
Reason = Annotated[
    str | None,
    typer.Option(help="Only those that this rule kept, such as low_confidence.", autocompletion=one_of(*REASONS)),
]
Status = Annotated[
    str | None, typer.Option(help="needs_review, in_review, labeled or rejected.", autocompletion=one_of(*STATUSES))
]


@listing(app)
def list_samples(
    context: typer.Context,
    model: Model = None,
    reason: Reason = None,
    status: Status = None,
    limit: Limit = 20,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Images that were kept, newest first; all that is asked for must hold. The word `list` may be left out."""
    _check(status)
    with asking(context, url, token, _FLAGS) as client:
        pages = client.samples(model=model, reason=reason, status=status, limit=min(limit, PAGE_MAX))
        found = list(islice(pages, limit))
    if as_json:
        print(document_text(found))
    elif not found:
        empty = "no images were kept yet; `sidecar data-engine` says by which rules some are"
        print(none_of("samples", empty, model=model, reason=reason, status=status))
    else:
        from rich.console import Console

        from sidecar.cli.show_samples import samples_lines

        samples_lines(found, Console())


@app.command()
def show(
    context: typer.Context,
    sample_id: Annotated[str, typer.Argument(metavar="ID", help="The whole id, as `sidecar samples` shows it.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Save its image there.")] = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """One image: why it was kept, and where it is."""
    with asking(context, url, token, _FLAGS) as client:
        found = client.get_sample(sample_id)
        image = f"{address_of(context, url)}/api/v1/samples/{found.sample_id}/image"
        if output is not None:
            image = saved_as(output, client.sample_image(sample_id))
    if as_json:
        print(document_text(found))
    else:
        from rich.console import Console

        from sidecar.cli.show_samples import sample_page

        sample_page(found, image, Console())


@app.command()
def save(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to; it is made where it is missing.")],
    model: Model = None,
    reason: Reason = None,
    status: Status = None,
    limit: Annotated[int | None, typer.Option(help="How many at most, the newest.  \\[default: all]", min=1)] = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Save the images of all that match, each under its id; those that are there already are left as they are.

    Exit code 1 where some are gone from the sidecar.
    """
    from sidecar.cli.saving_samples import saved

    _check(status)
    with asking(context, url, token, _FLAGS) as client:
        try:
            came = saved(client, folder, limit, model=model, reason=reason, status=status)
        except OSError as error:
            fail(f"FOLDER: {error.filename or folder}: {error.strerror or error}")
    if as_json:
        print(document_text(came._asdict()))
    elif not came.found:
        print(none_of("samples", "no images were kept yet", model=model, reason=reason, status=status))
    else:
        said = [f"{came.saved:,} saved in {folder} ({size(came.bytes)})"]
        said += [f"{came.skipped:,} were there already"] if came.skipped else []
        said += [f"{came.gone:,} are gone from the sidecar"] if came.gone else []
        print(clean(", ".join(said)))
    raise SystemExit(1 if came.gone else 0)


def _check(status: str | None) -> None:
    """The sidecar takes any word here, and has no image of one that is no status."""
    if status is not None and status not in STATUSES:
        fail(f"--status: must be {', '.join(STATUSES[:-1])} or {STATUSES[-1]}")
