"""How a sidecar is, as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from sidecar.cli.columns import Column, table_lines
from sidecar.cli.tables import hanging, text
from sidecar.cli.text import counted, moment, size

WIDE = 100
"""Columns a terminal needs for a worker's requests and restarts beside the rest."""
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
    columns = _worker_columns([_worker_row(worker) for worker in status["workers"]])
    if console.width < WIDE:
        columns = [column for column in columns if column.heading not in ("requests", "restarts")]
    heading, lines = table_lines(columns, console.width)
    for line in (heading, *lines):
        console.print(line, soft_wrap=True)
    for word, of_store in store_lines(status["store"]):
        _told(console, word, of_store)
    backlog = [said for entry in status["backlog"] if (said := backlog_text(entry))]
    if backlog:
        head = text("waiting: ")
        hanging(console, text(", ".join(backlog)), head.cell_len, head)
    if status["samples"]:
        kept = ", ".join(f"{count:,} {reason}" for reason, count in sorted(status["samples"].items()))
        head = text("samples kept: ")
        hanging(console, text(kept), head.cell_len, head)
    alerts = {state: count for state, count in status.get("alerts", {}).items() if count}
    if alerts:
        told = ", ".join(f"{count:,} {state}" for state, count in alerts.items())
        console.print(text(f"alerts: {told}", "yellow" if alerts.get("firing") else ""))
    for word, of_address in address_lines(status.get("addresses", ())):
        _told(console, word, of_address, "yellow")
    for entry in status.get("certificates", ()):
        _told(console, "TLS: ", certificate_text(entry), _certificate_style(entry))
    for drop in status["dropped"]:
        what = f"{drop['count']:,} at {drop['stage']} ({drop['reason']})"
        _told(console, "dropped: ", f"{what}: {drop['meaning']}" if drop["meaning"] else what, "yellow")
    for met in status["limits_hit"]:
        what = f"{met['count']:,} times {met['limit']}"
        _told(console, "limit met: ", f"{what}: {met['meaning']}" if met["meaning"] else what, "yellow")
    for item in status["outbox"]:
        age = _duration(item["oldest_age_s"])
        console.print(
            text(f"stream {item['destination']}: {item['sent']:,} sent, {item['items']:,} waiting since {age}")
        )


def _told(console: Console, word: str, said: str, style: str = "") -> None:
    """A line that begins with ``word``; what does not fit goes on beneath what comes after that."""
    head = text(word, style)
    hanging(console, text(said, style), head.cell_len, head)


