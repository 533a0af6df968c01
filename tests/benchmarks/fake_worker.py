"""A worker that relays nothing: it makes exchanges at a fixed rate and ships them as a worker does.

    python tests/benchmarks/fake_worker.py LINK PER_SECOND SECONDS

The tap, its ring and its counts are the product's own, so what is sent, acknowledged, dropped and asked for is real;
only the traffic is made up. Answers have 20 detections each, 64 different ones. At the end it prints a line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sidecar.proxy.asks import Asks
from sidecar.proxy.counts import BUCKET_S, CountBook
from sidecar.proxy.ring import Ring
from sidecar.proxy.routing import Router, served_version
from sidecar.proxy.tap import Tap
from sidecar.types import Exchange, Limits, ProxySettings
from tests.benchmarks.proxy_stub import TARGET, reply_body

WORKER = 7
BODY = b"x" * 1_000
BODIES = [reply_body(number) for number in range(64)]
STEP_S = 0.005
"""How often exchanges are made; at 10,000/s that is 50 at a time."""
SETTINGS_WAIT_S = 20.0
ACKNOWLEDGED_WAIT_S = 60.0
FIELDS = (("content-type", "application/json"),)


class FakeWorker:
    """``sent`` exchanges were handed to the tap; what it had no room for it counted."""

    def __init__(self, link: str) -> None:
        limits = Limits()
        self.settings: ProxySettings | None = None
        self.router: Router | None = None
        self.sent = 0
        self.backlog_bytes_max = 0
        self._random = random.Random(time.time_ns())
        self._book = CountBook()
        self._ring = Ring(limits.ring_bytes_max, limits.ring_age_s, limits.pin_age_s)
        self.tap = Tap(
            path=link,
            worker=WORKER,
            epoch=time.time_ns(),
            bytes_max=limits.tap_bytes_max,
            book=self._book,
            ring=self._ring,
            asks=Asks(1),
            status=self._status,
            apply=self._apply,
            settings_version=lambda: self.settings.version if self.settings else 0,
            clock=time.monotonic,
        )

    def _apply(self, settings: ProxySettings) -> None:
        self.settings, self.router = settings, Router(settings)

    def _status(self) -> dict[str, Any]:
        return {
            "requests": self._book.requests,
            "limits_hit": {},
            "cpu_s": time.process_time(),
            "ring_bytes": self._ring.bytes,
            "ring_items": len(self._ring),
            "settings": self.settings.version if self.settings else 0,
        }

    async def run(self, per_second: float, seconds: float) -> dict[str, Any]:
        """Feeds, then waits until all is acknowledged."""
        self.tap.start()
        await self._await_test()
        cpu_s, started = time.process_time(), time.perf_counter()
        due = 0
        while (elapsed := time.perf_counter() - started) < seconds:
            due = int(elapsed * per_second)
            self._feed(due - self.sent)
            await asyncio.sleep(STEP_S)
        fed_s = time.perf_counter() - started
        self.tap.flush()
        while self.tap.backlog_bytes and time.perf_counter() - started < seconds + ACKNOWLEDGED_WAIT_S:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        acknowledged_s = time.perf_counter() - started
        cpu_s = time.process_time() - cpu_s
        await self.tap.close(2.0)
        return {
            "sent": self.sent,
            "per_second": self.sent / fed_s,
            "dropped": self.tap.dropped,
            "backlog_bytes_max": self.backlog_bytes_max,
            "drained_s": acknowledged_s - fed_s,
            "feeder_us": cpu_s / max(self.sent, 1) * 1e6,
        }

    async def _await_test(self) -> None:
        """Until the monitor has told of the A/B test."""
        ends = time.monotonic() + SETTINGS_WAIT_S
        while self.settings is None or not self.settings.experiments:
            if time.monotonic() > ends:
                raise TimeoutError("the monitor did not send settings with an A/B test")
            await asyncio.sleep(0.02)

    def _feed(self, count: int) -> None:
        now = time.time()
        for _ in range(count):
            self._one(now)
        self._ring.expire(time.monotonic())
        self.backlog_bytes_max = max(self.backlog_bytes_max, self.tap.backlog_bytes)

    def _one(self, now: float) -> None:
        assert self.router is not None
        assert self.settings is not None
        bits = self._random.getrandbits(74)
        name = f"{int(now * 1000):012x}7{bits >> 62:03x}{8 | (bits >> 60 & 3):x}{bits & (1 << 60) - 1:015x}"
        match = self.router.match("POST", TARGET)
        assert match is not None
        pinned = self.router.pinned(match.model, name)
        assignment = self.router.assign(match, "127.0.0.1", name, lambda _: None)
        variant = next(one for one in self.settings.variants if one.name == assignment.variant)
        latency_ms = self._random.uniform(5.0, 40.0)
        version = served_version(variant, match)
        key = (int(now) // BUCKET_S * BUCKET_S, match.model, version, assignment.role)
        self._book.add((*key, assignment.experiment, assignment.epoch, ""), 200, "", latency_ms, latency_ms - 0.2)
        kept = self._ring.open(name, bool(pinned))
        self._ring.append(kept, BODY)
        self._ring.end(kept, time.monotonic())
        body = BODIES[bits & 63]
        self.sent += 1
        self.tap.exchange(
            Exchange(
                prediction_id=name,
                started_at=now,
                worker=WORKER,
                settings_version=self.settings.version,
                model=match.model,
                dialect=match.dialect,
                variant=variant.name,
                version=version,
                role=assignment.role,
                experiment=assignment.experiment,
                epoch=assignment.epoch,
                unit=assignment.unit,
                slice="",
                method="POST",
                path=TARGET,
                query="",
                status=200,
                error="",
                latency_ms=latency_ms,
                upstream_ms=latency_ms - 0.2,
                first_byte_ms=latency_ms - 0.1,
                request_bytes=len(BODY),
                response_bytes=len(body),
                response_too_large=False,
                pinned=pinned,
                request_headers=(("content-type", "application/octet-stream"),),
                response_headers=FIELDS,
                request_head=BODY,
                response_body=body,
            )
        )


if __name__ == "__main__":
    import uvloop

    path, rate, duration = sys.argv[1:]
    print(json.dumps(uvloop.run(FakeWorker(path).run(float(rate), float(duration)))))
