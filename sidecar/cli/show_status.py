"""How a sidecar is, as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from sidecar.cli.columns import Column, table_lines
from sidecar.cli.tables import hanging, text
from sidecar.cli.text import counted, moment, size

LOOPBACK = "loopback"
"""How somebody asks who showed nothing."""


def status_tables(
    status: Mapping[str, Any], who: Mapping[str, Any] | None = None, console: Console | None = None
) -> None:
    """Print a status answer of the API, and as ``who`` it was asked where that is not just anybody on this machine."""
    console = console or Console()
    verdict = Text("ok", "bold green") if status["ok"] else Text("not ok", "bold red")
    console.print(text(f"sidecar {status['version']}  up {_duration(status['uptime_s'])}  "), verdict)
    for fault in status["faults"]:
        console.print(text(f"  {fault}", "red"))
    if who is not None and who["by"] != LOOPBACK:
        console.print(text(asked_as(who), "dim"))
    heading, lines = table_lines(_worker_columns([_worker_row(worker) for worker in status["workers"]]), console.width)
    for line in (heading, *lines):
        console.print(line, soft_wrap=True)
    store = status["store"]
    state = "ok" if store.get("ok") else f"not ok ({store.get('reason', 'unknown')})"
    written = counted(store.get("predictions_written", 0), "prediction")
    hanging(console, text(f"store {state}, {size(store.get('bytes', 0))}, {written} written"), 0)
    for name in store.get("set_aside", []):
        console.print(text(f"  a damaged store was set aside: {name}"))
    if status["samples"]:
        kept = ", ".join(f"{count:,} {reason}" for reason, count in sorted(status["samples"].items()))
        head = text("samples kept: ")
        hanging(console, text(kept), head.cell_len, head)
    alerts = {state: count for state, count in status.get("alerts", {}).items() if count}
    if alerts:
        told = ", ".join(f"{count:,} {state}" for state, count in alerts.items())
        console.print(text(f"alerts: {told}", "yellow" if alerts.get("firing") else ""))
    for drop in status["dropped"]:
        console.print(text(f"dropped: {drop['count']:,} at {drop['stage']} ({drop['reason']})", "yellow"))
    for item in status["outbox"]:
        age = _duration(item["oldest_age_s"])
        console.print(
            text(f"stream {item['destination']}: {item['sent']:,} sent, {item['items']:,} waiting since {age}")
        )


def asked_as(who: Mapping[str, Any]) -> str:
    """Who asked, what they may do, and until when.

    >>> asked_as({"name": "ci", "scopes": ["read", "feedback"], "by": "token", "expires_at": 1_700_000_040})
    'asked as ci (read, feedback), by token until 2023-11-14 22:14 UTC'
    """
    until = "" if who["expires_at"] is None else f" until {moment(who['expires_at'])[:16]} UTC"
    return f"asked as {who['name']} ({', '.join(who['scopes'])}), by {who['by']}{until}"


def _worker_columns(rows: Sequence[Sequence[str]]) -> list[Column]:
    """Where the terminal is narrow the figures go first: whether a worker and its upstreams are there stays."""
    cells = list(zip(*rows, strict=True)) or [()] * 7
    worker, pid, state, in_flight, connections, upstreams, memory = ([text(cell) for cell in of] for of in cells)
    return [
        Column("worker", worker),
        Column("pid", pid, drop=1),
        Column("state", state),
        Column("in flight", in_flight, drop=2),
        Column("connections", connections, drop=3),
        Column("upstreams", upstreams, least=9, most=200),
        Column("memory", memory, drop=4),
    ]


def _worker_row(worker: Mapping[str, Any]) -> tuple[str, ...]:
    told = worker["status"]
    upstreams = ", ".join(
        f"{name} {'up' if facts.get('up') else 'down'}" for name, facts in told.get("upstreams", {}).items()
    )
    return (
        str(worker["worker"]),
        str(worker["pid"]),
        "connected" if worker["connected"] else "away",
        str(told.get("in_flight", "")),
        str(told.get("connections", "")),
        upstreams,
        size(told.get("rss_bytes", 0)),
    )


def _duration(seconds: float) -> str:
    """
    >>> _duration(59), _duration(3700), _duration(200_000)
    ('59 s', '1 h 1 min', '2 d 7 h')
    """
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86_400:
        return f"{whole // 3_600} h {whole % 3_600 // 60} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3_600} h"
