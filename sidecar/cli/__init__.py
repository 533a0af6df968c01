"""The command line: ``sidecar run``, ``demo``, ``check-config``, and what asks a running one: ``status``, ``alerts``,
``baseline``, ``drift``, ``ab-test``, ``shadow``, ``data-engine``, ``feedback``, ``dataset``, ``review``, ``train``,
``model-versions``. docs/cli.md lists them.

Imports are made inside the commands, so that ``--help`` answers at once. Faults go to standard error and end with exit
code 2. What comes from a sidecar is shown as text: neither as markup nor with its control characters.
"""

from __future__ import annotations

import typer

from sidecar.cli import (
    ab_test,
    alerts,
    baseline,
    data_engine,
    dataset,
    drift,
    feedback,
    review,
    run,
    shadow,
    status,
    train,
)

app = typer.Typer(
    help="A proxy in front of object-detection model servers that makes a deployed model visible.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
app.command()(run.run)
app.command()(run.demo)
app.command()(status.status)
app.add_typer(alerts.app, name="alerts")
app.add_typer(baseline.app, name="baseline")
app.add_typer(drift.app, name="drift")
app.add_typer(ab_test.app, name="ab-test")
app.add_typer(shadow.app, name="shadow")
app.add_typer(data_engine.app, name="data-engine")
app.add_typer(feedback.app, name="feedback")
app.add_typer(dataset.app, name="dataset")
app.add_typer(review.app, name="review")
app.add_typer(train.app, name="train")
app.command("model-versions")(train.model_versions)
app.command("check-config")(run.check_config)


def main() -> None:
    """The console script."""
    app()
