"""``sidecar feedback``: say whether a prediction was right, and what follows from all that was said."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from sidecar.cli.asking import URL, By, Json, Limit, Token, Url, asking, by_whom, fail, none_of
from sidecar.cli.by_default import ByDefault, Default
from sidecar.cli.completing import model_names, models, one_of
from sidecar.cli.hints import meant_text
from sidecar.cli.text import document_text
from sidecar.cli.typed import box_of, when

TYPES = "correct, wrong_label, wrong_box, false_positive or missed_object"
_TYPES = one_of("correct", "wrong_label", "wrong_box", "false_positive", "missed_object")
PAGE_MAX = 1_000
_FLAGS = {
    "prediction_id": "PREDICTION_ID",
    "request_id": "--request",
    "feedback_type": "TYPE",
    "detection_index": "--detection",
    "correct_class": "--class",
    "correct_box": "--box",
    "by": "--by",
    "note": "--note",
    "at": "--at",
}
_LIST_FLAGS = {"prediction_id": "--prediction", "model_id": "--model", "feedback_type": "--type"}
_REPORT_FLAGS = {"model_id": "MODEL", "since": "--since", "until": "--until", "target_precision": "--precision"}
_GIVE = "PREDICTION_ID TYPE [OPTIONS]"


class Gives(ByDefault):
    """``sidecar feedback ID correct`` is ``sidecar feedback give ID correct``."""

    default = "give"
    usage = _GIVE
    others = ("list", "import FILE", "report MODEL")


app = typer.Typer(
    cls=Gives,
    no_args_is_help=True,
    help=f"Was a prediction right? `sidecar feedback PREDICTION_ID TYPE` says it, TYPE being {TYPES}: that is `give`,"
    " the default. It takes --request, --detection, --class, --box, --by, --note, --at, --url, --token and --json;"
    " `sidecar feedback give --help` explains them.",
)


@app.command(cls=Default)
def give(
    context: typer.Context,
    prediction_id: Annotated[
        str, typer.Argument(metavar="PREDICTION_ID", help="The X-Prediction-Id of its response; not with --request.")
    ],
    type_: Annotated[str | None, typer.Argument(metavar="TYPE", help=f"One of {TYPES}.", autocompletion=_TYPES)] = None,
    request: Annotated[
        str | None, typer.Option(metavar="ID", help="The client's own X-Request-Id, in place of PREDICTION_ID.")
    ] = None,
    detection: Annotated[
        int | None, typer.Option(metavar="N", help="Which of its detections, from 0; the whole prediction by default.")
    ] = None,
    class_: Annotated[str | None, typer.Option("--class", metavar="NAME", help="The class it should have.")] = None,
    box: Annotated[
        str | None, typer.Option(metavar="X1,Y1,X2,Y2", help="The box it should have, in pixels of the image.")
    ] = None,
    by: By = None,
    note: Annotated[str, typer.Option(help="What else there is to say.")] = "",
    at: Annotated[str | None, typer.Option(metavar="TIME", help="When it was said.  \\[default: now]")] = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Say that a prediction, or one of its detections, is right, or how it is wrong.

    The same again changes nothing. The word `give` may be left out.
    """
    named: str | None = prediction_id
    if request is not None:
        if type_ is not None:
            fail("give one of PREDICTION_ID and --request")
        named, type_ = None, prediction_id
    elif type_ is None:
        fail(f"TYPE: needed after the PREDICTION_ID, one of {TYPES}\n{meant_text(context)}")
    place, moment = box_of(box, "--box"), when(at, "--at")
    with asking(context, url, token, _FLAGS) as client:
        said = client.submit_feedback(
            named, type_, detection, class_, place, by=by_whom(by), note=note, at=moment, request_id=request
        )
    if as_json:
        print(document_text(said))
    else:
        from rich.console import Console

        from sidecar.cli.show_feedback import said_line

        said_line(said, Console())


@app.command("list")
def list_feedback(
    context: typer.Context,
    model: Annotated[
        str | None, typer.Option(help="Only of one model, by its name.", autocompletion=model_names)
    ] = None,
    prediction: Annotated[str | None, typer.Option(metavar="ID", help="Only of one prediction.")] = None,
    type_: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help=f"Only {TYPES}.", autocompletion=_TYPES)
    ] = None,
    limit: Limit = 50,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """What was said, newest first; what was replaced since, too."""
    with asking(context, url, token, _LIST_FLAGS) as client:
        pages = client.feedback(prediction, model, type_, limit=min(limit, PAGE_MAX))
        found = list(islice(pages, limit))
    if as_json:
        print(document_text(found))
    elif not found:
        empty = "no feedback yet; `sidecar feedback PREDICTION_ID TYPE` gives some"
        print(none_of("statements", empty, model=model, prediction=prediction, type=type_))
    else:
        from rich.console import Console

        from sidecar.cli.show_feedback import feedback_lines

        feedback_lines(found, Console())


@app.command("import")
def import_feedback(
    context: typer.Context,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="JSON lines, each with prediction_id or request_id, feedback_type, and what else docs/api.md names;"
            " - is standard input.",
        ),
    ],
    by: Annotated[
        str | None, typer.Option(help="Who said it, of lines that do not say.  \\[default: nobody in particular]")
    ] = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Take many statements from a file.

    What has a fault is left out and told with its line, and the exit code is 1 then. The same file again changes
    nothing.
    """
    from sidecar.cli.feedback_import import imported

    with asking(context, url, token) as client:
        found = imported(client, file, by)
    if as_json:
        print(document_text(found))
    else:
        from sidecar.cli.show_feedback import import_lines

        import_lines(found)
    raise SystemExit(1 if found["faults"] else 0)


@app.command()
def report(
    context: typer.Context,
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A model's name or NAME@VERSION.", autocompletion=models)
    ],
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="From when on: 7d (ago), 2024-02-01.  \\[default: 30d]")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Until when.  \\[default: now]")] = None,
    precision: Annotated[
        float | None, typer.Option(help="The precision to find a threshold for.  \\[default: 0.9]")
    ] = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """How right a model is, by reviews of the random sample.

    The score, precision by class and by confidence, the threshold for a wanted precision; beside it what users say.
    """
    begin, end = when(since, "--since"), when(until, "--until")
    with asking(context, url, token, _REPORT_FLAGS) as client:
        found = client.feedback_report(model, begin, end, precision)
    if as_json:
        print(document_text(found))
    else:
        from rich.console import Console

        from sidecar.cli.show_feedback_report import report_page

        report_page(found, Console())
