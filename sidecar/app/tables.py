"""The tables that ``sidecar status`` shows a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


def status_tables(status: Mapping[str, Any], console: Console | None = None) -> None:
    """Print a status answer of the API. What came from outside is shown as text, never as markup."""
    console = console or Console()
    verdict = Text("ok", "bold green") if status["ok"] else Text("not ok", "bold red")
    console.print(Text(f"sidecar {status['version']}  up {_duration(status['uptime_s'])}  "), verdict)
    for fault in status["faults"]:
        console.print(Text(f"  {fault}", "red"))
    workers = Table(
        "worker", "pid", "state", "in flight", "connections", "upstreams", "memory", box=None, pad_edge=False
    )
    for worker in status["workers"]:
        workers.add_row(*map(Text, _worker_row(worker)))
    console.print(workers)
    store = status["store"]
    state = "ok" if store.get("ok") else f"not ok ({store.get('reason', 'unknown')})"
    console.print(
        Text(
            f"store {state}, {_size(store.get('bytes', 0))}, {store.get('predictions_written', 0)} predictions written"
        )
    )
    for name in store.get("set_aside", []):
        console.print(Text(f"  a damaged store was set aside: {name}"))
    if status["samples"]:
        kept = ", ".join(f"{count} {reason}" for reason, count in sorted(status["samples"].items()))
        console.print(Text(f"samples kept: {kept}"))
    alerts = {state: count for state, count in status.get("alerts", {}).items() if count}
    if alerts:
        told = ", ".join(f"{count} {state}" for state, count in alerts.items())
        console.print(Text(f"alerts: {told}", "yellow" if alerts.get("firing") else ""))
    for drop in status["dropped"]:
        console.print(Text(f"dropped: {drop['count']} at {drop['stage']} ({drop['reason']})", "yellow"))
    for item in status["outbox"]:
        age = _duration(item["oldest_age_s"])
        console.print(Text(f"stream {item['destination']}: {item['sent']} sent, {item['items']} waiting since {age}"))


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
        _size(told.get("rss_bytes", 0)),
    )


def _size(count: float) -> str:
    """
    >>> _size(2048), _size(5 << 20)
    ('2.0 KiB', '5.0 MiB')
    """
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


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
