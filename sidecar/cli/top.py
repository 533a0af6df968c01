"""``sidecar top``: what goes through a running sidecar, as it goes."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from sidecar.cli.asking import PICKED_MAX, URL, Token, Url, address_of, asking, fail, refusal
from sidecar.cli.completing import models
from sidecar.cli.text import clean, document_line

if TYPE_CHECKING:
    from rich.console import Console, Group

    from sidecar.cli.figures import Feed
    from sidecar.client import Client

TICK_S = 0.1
"""How long a key waits at most for its effect."""
INTERVAL_S_MAX = 60
_LEAVE = "qQ\x03\x04"
_HINT = "q leaves"
_FLAGS = {"model": "--model", "interval_s": "--interval"}


def top(
    context: typer.Context,
    model: Annotated[
        str | None, typer.Option(help="Only one model, or one version: NAME@VERSION.", autocompletion=models)
    ] = None,
    interval: Annotated[float, typer.Option(help="Seconds between figures.", min=1, max=INTERVAL_S_MAX)] = 1.0,
    url: Url = URL,
    token: Token = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines: a JSON object a line, without end.")] = False,
) -> None:
    """A live view of requests, latency, confidence, classes, tests, alerts and faults. q or Ctrl-C leaves.

    Without a terminal it is one table.
    """
    with asking(context, url, token, _FLAGS) as client:
        if model is not None:
            _check(client, model)
        if as_json:
            _lines(client, interval, model)
            return
        from rich.console import Console

        console = Console(highlight=False)
        where = address_of(context, url).partition("://")[2]
        if sys.stdout.isatty() and not console.is_dumb_terminal:
            _view(client, interval, model, where, console)
        else:
            _once(client, model, where, console)


def _check(client: Client, model: str) -> None:
    """End the command where the sidecar knows models, but none that is called so: nothing would ever be seen of it."""
    known = [item.id for item in client.models()]
    if known and model not in known:
        shown = ", ".join(known[:PICKED_MAX]) + (" and others" if len(known) > PICKED_MAX else "")
        fail(f"--model: no model or version is called {model!r}; there are {shown}")


def _lines(client: Client, interval_s: float, model: str | None) -> None:
    """Figures as JSON, a line each. Ends with Ctrl-C, or when nobody reads them."""
    from sidecar.cli.figures import followed

    client.live_snapshot(model)  # where nobody answers at the start, it is the address that is wrong
    gone = False

    def away(why: str) -> None:
        nonlocal gone
        if not gone:
            print(f"sidecar: away: {clean(why)}", file=sys.stderr)
        gone = True

    for figures in followed(client, interval_s, model, away, time.sleep):
        if gone:
            print("sidecar: back", file=sys.stderr)
            gone = False
        print(document_line(figures), flush=True)


def _once(client: Client, model: str | None, where: str, console: Console) -> None:
    from sidecar.cli.show_top import View, screen

    for line in screen(View(client.live_snapshot(model), where), console.width, None):
        console.print(line, soft_wrap=True)


def _view(client: Client, interval_s: float, model: str | None, where: str, console: Console) -> None:
    """Until somebody leaves. Ends the command where the sidecar refuses."""
    from rich.live import Live

    from sidecar.cli.figures import Feed
    from sidecar.cli.keys import ended_by_signals, keys

    feed = Feed(client, interval_s, model, client.live_snapshot(model))
    try:
        with ended_by_signals(), keys() as pressed, Live(console=console, screen=True, auto_refresh=False) as shown:
            drawn: object = None
            while feed.refused is None:
                now = time.monotonic()
                state = (feed.version, console.size, int(now))
                if state != drawn:
                    shown.update(_drawing(feed, where, console, now, interval_s), refresh=True)
                    drawn = state
                if any(key in _LEAVE for key in pressed(TICK_S)):
                    return
    except KeyboardInterrupt:
        return
    finally:
        feed.stop()
    fail(refusal(feed.refused, _FLAGS))


def _drawing(feed: Feed, where: str, console: Console, now: float, interval_s: float) -> Group:
    from rich.console import Group

    from sidecar.cli.show_top import View, screen

    seen = feed.seen
    notice, bad = seen.notice(now, interval_s)
    view = View(seen.figures, where, seen.rates, notice, bad, _HINT)
    return Group(*screen(view, console.width, console.height))
