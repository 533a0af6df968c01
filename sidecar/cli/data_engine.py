"""``sidecar data-engine``: by which rules images are kept for review."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sidecar.cli.asking import URL, Json, Token, Url, asking, fail, picked
from sidecar.cli.completing import datasets, model_names
from sidecar.cli.listing import listing
from sidecar.cli.text import document_text
from sidecar.cli.typed import document_of

app = typer.Typer(help="The rules by which images are kept for review; without a subcommand they are listed.")

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="A model's name; all its versions have the same rules.", autocompletion=model_names
    ),
]
_FLAGS = {"model_id": "MODEL", "config": "--config", "target_dataset_id": "--dataset"}


@listing(app)
def list_data_engines(context: typer.Context, url: Url = URL, token: Token = None, as_json: Json = False) -> None:
    """The rules of every model: which are on, and where images go. The word `list` may be left out."""
    with asking(context, url, token) as client:
        found = client.data_engines()
    if as_json:
        print(document_text(found))
    elif not found:
        print("no model answered yet; `sidecar data-engine set MODEL` sets the rules of one beforehand")
    else:
        from rich.console import Console

        from sidecar.cli.show_data_engine import data_engines_lines

        data_engines_lines(found, Console())


@app.command()
def show(context: typer.Context, model: Model, url: Url = URL, token: Token = None, as_json: Json = False) -> None:
    """The rules of one model, what they kept in the last day, and what limits kept out."""
    with asking(context, url, token, _FLAGS) as client:
        found = client.data_engine(model)
    _facts(found, as_json)


@app.command("set")
def set_rules(
    context: typer.Context,
    model: Model,
    config: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="Its rules, YAML or JSON, as docs/api.md names them; a rule that is not in it is off. - is standard"
            " input.",
        ),
    ],
    dataset: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Where its images go.  \\[default: where they go now, else one of its own]",
            autocompletion=datasets,
        ),
    ] = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Set the rules of a model, in place of those it had."""
    rules = document_of(config, "--config")
    if not isinstance(rules, dict):
        fail("--config: must hold rules by name, such as `random_sample: {rate: 0.05}`")
    with asking(context, url, token, _FLAGS) as client:
        target = None if dataset is None else picked(client.datasets(), "id", dataset)
        found = client.configure_data_engine(model, rules, target)
    _facts(found, as_json)


def _facts(engine: Any, as_json: bool) -> None:
    if as_json:
        print(document_text(engine))
        return
    from rich.console import Console

    from sidecar.cli.show_data_engine import data_engine_page

    data_engine_page(engine, Console())
