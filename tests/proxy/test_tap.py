"""The worker's end of the link, against a monitor that dies."""

from __future__ import annotations

import asyncio
from dataclasses import fields, replace
from pathlib import Path

from sidecar.link import FrameDecoder, Kind, pack_frame
from sidecar.proxy.asks import Asks
from sidecar.proxy.counts import CountBook
from sidecar.proxy.ring import Ring
from sidecar.proxy.tap import Tap
from sidecar.shipping import unpack_exchanges
from sidecar.types import Exchange
from tests.kit.upstream import until


def exchange(prediction_id: str, body: bytes = b"") -> Exchange:
    plain = {"str": "", "int": 0, "float": 0.0, "bool": False, "bytes": b"", "Role": "serving"}
    values = {field.name: plain.get(str(field.type), ()) for field in fields(Exchange)}
    return Exchange(**{**values, "prediction_id": prediction_id, "response_body": body})


def tap_at(path: Path, bytes_max: int = 1 << 20) -> Tap:
    ring = Ring(1 << 20, 5.0, 30.0)
    clock = asyncio.get_running_loop().time
    return Tap(str(path), 0, 1, bytes_max, CountBook(), ring, Asks(1), dict, lambda settings: None, lambda: 1, clock)


async def test_frame_that_kills_the_monitor_twice_alone_is_dropped_and_the_rest_arrives(tmp_path: Path) -> None:
    """Suspects go one at a time after a crash; the guilty one is counted as poison, the others are committed."""
    committed: list[str] = []

    async def monitor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = FrameDecoder()
        while received := await reader.read(1 << 16):
            for frame in decoder.feed(received):
                if frame.kind is Kind.EXCHANGES:
                    names = [item.prediction_id for item in unpack_exchanges(frame.payload)]
                    if "poison" in names:
                        writer.transport.abort()
                        return
                    committed.extend(names)
                    writer.write(pack_frame(Kind.ACK, sequence=frame.sequence))
        writer.close()

    tap = tap_at(tmp_path / "link")
    for name in ("one", "poison", "two"):
        tap.exchange(exchange(name))
        tap.flush()
    server = await asyncio.start_unix_server(monitor, tmp_path / "link")
    tap.start()
    await until(lambda: "two" in committed)
    assert "one" in committed
    assert tap.dropped == {"link/poison": 1}
    await until(lambda: tap.backlog_bytes == 0)
    await tap.close(1.0)
    server.close()


async def test_full_tap_drops_and_counts_exchanges_but_keeps_counts(tmp_path: Path) -> None:
    """While the monitor is away the bound holds, each dropped exchange is counted, and counts merge in the book."""
    tap = tap_at(tmp_path / "link", bytes_max=10_000)
    for _ in range(20):
        tap.exchange(exchange("x", bytes(1_000)))
    assert tap.backlog_bytes <= 10_000
    assert tap.dropped["tap/overflow"] > 0
    await tap.close(0.0)


async def test_copies_leave_half_of_the_tap_to_what_clients_were_answered(tmp_path: Path) -> None:
    """A shadow with huge answers loses their bodies, counted, and neither their records nor others'."""
    tap = tap_at(tmp_path / "link", bytes_max=100_000)
    for number in range(40):
        tap.exchange(replace(exchange(f"{number}-shadow", bytes(5_000)), role="shadow"))
    assert tap.backlog_bytes <= 60_000
    for number in range(8):
        tap.exchange(exchange(str(number), bytes(5_000)))
    assert "tap/overflow" not in tap.dropped
    assert tap.dropped["tap/shadow_body"] >= 25
    await tap.close(0.0)
