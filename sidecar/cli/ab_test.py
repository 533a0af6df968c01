"""``sidecar ab-test``: which of two model versions is better, on live traffic."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sidecar.cli import steering_ab_test
from sidecar.cli.asking import URL, Json, Token, Url, asking, fail, none_of
from sidecar.cli.completing import ab_test_metrics, one_of, versions
from sidecar.cli.listing import listing
from sidecar.cli.text import document_text
from sidecar.cli.trials import (
    AB_FLAGS,
    RAMP_HOURS_MAX,
    Days,
    Endless,
    Model,
    Status,
    TestId,
    ab_test_id,
    days_of,
    given_only,
    guardrail_of,
    ramp_of,
    split_of,
)

app = typer.Typer(help="A/B tests and how they stand; without a subcommand they are listed.")


@listing(app)
def list_ab_tests(
    context: typer.Context,
    status: Status = None,
    model: Model = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """A/B tests and how they stand, those that run first. The word `list` may be left out."""
    with asking(context, url, token, AB_FLAGS | {"status": "--status"}) as client:
        found = client.ab_tests(model_id=model, status=status)
    if as_json:
        print(document_text(found))
    elif not found:
        empty = "no A/B tests; `sidecar ab-test create` makes one"
        print(none_of("A/B tests", empty, status=status, model=model))
    else:
        from rich.console import Console

        from sidecar.cli.show_ab_test import ab_tests_lines

        ab_tests_lines(found, Console())


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the test is called.")],
    a: Annotated[str, typer.Option(help="The model that serves now, NAME@VERSION: control.", autocompletion=versions)],
    b: Annotated[str, typer.Option(help="The one to try, NAME@VERSION.", autocompletion=versions)],
    split: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SHARE",
            help="Share of units that go to B; with --treatment, VARIANT=SHARE for each: repeatable, or B=0.1,C=0.2.",
        ),
    ] = None,
    treatment: Annotated[
        list[str] | None, typer.Option(help="A further one to try; repeatable.", autocompletion=versions)
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="What it is about, the primary one first; repeatable. `sidecar ab-test metrics` lists them.",
            autocompletion=ab_test_metrics,
        ),
    ] = None,
    days: Days = None,
    until_stopped: Endless = False,
    unit: Annotated[
        str | None,
        typer.Option(
            help="What is assigned: request, client or header:NAME; request by default.",
            autocompletion=one_of("request", "client"),
        ),
    ] = None,
    ramp: Annotated[
        str | None, typer.Option(metavar="SHARES", help="Steps of the split, e.g. 0.01,0.05,0.25,0.5.")
    ] = None,
    ramp_hours: Annotated[
        float | None, typer.Option(help="The least time of a step; 24 by default.", min=0, max=RAMP_HOURS_MAX)
    ] = None,
    ramp_units: Annotated[
        int | None,
        typer.Option(
            help="The least units an arm of a step; 150 by default. A step also waits for the guardrails: they need 150"
            " units an arm, and where nothing fails about 1,000 requests of the new version.",
            min=1,
        ),
    ] = None,
    guardrail: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC=MARGIN",
            help="Stop beyond so many times control's; repeatable, in place of"
            " the default ones. METRIC=MARGIN,FLOOR: a rate under FLOOR is safe.",
        ),
    ] = None,
    no_guardrails: Annotated[bool, typer.Option("--no-guardrails", help="Never stop by itself.")] = False,
    exclude: Annotated[str | None, typer.Option(help="A header of requests to leave out, NAME or NAME=value.")] = None,
    override: Annotated[str | None, typer.Option(help="A header by which testers name the variant.")] = None,
    failover: Annotated[
        bool | None,
        typer.Option(
            "--failover/--no-failover", help="Control answers for a treatment that is down; it does by default."
        ),
    ] = None,
    effect: Annotated[float | None, typer.Option(help="The relative difference to plan for, e.g. 0.05.")] = None,
    alpha: Annotated[float | None, typer.Option(help="The chance of a false alarm; 0.05 by default.")] = None,
    plan_units: Annotated[int | None, typer.Option(help="Units at which bounds are tightest; 5000 by default.")] = None,
    notify: Annotated[
        list[str] | None, typer.Option(help="A channel, e.g. email:team@company.com; repeatable.")
    ] = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Begin an A/B test: a share of the traffic goes to another model version."""
    if guardrail and no_guardrails:
        fail("give one of --guardrail and --no-guardrails")
    guardrails = [guardrail_of(item) for item in guardrail or ()] if guardrail or no_guardrails else None
    config = {
        **given_only(
            {
                "traffic_split": split_of(split, "--split") if split else None,
                "treatments": treatment or None,
                "metrics": metric or None,
                "unit": unit,
                "guardrails": guardrails,
                "exclude": exclude,
                "override_header": override,
                "failover": failover,
                "effect": effect,
                "alpha": alpha,
                "plan_units": plan_units,
                "notify": notify or None,
            }
        ),
        **days_of(days, until_stopped),
        **ramp_of(ramp, ramp_hours, ramp_units),
    }
    with asking(context, url, token, AB_FLAGS) as client:
        made = client.create_ab_test(name, a, b, config)
    _facts(made, as_json)