def store_lines(store: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The store in a line or two, each as its first word and the rest; the first says whether it takes writes.

    >>> store = {"ok": True, "bytes": 64_500, "images_bytes": 0, "kept_bytes": 0, "used_bytes": 60_000, "age_days": 30,
    ...     "bytes_max": 10_000_000, "disk_free_bytes": 2_000_000_000, "set_aside": [], "predictions_written": 7}
    >>> store_lines(store)[1]
    ('room: ', '60 kB of 10 MB used, 2 GB free on the disk; what is older than 30 days goes, or the oldest for room')
    """
    state = "ok" if store["ok"] else f"not ok ({store['reason'] or 'unknown'})"
    written = counted(store["predictions_written"], "prediction")
    images = f"{size(store['images_bytes'])} of images" if store["images_bytes"] else "no images"
    kept = f" ({size(store['kept_bytes'])} stay)" if store["kept_bytes"] else ""
    days = counted(int(store["age_days"]), "day")
    lines = [
        ("store ", f"{state}, {size(store['bytes'])} and {images}{kept}, {written} written"),
        (
            "room: ",
            f"{size(store['used_bytes'])} of {size(store['bytes_max'])} used, {size(store['disk_free_bytes'])} free on"
            f" the disk; what is older than {days} goes, or the oldest for room",
        ),
    ]
    return lines + [("", f"a damaged store was set aside: {name}") for name in store["set_aside"]]


def address_lines(addresses: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Of the upstreams of several addresses those that do not serve, each as its first word and the rest.

    >>> one = {"worker": 0, "upstream": "A", "address": "10.0.0.7:80", "state": "up", "ejections": 0, "retry_s": None}
    >>> bad = {**one, "address": "10.0.0.8:80", "state": "down", "reason": "connection refused", "ejections": 3}
    >>> address_lines([one, bad])
    [('A at worker 0: ', '10.0.0.8:80 is down (connection refused); 1 of 2 addresses up, ejected 3 times')]
    """
    lines = []
    for entry in addresses:
        others = [one for one in addresses if (one["worker"], one["upstream"]) == (entry["worker"], entry["upstream"])]
        if entry["state"] == "up" or len(others) < 2:
            continue
        wait = "" if entry["retry_s"] is None else f", {max(entry['retry_s'], 0):.0f} s to go"
        state = ADDRESS_STATES.get(entry["state"], entry["state"])
        up = sum(one["state"] == "up" for one in others)
        times = f", ejected {counted(entry['ejections'], 'time')}" if entry["ejections"] else ""
        why = f" ({entry['reason']})" if entry.get("reason") else ""
        said = f"{entry['address']} {state}{why}{wait}; {up} of {len(others)} addresses up{times}"
        lines.append((f"{entry['upstream']} at worker {entry['worker']}: ", said))
    return lines


ADDRESS_STATES = {
    "down": "is down",
    "ejected": "is ejected",
    "trial": "is tried again",
    "new": "never took a connection",
}
STAGES = {
    "tap": "with the workers",
    "link": "at the monitor",
    "writer": "with the store",
    "images": "on the way from the workers",
    "samples": "to be kept",
    "notifications": "to be told",
}
THINGS = {
    "link": "frame",
    "writer": "prediction",
    "images": "image",
    "samples": "image",
    "notifications": "notification",
}


def backlog_text(entry: Mapping[str, Any]) -> str:
    """What waits at one stage; empty where nothing does.

    >>> backlog_text({"stage": "link", "items": 2, "bytes": 1_280, "bytes_max": 64_000_000})
    '2 frames at the monitor (1.28 kB of 64 MB)'
    >>> backlog_text({"stage": "tap", "items": None, "bytes": 0, "bytes_max": 64_000_000})
    ''
    """
    items, held, stage = entry["items"], entry["bytes"], entry["stage"]
    if not items and not held:
        return ""
    where = STAGES.get(stage, f"at {stage}")
    most = f" of {size(entry['bytes_max'])}" if entry["bytes_max"] else ""
    if items is None:
        return f"{size(held)}{most} {where}"
    return f"{counted(items, THINGS.get(stage, 'item'))} {where}" + (f" ({size(held)}{most})" if held else "")


def certificate_text(entry: Mapping[str, Any]) -> str:
    """What TLS of one use is spoken with.

    >>> entry = {"use": "listen", "expires_at": 1_700_000_040, "days_left": 12.4, "fault": "", "verifies": True}
    >>> certificate_text(entry)
    'data port, its certificate ends 2023-11-14, in 12 days'
    >>> certificate_text(entry | {"use": "upstream A", "expires_at": None, "days_left": None, "verifies": False})
    'upstream A, NOT VERIFIED: whoever stands between can read and answer (tls_verify: false)'
    """
    said = "data port" if entry["use"] == "listen" else str(entry["use"])
    left = entry["days_left"]
    if left is not None:
        when = f"in {counted(int(left), 'day')}" if left > 0 else "no client takes it any more"
        said += f", its certificate {'ends' if left > 0 else 'ended'} {moment(entry['expires_at'])[:10]}, {when}"
    if not entry["verifies"]:
        said += ", NOT VERIFIED: whoever stands between can read and answer (tls_verify: false)"
    return said + (f"; the files as they are now are not taken: {entry['fault']}" if entry["fault"] else "")


def _certificate_style(entry: Mapping[str, Any]) -> str:
    if entry["fault"] or (entry["days_left"] is not None and entry["days_left"] <= 0):
        return "red"
    return "yellow" if entry["ends_soon"] or not entry["verifies"] else ""


def asked_as(who: Mapping[str, Any]) -> str:
    """Who asked, what they may do, and until when.

    >>> asked_as({"name": "ci", "scopes": ["read", "feedback"], "by": "token", "expires_at": 1_700_000_040})
    'asked as ci (read, feedback), by token until 2023-11-14 22:14 UTC'
    """
    until = "" if who["expires_at"] is None else f" until {moment(who['expires_at'])[:16]} UTC"
    return f"asked as {who['name']} ({', '.join(who['scopes'])}), by {who['by']}{until}"


def _worker_columns(rows: Sequence[Sequence[str]]) -> list[Column]:
    """Where the terminal is narrow the figures go first: whether a worker and its upstreams are there stays."""
    cells = list(zip(*rows, strict=True)) or [()] * 9
    worker, pid, state, requests, restarts, in_flight, connections, upstreams, memory = (
        [text(cell) for cell in of] for of in cells
    )
    return [
        Column("worker", worker),
        Column("pid", pid, drop=1),
        Column("state", state),
        Column("requests", requests, drop=5),
        Column("restarts", restarts, drop=6),
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
        "" if worker["requests"] is None else f"{worker['requests']:,}",
        str(worker["restarts"]),
        str(told.get("in_flight", "")),
        _connections(told),
        upstreams,
        size(told.get("rss_bytes", 0)),
    )


def _connections(told: Mapping[str, Any]) -> str:
    """Of how many, once that matters.

    >>> _connections({"connections": 12, "connections_max": 10_000}), _connections({"connections": 4_000})
    ('12', '4000')
    >>> _connections({"connections": 9_000, "connections_max": 10_000})
    '9,000 of 10,000'
    """
    now, most = told.get("connections", ""), told.get("connections_max")
    return f"{now:,} of {most:,}" if most and now >= most / 2 else str(now)


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
