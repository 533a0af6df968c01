"""What the commands of A/B tests and of shadow tests have in common: how shares are written, which test is meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sidecar.cli import completing
from sidecar.cli.asking import fail, picked

if TYPE_CHECKING:
    from sidecar.client import Client

TestId = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="A test: its id, the beginning of it, or its name.", autocompletion=completing.tests
    ),
]
Status = Annotated[
    str | None,
    typer.Option(
        help="Only those running, paused, completed, stopped or concluded.",
        autocompletion=completing.one_of("running", "paused", "completed", "stopped", "concluded"),
    ),
]
Model = Annotated[str | None, typer.Option(help="Only those of one model.", autocompletion=completing.models)]
Days = Annotated[float | None, typer.Option(help="How many days it runs, paused time not counted; 7 by default.")]
Endless = Annotated[bool, typer.Option("--until-stopped", help="Run until somebody ends it, in place of --days.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept with the test.")]

RAMP_HOURS_MAX = 24 * 366
"""As long as a test may last."""
AB_FLAGS = {
    "name": "NAME",
    "id": "ID",
    "status": "ID",
    "model": "--a",
    "model_a_id": "--a",
    "model_b_id": "--b",
    "config.traffic_split": "--split",
    "config.metrics": "--metric",
    "config.duration_days": "--days",
    "config.unit": "--unit",
    "config.treatments": "--treatment",
    "config.guardrails": "--guardrail",
    "config.ramp": "--ramp",
    "config.alpha": "--alpha",
    "config.plan_units": "--plan-units",
    "config.effect": "--effect",
    "config.exclude": "--exclude",
    "config.override_header": "--override",
    "config.failover": "--failover",
    "config.notify": "--notify",
    "traffic_split": "SHARE",
    "variant": "VARIANT",
    "winner": "--winner",
    "note": "--note",
    "reason": "--reason",
    "model_id": "--model",
    "metric": "--metric",
}
"""What on the command line a field of an A/B test is."""


def share_number(given: str, flag: str) -> float:
    """A share as it is typed; ends the command where it is none.

    >>> share_number("0.1", "--share")
    0.1
    """
    return _number(given, flag, "; shares are 0 to 1: 10 % is 0.1" if "%" in given else "")


def _number(given: str, flag: str, hint: str = "") -> float:
    try:
        return float(given)
    except ValueError:
        fail(f"{flag}: {given!r} is no number{hint}")


def split_of(given: Sequence[str], flag: str) -> float | dict[str, float]:
    """One share, or one of each variant as VARIANT=SHARE, repeated or with commas between them; ends the command where
    it is neither.

    >>> split_of(["0.1"], "--split"), split_of(["B=0.1", "C=0.2"], "--split"), split_of(["B=0.1,C=0.2"], "--split")
    (0.1, {'B': 0.1, 'C': 0.2}, {'B': 0.1, 'C': 0.2})
    """
    parts = _parts(",".join(given))
    if len(parts) == 1 and "=" not in parts[0]:
        return share_number(parts[0], flag)
    named = [part.rpartition("=") for part in parts]
    names = {name for name, _, _ in named}
    if not named or "" in names or len(names) < len(named):
        fail(f"{flag}: give one share, or VARIANT=SHARE once for each treatment")
    return {name.strip(): share_number(share.strip(), flag) for name, _, share in named}


def _parts(given: str) -> list[str]:
    """What stands between commas."""
    return [part.strip() for part in given.split(",") if part.strip()]


def days_of(days: float | None, endless: bool) -> dict[str, Any]:
    """``duration_days`` of a config, where it is given.

    >>> days_of(None, False), days_of(2.0, False), days_of(None, True)
    ({}, {'duration_days': 2.0}, {'duration_days': None})
    """
    if days is not None and endless:
        fail("give one of --days and --until-stopped")
    return {"duration_days": days} if days is not None or endless else {}


def given_only(options: Mapping[str, Any]) -> dict[str, Any]:
    """Without those that were not given.

    >>> given_only({"unit": None, "exclude": "x-probe"})
    {'exclude': 'x-probe'}
    """
    return {key: value for key, value in options.items() if value is not None}


def guardrail_of(given: str) -> dict[str, Any]:
    """A guardrail as it is typed: METRIC=MARGIN, or METRIC=MARGIN,FLOOR; ends the command where it is neither.

    >>> guardrail_of("latency=1.1"), guardrail_of("error_rate=1.5,0.005")
    ({'metric': 'latency', 'margin': 1.1}, {'metric': 'error_rate', 'margin': 1.5, 'floor': 0.005})
    """
    metric, equals, rest = given.partition("=")
    numbers = rest.split(",")
    if not equals or len(numbers) > 2:
        fail(f"--guardrail: {given!r} is no guardrail, expected METRIC=MARGIN, such as latency=1.1")
    values = [_number(item.strip(), "--guardrail") for item in numbers]
    return {"metric": metric, **dict(zip(("margin", "floor"), values, strict=False))}


def ramp_of(shares: str | None, hours: float | None, units: int | None) -> dict[str, Any]:
    """``ramp`` of a config, where it is given; ends the command where it can't be read.

    >>> ramp_of(None, None, None), ramp_of("0.1, 0.5", 2.0, None)
    ({}, {'ramp': {'shares': [0.1, 0.5], 'hours': 2.0}})
    """
    if shares is None:
        if hours is not None or units is not None:
            fail("--ramp-hours and --ramp-units: belong to --ramp")
        return {}
    steps = [share_number(part, "--ramp") for part in _parts(shares)]
    return {"ramp": given_only({"shares": steps, "hours": hours, "units": units})}


def ab_test_id(client: Client, wanted: str) -> str:
    """The id of the A/B test that is meant."""
    return picked(client.ab_tests(), "id", wanted)


def shadow_test_id(client: Client, wanted: str) -> str:
    """The id of the shadow test that is meant."""
    return picked(client.shadow_tests(), "id", wanted)


def variant_named(variants: Sequence[Mapping[str, Any]], wanted: str) -> str:
    """The variant's name; its model's id does as well. What is neither is left as it is: the sidecar will say so.

    >>> variant_named([{"id": "digits@2", "variant": "B"}], "digits@2")
    'B'
    """
    if any(item["variant"] == wanted for item in variants):
        return wanted
    found = [str(item["variant"]) for item in variants if item["id"] == wanted]
    return found[0] if len(found) == 1 else wanted