@app.command()
def show(context: typer.Context, test_id: TestId, url: Url = URL, token: Token = None, as_json: Json = False) -> None:
    """One test: what was asked for, how it stands, its epochs."""
    with asking(context, url, token, AB_FLAGS) as client:
        found = client.ab_test(ab_test_id(client, test_id))
    _facts(found, as_json)


@app.command()
def results(
    context: typer.Context, test_id: TestId, url: Url = URL, token: Token = None, as_json: Json = False
) -> None:
    """Which one is better, how surely, and how much longer it takes."""
    with asking(context, url, token, AB_FLAGS) as client:
        wanted = ab_test_id(client, test_id)
        test, found = client.ab_test(wanted), client.get_ab_test_results(wanted)
    if as_json:
        print(document_text(found))
    else:
        from rich.console import Console

        from sidecar.cli.show_ab_results import results_page

        results_page(test, found, Console())


@app.command()
def history(
    context: typer.Context,
    test_id: TestId,
    metric: Annotated[
        str | None,
        typer.Option(help="One that the test is about; the primary one by default.", autocompletion=ab_test_metrics),
    ] = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """How the results came to be: the difference and its bounds over time. `--json` has every metric and point."""
    with asking(context, url, token, AB_FLAGS) as client:
        wanted = ab_test_id(client, test_id)
        shown = metric or (None if as_json else client.ab_test(wanted).primary_metric)
        found = client.get_ab_test_history(wanted, shown)
    if as_json:
        print(document_text(found))
    else:
        from rich.console import Console

        from sidecar.cli.show_history import ab_history_page

        ab_history_page(found, shown or found.primary_metric, Console())


app.command()(steering_ab_test.pause)
app.command()(steering_ab_test.resume)
app.command()(steering_ab_test.ramp)
app.command()(steering_ab_test.stop)
app.command()(steering_ab_test.conclude)
app.command()(steering_ab_test.promote)


@app.command()
def metrics(context: typer.Context, url: Url = URL, token: Token = None, as_json: Json = False) -> None:
    """What a test can be about."""
    with asking(context, url, token) as client:
        found = client.ab_test_metrics()
    if as_json:
        print(document_text(found))
    else:
        from rich.console import Console

        from sidecar.cli.show_ab_test import metrics_lines

        metrics_lines(found, Console())


def _facts(test: Any, as_json: bool) -> None:
    if as_json:
        print(document_text(test))
        return
    from rich.console import Console

    from sidecar.cli.show_ab_test import ab_test_facts

    ab_test_facts(test, Console())
