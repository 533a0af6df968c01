"""``sidecar alerts``: what should be told when it happens, and what is told now."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sidecar.cli import completing
from sidecar.cli.asking import URL, By, Json, Limit, Token, Url, asking, by_whom, fail, none_of, picked
from sidecar.cli.completing import alert_metrics, models, one_of
from sidecar.cli.listing import listing
from sidecar.cli.text import clean, document_text, moment

if TYPE_CHECKING:
    from sidecar.client import Client

app = typer.Typer(help="Alerts and how they stand; without a subcommand they are listed.")

AlertId = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="An alert: its id, the beginning of it, or its name.", autocompletion=completing.alerts
    ),
]
_FLAGS = {"model_id": "MODEL", "name": "NAME", "alert_id": "ID", "until": "--until", "for": "--for", "by": "--by"}
State = Annotated[
    str | None,
    typer.Option(
        help="Only those inactive, pending, firing or resolved.",
        autocompletion=one_of("inactive", "pending", "firing", "resolved"),
    ),
]
Model = Annotated[str | None, typer.Option(help="Only those of one model.", autocompletion=models)]


@listing(app)
def list_alerts(
    context: typer.Context,
    state: State = None,
    model: Model = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Alerts and how they stand, those that fire first. The word `list` may be left out."""
    with asking(context, url, token, {"state": "--state", "model_id": "--model"}) as client:
        found = client.alerts(model_id=model, state=state)
    if as_json:
        print(document_text(found))
    elif not found:
        empty = "no alerts; `sidecar alerts create` makes one"
        print(none_of("alerts", empty, state=state, model=model))
    else:
        from rich.console import Console

        from sidecar.cli.show_alerts import alerts_table

        alerts_table(found, Console())


def threshold_number(given: str | float) -> float:
    """The number of ``--threshold``.

    >>> threshold_number("0.05")
    0.05
    """
    try:
        return float(given)
    except ValueError:
        hint = "; shares are 0 to 1: 5 % is 0.05" if "%" in str(given) else ""
        raise typer.BadParameter(f"{given!r} is no number{hint}") from None


Metric = Annotated[
    str, typer.Option(help="What is watched; `sidecar alerts metrics` lists them.", autocompletion=alert_metrics)
]
Operator = Annotated[
    str, typer.Option(help="lt, lte, gt, gte, or anomaly.", autocompletion=one_of("lt", "lte", "gt", "gte", "anomaly"))
]
Window = Annotated[str, typer.Option(help="The time it is measured over, e.g. 15m, 1h.")]
Threshold = Annotated[
    float | None, typer.Option(parser=threshold_number, metavar="NUMBER", help="What it is compared with.")
]
For = Annotated[str | None, typer.Option("--for", help="How long it must hold, e.g. 5m.")]
Class = Annotated[str | None, typer.Option("--class", help="The class, for class_share.")]
Compare = Annotated[
    str | None,
    typer.Option(
        help="value, baseline_ratio or baseline_difference.  \\[default: value]",
        autocompletion=one_of("value", "baseline_ratio", "baseline_difference"),
    ),
]
Sensitivity = Annotated[float | None, typer.Option(help="Of an anomaly, in robust standard deviations.")]
MinSamples = Annotated[int | None, typer.Option(help="Fewer in the window count as no data.")]
NoData = Annotated[
    str | None,
    typer.Option(help="What no data does to the state: keep, ok or fire.", autocompletion=one_of("keep", "ok", "fire")),
]
Slice = Annotated[str, typer.Option(help="Only this slice of the traffic.")]


@app.command()
def create(
    context: typer.Context,
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A model's name or NAME@VERSION; '' for the sidecar itself.", autocompletion=models
        ),
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the alert is called.")],
    metric: Metric,
    operator: Operator,
    window: Window,
    threshold: Threshold = None,
    for_: For = None,
    class_: Class = None,
    compare: Compare = None,
    sensitivity: Sensitivity = None,
    min_samples: MinSamples = None,
    no_data: NoData = None,
    notify: Annotated[
        list[str] | None, typer.Option(help="A channel, e.g. email:team@company.com; repeatable.")
    ] = None,
    slice: Slice = "",
    disabled: Annotated[bool, typer.Option("--disabled", help="Create it, but do not evaluate it yet.")] = False,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Create an alert on a metric of a model."""
    condition = _condition(
        metric, operator, threshold, window, for_, class_, compare, sensitivity, min_samples, no_data
    )
    with asking(context, url, token, _FLAGS | {"slice": "--slice"}) as client:
        made = client.create_alert(model, name, condition, notify, slice, not disabled)
    if as_json:
        print(document_text(made))
    else:
        from rich.console import Console

        from sidecar.cli.show_alerts import alert_facts

        alert_facts(made, [], Console())


@app.command()
def preview(
    context: typer.Context,
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A model's name or NAME@VERSION.", autocompletion=models)
    ],
    metric: Metric,
    operator: Operator,
    window: Window,
    threshold: Threshold = None,
    for_: For = None,
    class_: Class = None,
    compare: Compare = None,
    sensitivity: Sensitivity = None,
    min_samples: MinSamples = None,
    no_data: NoData = None,
    slice: Slice = "",
    period: Annotated[
        str, typer.Option(help="The past to look at, up to 30d: a length such as 7d, or 2024-01-01:2024-01-31.")
    ] = "7d",
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """When an alert would have fired; none is created."""
    condition = _condition(
        metric, operator, threshold, window, for_, class_, compare, sensitivity, min_samples, no_data
    )
    with asking(context, url, token, _FLAGS | {"slice": "--slice", "period": "--period"}) as client:
        found = client.preview_alert(model, condition, slice, period)
    if as_json:
        print(document_text(found))
    else:
        from rich.console import Console

        from sidecar.cli.show_alert_preview import alert_preview

        alert_preview(found, Console())


def _condition(
    metric: str,
    operator: str,
    threshold: float | None,
    window: str,
    for_: str | None,
    class_: str | None,
    compare: str | None,
    sensitivity: float | None,
    min_samples: int | None,
    no_data: str | None,
) -> dict[str, Any]:
    """The condition that options name; what is not given is left out."""
    parts: dict[str, Any] = {
        "metric": metric,
        "operator": operator,
        "threshold": threshold,
        "window": window,
        "for": for_,
        "class": class_,
        "compare": compare,
        "sensitivity": sensitivity,
        "min_samples": min_samples,
        "no_data": no_data,
    }
    return {key: value for key, value in parts.items() if value is not None}


@app.command()
def show(context: typer.Context, alert_id: AlertId, url: Url = URL, token: Token = None, as_json: Json = False) -> None:
    """One alert: how it stands, its channels, and what was sent to them."""
    with asking(context, url, token, _FLAGS) as client:
        alert = client.get_alert(_id(client, alert_id))
        sent = client.alert_notifications(alert.alert_id)
    if as_json:
        print(document_text({**alert, "notifications": sent}))
    else:
        from rich.console import Console

        from sidecar.cli.show_alerts import alert_facts

        alert_facts(alert, sent, Console())


@app.command()
def ack(
    context: typer.Context,
    alert_id: AlertId,
    by: By = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Take note of a firing alert: it is not repeated until it fires again."""
    with asking(context, url, token, _FLAGS) as client:
        alert = client.acknowledge_alert(_id(client, alert_id), by_whom(by))
    _say(alert, f"acknowledged by {alert.acknowledged_by}", as_json)


