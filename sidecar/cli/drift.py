"""``sidecar drift``: has what the model sees changed?"""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Literal, cast

import typer

from sidecar.cli.asking import URL, Json, Limit, Token, Url, asking, none_of
from sidecar.cli.by_default import ByDefault, Default
from sidecar.cli.completing import models, one_of
from sidecar.cli.text import document_text

_FLAGS = {
    "model_id": "MODEL",
    "reference_period": "--reference",
    "current_period": "--current",
    "slice": "--slice",
    "by_slice": "--by-slice",
    "source": "--source",
}


_COMPARE = "MODEL --reference PERIOD --current PERIOD [OPTIONS]"


class Compares(ByDefault):
    """``sidecar drift MODEL ...`` is ``sidecar drift compare MODEL ...``."""

    default = "compare"
    usage = _COMPARE
    others = ("checks [OPTIONS] [MODEL]",)


app = typer.Typer(
    cls=Compares,
    no_args_is_help=True,
    help="Has what the model sees changed? `sidecar drift MODEL --reference PERIOD --current PERIOD` compares two"
    " periods: that is `compare`, the default. It takes --slice, --by-slice, --source, --fail-on-drift, --url, --token,"
    " --ca-file, --cert-file, --key-file and --json; `sidecar drift compare --help` explains them.",
)


@app.command(cls=Default)
def compare(
    context: typer.Context,
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A model's name or NAME@VERSION.", autocompletion=models)
    ],
    reference: Annotated[str, typer.Option(help="What is normal: 2024-01-01:2024-01-31, or a baseline's name.")],
    current: Annotated[str, typer.Option(help="What is compared with it: days, date-times, or 7d for the last.")],
    slice: Annotated[str | None, typer.Option(help="Only this slice of the traffic.")] = None,
    by_slice: Annotated[bool, typer.Option("--by-slice", help="Compare each slice too.")] = False,
    source: Annotated[
        str,
        typer.Option(help="auto, summaries or predictions.", autocompletion=one_of("auto", "summaries", "predictions")),
    ] = "auto",
    fail_on_drift: Annotated[bool, typer.Option("--fail-on-drift", help="Exit code 1 where drift is found.")] = False,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Compare two periods of a model: scores, and the classes that moved. The word `compare` may be left out."""
    read_from = cast(Literal["auto", "summaries", "predictions"], source)  # the sidecar names what would be right
    with asking(context, url, token, _FLAGS) as client:
        report = client.check_drift(model, reference, current, slice, by_slice, read_from)
    if as_json:
        print(document_text(report))
    else:
        from rich.console import Console

        from sidecar.cli.show_drift import report_tables

        report_tables(report, Console())
    drifted = any(part["significant_drift"] for part in (report, *(report.get("slices") or ())))
    raise SystemExit(1 if fail_on_drift and drifted else 0)


@app.command()
def checks(
    context: typer.Context,
    model: Annotated[
        str | None, typer.Argument(metavar="[MODEL]", help="Only those of one model.", autocompletion=models)
    ] = None,
    slice: Annotated[str | None, typer.Option(help="Only those of one slice; '' for those of all traffic.")] = None,
    limit: Limit = 50,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """What the continuous monitor found, newest first."""
    with asking(context, url, token, _FLAGS) as client:
        found = list(islice(client.drift_checks(model_id=model, slice=slice, limit=min(limit, 1_000)), limit))
    if as_json:
        print(document_text(found))
    elif not found:
        empty = "no window was compared with a baseline yet"
        print(none_of("checks", empty, of=model, slice=slice))
    else:
        from rich.console import Console

        from sidecar.cli.show_drift import checks_table

        checks_table(found, Console())
