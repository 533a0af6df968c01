"""``sidecar predictions``: what models answered, one by one or as a file."""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from sidecar.cli.asking import URL, Json, Limit, Token, Url, asking, fail, none_of
from sidecar.cli.completing import model_names, one_of
from sidecar.cli.listing import listing
from sidecar.cli.text import clean, document_text, size
from sidecar.cli.typed import STDIN, when

if TYPE_CHECKING:
    from sidecar.client import Client

app = typer.Typer(help="What models answered; without a subcommand the latest are listed.")

ROLES = ("serving", "control", "treatment", "excluded", "override", "failover", "shadow")
OUTCOMES = ("ok", "error", "undecodable", "empty")
FORMATS = ("jsonl", "csv", "parquet")
PAGE_MAX = 1_000
STDOUT = STDIN
_FLAGS = {
    "prediction_id": "ID",
    "model": "--model",
    "version": "--version",
    "role": "--role",
    "status": "--status",
    "label": "--label",
    "since": "--since",
    "until": "--until",
    "format": "--format",
    "unit": "--unit",
    "min_confidence": "--min-confidence",
    "max_confidence": "--max-confidence",
    "min_latency_ms": "--min-latency-ms",
    "max_latency_ms": "--max-latency-ms",
    "sampled": "--sampled",
}

Model = Annotated[str | None, typer.Option(help="Only those of one model, by its name.", autocompletion=model_names)]
Version = Annotated[str | None, typer.Option(help="Only those of one version of it.")]
Role = Annotated[
    str | None,
    typer.Option(
        help="serving, control, treatment, excluded, override, failover or shadow.", autocompletion=one_of(*ROLES)
    ),
]
Status = Annotated[
    str | None,
    typer.Option(
        help="ok, error, undecodable, empty (no detection), or the status that was sent, such as 503.",
        autocompletion=one_of(*OUTCOMES),
    ),
]
Label = Annotated[str | None, typer.Option(help="Only those with a detection of this class.")]
Unit = Annotated[str | None, typer.Option(help="Only those of one unit: a camera, a user, as requests name it.")]
MinConfidence = Annotated[
    float | None, typer.Option(help="Only those with a detection, of --label, at least so sure.", min=0, max=1)
]
MaxConfidence = Annotated[float | None, typer.Option(help="And at most so sure: the same detection.", min=0, max=1)]
MinLatency = Annotated[float | None, typer.Option("--min-latency-ms", help="Only those that took as long.", min=0)]
MaxLatency = Annotated[float | None, typer.Option("--max-latency-ms", help="Only those that took no longer.", min=0)]
Sampled = Annotated[
    bool | None, typer.Option("--sampled/--not-sampled", help="Only those whose image was kept, or was not.")
]
Since = Annotated[str | None, typer.Option(metavar="TIME", help="From when on: 7d (ago), 2024-02-01.")]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="Until when.")]


