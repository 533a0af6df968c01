"""The part of ``sidecar ab-test`` that changes a test which was begun: its traffic, and how it ends."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sidecar.cli.asking import URL, Json, Token, Url, asking
from sidecar.cli.text import document_text
from sidecar.cli.trials import AB_FLAGS, Reason, TestId, ab_test_id, split_of, variant_named


def pause(context: typer.Context, test_id: TestId, url: Url = URL, token: Token = None, as_json: Json = False) -> None:
    """Send all traffic to control until it is resumed."""
    with asking(context, url, token, AB_FLAGS) as client:
        test = client.pause_ab_test(ab_test_id(client, test_id))
    _say(test, as_json)


def resume(context: typer.Context, test_id: TestId, url: Url = URL, token: Token = None, as_json: Json = False) -> None:
    """Go on with the split of before the pause."""
    with asking(context, url, token, AB_FLAGS) as client:
        test = client.resume_ab_test(ab_test_id(client, test_id))
    _say(test, as_json)


def ramp(
    context: typer.Context,
    test_id: TestId,
    share: Annotated[
        list[str],
        typer.Argument(
            metavar="SHARE...", help="Of all treatments together, or VARIANT=SHARE for each; also B=0.1,C=0.2."
        ),
    ],
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Change the split. Units that are in treatment stay there as its share grows."""
    split = split_of(share, "SHARE")
    with asking(context, url, token, AB_FLAGS) as client:
        test = client.ramp_ab_test(ab_test_id(client, test_id), split)
    _say(test, as_json)


def stop(
    context: typer.Context,
    test_id: TestId,
    reason: Reason = "",
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """End a test for good without a decision; what served before it serves all traffic again."""
    with asking(context, url, token, AB_FLAGS) as client:
        test = client.stop_ab_test(ab_test_id(client, test_id), reason)
    _say(test, as_json)


def conclude(
    context: typer.Context,
    test_id: TestId,
    winner: Annotated[str | None, typer.Option(help="The variant decided for, or its model; none by default.")] = None,
    note: Annotated[str, typer.Option(help="Why; it is kept with the test.")] = "",
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """End a test for good with a decision. What served before it serves again; `promote` makes a treatment serve."""
    with asking(context, url, token, AB_FLAGS) as client:
        wanted = ab_test_id(client, test_id)
        variant = None if winner is None else variant_named(client.ab_test(wanted).variants, winner)
        test = client.conclude_ab_test(wanted, variant, note)
    _say(test, as_json)


def promote(
    context: typer.Context,
    test_id: TestId,
    variant: Annotated[
        str | None,
        typer.Argument(metavar="[VARIANT]", help="The variant, or its model; the first treatment by default."),
    ] = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Let a variant serve all traffic until another is promoted; a test that still runs ends with that."""
    with asking(context, url, token, AB_FLAGS) as client:
        wanted = ab_test_id(client, test_id)
        chosen = None if variant is None else variant_named(client.ab_test(wanted).variants, variant)
        test = client.promote_ab_test(wanted, chosen)
    _say(test, as_json)


def _say(test: Any, as_json: bool) -> None:
    if as_json:
        print(document_text(test))
        return
    from rich.console import Console

    from sidecar.cli.show_ab_test import traffic_text
    from sidecar.cli.show_trials import said_line

    said_line(test, traffic_text(test), Console())
