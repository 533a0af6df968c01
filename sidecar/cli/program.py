"""The program with all its commands."""

from __future__ import annotations

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
    overview,
    predictions,
    review,
    run,
    samples,
    settings,
    shadow,
    status,
    token,
    top,
    train,
)
from sidecar.cli.certificates import with_certificates
from sidecar.cli.root import new_program

app = new_program()
_RUN, _SEE, _WATCH = "Run a sidecar", "See what goes through it", "Watch for changes"
_COMPARE, _IMPROVE, _ADMIT = "Compare versions", "Improve the model", "Let others in"
app.command(rich_help_panel=_RUN)(run.run)
app.command(rich_help_panel=_RUN)(run.demo)
app.command("check-config", rich_help_panel=_RUN)(run.check_config)
app.command(rich_help_panel=_SEE)(status.status)
app.command(rich_help_panel=_SEE)(settings.settings)
app.command(rich_help_panel=_SEE)(top.top)
app.command(rich_help_panel=_SEE)(overview.overview)
app.command(rich_help_panel=_SEE)(overview.events)
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