@listing(app)
def list_predictions(
    context: typer.Context,
    model: Model = None,
    version: Version = None,
    role: Role = None,
    status: Status = None,
    label: Label = None,
    unit: Unit = None,
    min_confidence: MinConfidence = None,
    max_confidence: MaxConfidence = None,
    min_latency_ms: MinLatency = None,
    max_latency_ms: MaxLatency = None,
    sampled: Sampled = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 20,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """What models answered, newest first; all that is asked for must hold. The word `list` may be left out."""
    given: dict[str, Any] = {"model": model, "version": version, "role": role, "status": status, "label": label}
    given |= {"unit": unit, "min_confidence": min_confidence, "max_confidence": max_confidence, "sampled": sampled}
    given |= {"min_latency_ms": min_latency_ms, "max_latency_ms": max_latency_ms}
    asked = {**given, **_period(since, until)}
    with asking(context, url, token, _FLAGS) as client:
        found = list(islice(client.predictions(limit=min(limit, PAGE_MAX), **asked), limit))
    if as_json:
        print(document_text(found))
    elif not found:
        empty = "no predictions yet: send requests to the sidecar's data port"
        print(none_of("predictions", empty, **given, since=since, until=until))
    else:
        from rich.console import Console

        from sidecar.cli.show_predictions import predictions_lines

        predictions_lines(found, Console())


@app.command()
def show(
    context: typer.Context,
    prediction_id: Annotated[
        str, typer.Argument(metavar="ID", help="The whole id, as `sidecar predictions` and X-Prediction-Id have it.")
    ],
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """One prediction: its detections, how long it took, and what was said of it."""
    with asking(context, url, token, _FLAGS) as client:
        found = client.get_prediction(prediction_id)
        said = list(islice(client.feedback(prediction_id=prediction_id, limit=PAGE_MAX), PAGE_MAX))
    if as_json:
        print(document_text({**found, "feedback": said}))
    else:
        from rich.console import Console

        from sidecar.cli.show_predictions import prediction_page

        prediction_page(found, said, Console())


@app.command()
def export(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to; - is standard output.")],
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="jsonl, csv or parquet.  \\[default: by the name of FILE]",
            autocompletion=one_of(*FORMATS),
        ),
    ] = None,
    detections: Annotated[
        bool, typer.Option("--detections", help="A row for each detection, not for each prediction.")
    ] = False,
    model: Model = None,
    version: Version = None,
    role: Role = None,
    status: Status = None,
    label: Label = None,
    unit: Unit = None,
    min_confidence: MinConfidence = None,
    max_confidence: MaxConfidence = None,
    min_latency_ms: MinLatency = None,
    max_latency_ms: MaxLatency = None,
    sampled: Sampled = None,
    since: Since = None,
    until: Until = None,
    url: Url = URL,
    token: Token = None,
    as_json: Annotated[bool, typer.Option("--json", help="Tell machines what was written; not with -.")] = False,
) -> None:
    """Save predictions, or their detections, as a file; all that is asked for must hold. With --detections
    --min-confidence and --max-confidence are of each detection, also of those under the operating point."""
    if as_json and file == STDOUT:
        fail("--json: says what was written, and standard output is taken; give a FILE")
    wanted = format_of(file, format_)
    asked: dict[str, Any] = {"model": model, "version": version, "role": role, "status": status, "label": label}
    asked |= {"unit": unit, "min_confidence": min_confidence, "max_confidence": max_confidence, "sampled": sampled}
    asked |= {"min_latency_ms": min_latency_ms, "max_latency_ms": max_latency_ms, **_period(since, until)}
    things = "detections" if detections else "predictions"
    with asking(context, url, token, _FLAGS) as client:
        written = _saved(client, things, file, wanted, asked)
    if as_json:
        print(document_text({"file": file, "format": wanted, "bytes": written}))
    elif file != STDOUT:
        print(clean(f"wrote {file} ({size(written)})"))


def format_of(file: str, given: str | None) -> str:
    """``--format``, else what the name of the file ends in; ends the command where neither says.

    >>> format_of("out.csv", None), format_of("out.csv", "jsonl"), format_of("-", None), format_of("a.PARQUET", None)
    ('csv', 'jsonl', 'jsonl', 'parquet')
    """
    if given is not None:
        return given
    if file == STDOUT:
        return "jsonl"
    ending = Path(file).suffix.removeprefix(".").lower()
    if ending not in FORMATS:
        fail(f"--format: {file!r} does not say which; end its name in .jsonl, .csv or .parquet, or give --format")
    return ending


def _saved(client: Client, things: str, file: str, wanted: str, asked: dict[str, Any]) -> int:
    """Bytes that were written; ends the command where they can't be."""
    from sidecar.cli.progress import bytes_bar

    known = cast(Literal["jsonl", "csv", "parquet"], wanted)  # the sidecar names what would be right
    save = client.export_detections if things == "detections" else client.export_predictions
    total = 0

    def went_on(written: int) -> None:
        nonlocal total
        total = written
        there(written)

    try:
        with bytes_bar(f"exporting {things}") as there:
            save(sys.stdout.buffer if file == STDOUT else file, known, progress=went_on, **asked)
    except BrokenPipeError:
        raise
    except OSError as error:
        fail(f"FILE: {file}: {error.strerror or error}")
    return total


def _period(since: str | None, until: str | None) -> dict[str, float | None]:
    return {"since": when(since, "--since"), "until": when(until, "--until")}
