"""The command line: ``sidecar run``, ``demo``, ``check-config``, and what asks a running one: ``status``, ``top``,
``predictions``, ``samples``, ``models``, ``alerts``, ``baseline``, ``drift``, ``experiment``, ``ab-test``, ``shadow``,
``data-engine``, ``review``, ``feedback``, ``dataset``, ``train``, ``model-versions``, ``token``. docs/cli.md lists
them.

Imports are made inside the commands, so that ``--help`` answers at once. Faults go to standard error and end with exit
code 2. What comes from a sidecar is shown as text: neither as markup nor with its control characters.
"""

from __future__ import annotations

from typing import Annotated

import typer

from sidecar.cli import (
    ab_test,
    alerts,
    baseline,
    data_engine,
    dataset,
    drift,
    experiment,
    feedback,
    models,
    predictions,
    review,
    run,
    samples,
    shadow,
    status,
    token,
    top,
    train,
)
from sidecar.cli.certificates import with_certificates
from sidecar.cli.hints import Helpful
from sidecar.cli.output import safe_output

app = typer.Typer(
    cls=Helpful,
    help="A proxy in front of object-detection model servers that makes a deployed model visible.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from sidecar import __version__

        print(f"sidecar {__version__}")
        raise typer.Exit


@app.callback()
def sidecar(
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """A proxy in front of object-detection model servers that makes a deployed model visible."""


_RUN, _SEE, _WATCH = "Run a sidecar", "See what goes through it", "Watch for changes"
_COMPARE, _IMPROVE, _ADMIT = "Compare versions", "Improve the model", "Let others in"
app.command(rich_help_panel=_RUN)(run.run)
app.command(rich_help_panel=_RUN)(run.demo)
app.command("check-config", rich_help_panel=_RUN)(run.check_config)
app.command(rich_help_panel=_SEE)(status.status)
app.command(rich_help_panel=_SEE)(top.top)
app.add_typer(predictions.app, name="predictions", rich_help_panel=_SEE)
app.add_typer(samples.app, name="samples", rich_help_panel=_SEE)
app.add_typer(models.app, name="models", rich_help_panel=_SEE)
app.add_typer(alerts.app, name="alerts", rich_help_panel=_WATCH)
app.add_typer(baseline.app, name="baseline", rich_help_panel=_WATCH)
app.add_typer(
    drift.app, name="drift", rich_help_panel=_WATCH, short_help="Has what the model sees changed? Compare two periods."
)
app.add_typer(experiment.app, name="experiment", rich_help_panel=_COMPARE)
app.add_typer(ab_test.app, name="ab-test", rich_help_panel=_COMPARE)
app.add_typer(shadow.app, name="shadow", rich_help_panel=_COMPARE)
app.add_typer(data_engine.app, name="data-engine", rich_help_panel=_IMPROVE)
app.add_typer(review.app, name="review", rich_help_panel=_IMPROVE)
app.add_typer(
    feedback.app,
    name="feedback",
    rich_help_panel=_IMPROVE,
    short_help="Was a prediction right? Say so; list it, import it, and see how right the model is.",
)
app.add_typer(dataset.app, name="dataset", rich_help_panel=_IMPROVE)
app.add_typer(train.app, name="train", rich_help_panel=_IMPROVE)
app.command("model-versions", rich_help_panel=_SEE)(train.model_versions)
app.add_typer(token.app, name="token", rich_help_panel=_ADMIT)
with_certificates(app)


def main() -> None:
    """The console script."""
    with safe_output():
        app()
