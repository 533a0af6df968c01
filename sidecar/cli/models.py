"""``sidecar models``: models and their versions, what makes them known, and registering them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sidecar.cli.asking import URL, Json, Token, Url, asking, fail
from sidecar.cli.completing import models as known
from sidecar.cli.listing import listing
from sidecar.cli.text import clean, document_text
from sidecar.cli.typed import numbers_of, upstream_of

app = typer.Typer(help="Models and their versions; without a subcommand they are listed.")

Model = Annotated[str, typer.Argument(metavar="MODEL", help="A model's name, or NAME@VERSION.", autocompletion=known)]
_FLAGS = {
    "model_id": "MODEL",
    "name": "MODEL",
    "version": "MODEL",
    "url": "--upstream",
    "path": "--upstream",
    "description": "--description",
    "metrics": "--metrics",
}


@listing(app)
def list_models(context: typer.Context, url: Url = URL, token: Token = None, as_json: Json = False) -> None:
    """All models, each before its versions: which serves, where, and what was measured. The word `list` may be left
    out."""
    with asking(context, url, token) as client:
        found = client.models()
    if as_json:
        print(document_text(found))
    elif not found:
        print("no model is known yet; one is by its first request, or by `sidecar models register NAME`")
    else:
        from rich.console import Console

        from sidecar.cli.show_models import models_lines

        models_lines(found, Console())


@app.command()
def show(context: typer.Context, model: Model, url: Url = URL, token: Token = None, as_json: Json = False) -> None:
    """One model or version: what makes it known, where it is served, what was measured of it."""
    with asking(context, url, token, _FLAGS) as client:
        found = client.get_model(model)
    _facts(found, as_json)


@app.command()
def register(
    context: typer.Context,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model's name, or NAME@VERSION for a version of it.")],
    upstream: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where the version is served: tests can send traffic there then."),
    ] = None,
    description: Annotated[str, typer.Option(help="What people should know of it.")] = "",
    metrics: Annotated[
        list[str] | None, typer.Option(metavar="NAME=NUMBER", help="What was measured, such as map50=0.61; repeatable.")
    ] = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Make a model or a version known before its first request. Done again it changes what is given."""
    name, at, version = model.rpartition("@")
    figures, served = numbers_of(metrics or (), "--metrics"), upstream_of(upstream) or {"url": "", "path": ""}
    with asking(context, url, token, _FLAGS) as client:
        found = client.register_model(
            name if at else model,
            version if at else "",
            url=served["url"],
            path=served["path"],
            description=description,
            metrics=figures,
        )
    _facts(found, as_json)


@app.command()
def delete(
    context: typer.Context,
    model: Model,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Forget what was registered or trained under that id, of a model its versions too; what it did stays recorded."""
    with asking(context, url, token, _FLAGS) as client:
        found = client.get_model(model)
        and_all = f" and its versions {', '.join(found.versions)}" if found.versions else ""
        if not yes and not typer.confirm(clean(f"Forget {found.id}{and_all}?"), err=True):
            fail("nothing was forgotten")
        client.delete_model(model)
    print(document_text(found) if as_json else clean(f"{found.id}: forgotten"))


def _facts(model: Any, as_json: bool) -> None:
    if as_json:
        print(document_text(model))
        return
    from rich.console import Console

    from sidecar.cli.show_models import model_facts

    model_facts(model, Console())