@app.command()
def silence(
    context: typer.Context,
    alert_id: AlertId,
    for_: Annotated[str | None, typer.Option("--for", help="How long, e.g. 2h.")] = None,
    until: Annotated[str | None, typer.Option(help="A time with an offset, e.g. 2024-02-01T08:00:00Z.")] = None,
    end: Annotated[bool, typer.Option("--end", help="End the silence.")] = False,
    by: By = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Send no notices of an alert for some time, or end that."""
    if [for_ is not None, until is not None, end].count(True) != 1:
        fail("give one of --for, --until and --end")
    who = by_whom(by)
    with asking(context, url, token, _FLAGS) as client:
        if end:
            alert = client.end_silence(_id(client, alert_id), by=who)
        else:
            alert = client.silence_alert(_id(client, alert_id), until=until, for_=for_, by=who)
    silenced = alert.silenced_until
    _say(alert, "not silenced" if silenced is None else f"silenced until {moment(silenced)} UTC", as_json)


@app.command("test")
def try_channels(
    context: typer.Context, alert_id: AlertId, url: Url = URL, token: Token = None, as_json: Json = False
) -> None:
    """Send a test notice to every channel of an alert. Exit code 1 where one failed, or there is none."""
    with asking(context, url, token, _FLAGS) as client:
        results = client.test_alert(_id(client, alert_id))
    if as_json:
        print(document_text(results))
    elif not results:
        print("the alert has no channels to test: give it some with `notify` of PATCH /api/v1/alerts/ID,")
        print("or make one that has with `sidecar alerts create ... --notify CHANNEL`")
    else:
        from rich.console import Console

        from sidecar.cli.show_alerts import tests_table

        tests_table(results, Console())
    raise SystemExit(0 if results and all(item.ok for item in results) else 1)


@app.command()
def delete(
    context: typer.Context, alert_id: AlertId, url: Url = URL, token: Token = None, as_json: Json = False
) -> None:
    """Delete an alert; its history stays."""
    with asking(context, url, token, _FLAGS) as client:
        alert = client.delete_alert(_id(client, alert_id))
    _say(alert, "deleted", as_json)


@app.command()
def history(
    context: typer.Context,
    alert_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Only of this alert.", autocompletion=completing.alerts)
    ] = None,
    model: Annotated[str | None, typer.Option(help="Only of alerts of one model.", autocompletion=models)] = None,
    limit: Limit = 50,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Changes of state, newest first."""
    with asking(context, url, token, _FLAGS | {"model_id": "--model"}) as client:
        of = None if alert_id is None else _id(client, alert_id)
        pages = client.alert_transitions(alert_id=of, model_id=model, limit=min(limit, 1_000))
        found = list(islice(pages, limit))
    if as_json:
        print(document_text(found))
    elif not found:
        empty = "no alert has changed its state yet"
        print(none_of("changes of state", empty, of=alert_id, model=model))
    else:
        from rich.console import Console

        from sidecar.cli.show_alerts import transitions_table

        transitions_table(found, Console())


@app.command()
def metrics(context: typer.Context, url: Url = URL, token: Token = None, as_json: Json = False) -> None:
    """What an alert can watch."""
    with asking(context, url, token) as client:
        found = client.alert_metrics()
    if as_json:
        print(document_text(found))
    else:
        from rich.console import Console

        from sidecar.cli.show_alerts import metrics_table

        metrics_table(found, Console())


def _id(client: Client, wanted: str) -> str:
    return picked(client.alerts(), "alert_id", wanted)


def _say(alert: Any, what: str, as_json: bool) -> None:
    print(document_text(alert) if as_json else clean(f"{alert.name}: {what}"))
