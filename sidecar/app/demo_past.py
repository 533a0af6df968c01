"""A past for the demo: days of traffic before its start, as the sidecar would have recorded them.

What the detector answers is real: scenes in several lights are shown to both of its versions, and the hours of the past
draw from those answers. When requests came, and how long they took under load, is made up: more by day than by night,
and in the last week an hour of trouble and a lens out of focus, so that alerts, charts and comparisons have something
to show.
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
import time
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sidecar.app.config import Config
from sidecar.app.demo_config import MODEL_PATH
from sidecar.app.reading import Reading
from sidecar.app.supervisor import StartError
from sidecar.monitor.buckets import WIDTHS_S
from sidecar.recording import Batch, Store, SummaryRow
from sidecar.summaries import Summary, SummaryKey
from sidecar.types import Exchange, Prediction, RequestCounts, latency_index

DAYS_MAX = 90
HOUR_S, DAY_S = 3_600, 86_400
PER_HOUR = 80.0
"""Requests an hour by noon."""
SECOND_SHARE, SECOND_SINCE = 0.2, 1 / 3
"""The second version gets this share, in the last part of the days."""
TROUBLE_H, TROUBLE_SLOWER, TROUBLE_FAILING = (50, 51), 6.0, 0.25
"""Hours before the start in which answers are slow, or 503."""
UNFOCUSED_H = (80, 86)
KEPT_S: Mapping[int, float] = {10: 4 * HOUR_S, 60: 8 * DAY_S}
"""Of the finest buckets only so much is made: of one that is old, nothing asks."""
CAMERAS = 400
GATHERING_S_MAX = 300.0


class Answer(NamedTuple):
    """What a version answered to a scene, and how long that took."""

    body: bytes
    upstream_ms: float
    request_bytes: int
    request_head: bytes
    request_headers: tuple[tuple[str, str], ...]


Answers = Mapping[tuple[str, float], Sequence[Answer]]
"""By version and light; never empty."""


async def gather_answers(url: str, pools: Path, seed: int) -> Answers:
    """What both versions of the detector at ``url`` answer to scenes in each light, by a process of its own. Raises
    StartError."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sidecar.demo.answers", "--url", url, "--path", MODEL_PATH),
        *("--pools", str(pools), "--seed", str(seed)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        told, _ = await asyncio.wait_for(process.communicate(), GATHERING_S_MAX)
    except BaseException:
        process.kill()
        raise
    if process.returncode:
        raise StartError("--past: the demo's detector could not be asked; what it says stands above")
    found: dict[tuple[str, float], list[Answer]] = {}
    for line in told.splitlines():
        of = json.loads(line)
        headers = tuple((name, value) for name, value in of["request_headers"])
        answer = Answer(
            b64decode(of["body"]), of["upstream_ms"], of["request_bytes"], b64decode(of["request_head"]), headers
        )
        found.setdefault((of["version"], of["light"]), []).append(answer)
    return found


async def record_past(data_dir: Path, config: Config, answers: Answers, days: int, now: float, seed: int) -> int:
    """Record ``days`` before ``now`` of the model ``digits`` in a new store; how many requests that is.

    It goes from one UTC day to the next, so that no bucket is made of two turns.
    """
    rng = np.random.default_rng(seed)
    reading = Reading(config)
    store = await Store.open(data_dir)
    first = int(now - days * DAY_S) // HOUR_S * HOUR_S
    recorded = 0
    try:
        for day in range(first // DAY_S, int(now) // DAY_S + 1):
            hours = range(max(first, day * DAY_S), min(int(now), (day + 1) * DAY_S), HOUR_S)
            batch = await asyncio.to_thread(_day, rng, reading, answers, hours, now, days)
            await store.commit(batch)
            recorded += len(batch.predictions)
    finally:
        await store.close()
    return recorded


def _day(
    rng: np.random.Generator, reading: Reading, answers: Answers, hours: Iterable[int], now: float, days: int
) -> Batch:
    predictions = [
        prediction
        for since in hours
        for exchange in _hour(rng, answers, since, now, days)
        for prediction in reading.predictions_of(exchange)
    ]
    return Batch(predictions=predictions, summaries=_rows(predictions, now))


def _hour(rng: np.random.Generator, answers: Answers, since: int, now: float, days: int) -> Iterator[Exchange]:
    lights = sorted({light for _, light in answers})
    daylight = _daylight(since + HOUR_S / 2)
    before_h = (now - since) / HOUR_S
    has_trouble = TROUBLE_H[0] <= before_h < TROUBLE_H[1]
    is_unfocused = UNFOCUSED_H[0] <= before_h < UNFOCUSED_H[1]
    light = lights[0] if is_unfocused else min(lights, key=lambda level: abs(level - daylight))
    n = int(rng.poisson(PER_HOUR * (0.3 + 0.7 * daylight)))
    for place, at in enumerate(sorted(since + rng.uniform(0, HOUR_S, n))):
        if at >= now:
            return
        is_second = now - at < days * DAY_S * SECOND_SINCE and rng.random() < SECOND_SHARE
        version = "2" if is_second else "1"
        chosen = answers[version, light]
        answer = chosen[int(rng.integers(len(chosen)))]
        slower = TROUBLE_SLOWER if has_trouble else 1.0
        upstream_ms = answer.upstream_ms * slower * (0.8 + 0.4 * daylight) * float(rng.lognormal(0, 0.15))
        failed = has_trouble and rng.random() < TROUBLE_FAILING
        camera = f"camera-{int(rng.integers(CAMERAS)):03d}"
        yield _exchange(f"past-{since}-{place:03d}", at, version, camera, answer, upstream_ms, failed)


def _daylight(at: float) -> float:
    """1 at noon, 0 from evening to morning, as the clocks here have it.

    >>> import os, time
    >>> os.environ["TZ"] = "UTC"; time.tzset()
    >>> [round(_daylight(hour * 3600), 2) for hour in (0, 7, 9, 12, 18)]
    [0.0, 0.26, 0.71, 1.0, 0.0]
    """
    moment = time.localtime(at)
    hour = moment.tm_hour + moment.tm_min / 60
    return max(0.0, math.sin(math.pi * (hour - 6) / 12))


def _exchange(
    name: str, at: float, version: str, camera: str, answer: Answer, upstream_ms: float, failed: bool
) -> Exchange:
    return Exchange(
        prediction_id=name,
        started_at=at,
        worker=0,
        settings_version=0,
        model="digits",
        dialect="v2",
        variant="B" if version == "2" else "A",
        version=version,
        role="serving",
        experiment="",
        epoch=0,
        unit=camera,
        slice="",
        method="POST",
        path="/v2/models/digits/infer",
        query="",
        status=503 if failed else 200,
        error="",
        latency_ms=upstream_ms + 0.6,
        upstream_ms=upstream_ms,
        first_byte_ms=upstream_ms * 0.98,
        request_bytes=answer.request_bytes,
        response_bytes=len(answer.body),
        response_too_large=False,
        pinned=(),
        request_headers=answer.request_headers,
        response_headers=(("content-type", "application/json"),),
        request_head=answer.request_head,
        response_body=b"" if failed else answer.body,
    )


def _rows(predictions: Sequence[Prediction], now: float) -> list[SummaryRow]:
    """The summaries of what was predicted, of every width that is asked for."""
    grouped: dict[SummaryKey, list[Prediction]] = {}
    for item in predictions:
        name = (item.model, item.version, item.role, item.experiment, item.epoch, item.slice)
        for width_s in WIDTHS_S:
            if now - item.at <= KEPT_S.get(width_s, math.inf):
                grouped.setdefault(SummaryKey(int(item.at) // width_s * width_s, width_s, *name), []).append(item)
    found = []
    for key, items in grouped.items():
        summary = Summary()
        summary.add_predictions(items)
        summary.add_counts(_counts(key, items))
        found.append(SummaryRow(**key._asdict(), revision=1, payload=summary.encode()))
    return found


def _counts(key: SummaryKey, items: Sequence[Prediction]) -> RequestCounts:
    counts = RequestCounts(key.bucket, key.model, key.version, "serving", key.experiment, key.epoch, key.slice)
    counts.requests = len(items)
    for item in items:
        counts.statuses[item.status] = counts.statuses.get(item.status, 0) + 1
        for histogram, value_ms in ((counts.latency, item.latency_ms), (counts.upstream, item.upstream_ms)):
            index = latency_index(value_ms)
            histogram[index] = histogram.get(index, 0) + 1
        counts.latency_sum_us += round(item.latency_ms * 1_000)
        counts.upstream_sum_us += round(item.upstream_ms * 1_000)
    return counts
