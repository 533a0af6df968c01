"""The monitor's loop, from frames on a real socket to rows in a real store."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import orjson
import pytest

from sidecar.link import Kind, pack_counts, pack_frame, pack_json
from sidecar.monitor import pipeline
from sidecar.monitor.buckets import Buckets
from sidecar.monitor.intake import Intake
from sidecar.monitor.pipeline import Pipeline
from sidecar.monitor.sampling import Sampling
from sidecar.recording import OutboxItem, Reader, Store
from sidecar.shipping import pack_exchange
from sidecar.summaries import Summary
from sidecar.types import Prediction, ProxySettings, RequestCounts, Variant
from tests.kit.build import exchange
from tests.kit.reading import read_all
from tests.kit.wait import until

SETTINGS = ProxySettings(version=1, variants=(Variant("A", "http://a:1"),), default="A")
BODY = orjson.dumps(
    {
        "model_name": "det",
        "model_version": "1",
        "outputs": [
            {"name": "boxes", "shape": [2, 4], "datatype": "FP32", "data": [1, 2, 30, 40, 5, 6, 70, 80]},
            {"name": "scores", "shape": [2], "datatype": "FP32", "data": [0.9, 0.1]},
            {"name": "classes", "shape": [2], "datatype": "BYTES", "data": ["car", "dog"]},
        ],
    }
)


class Monitor:
    """A monitor without the rest of its process; ``start`` it again for a restart."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 1_700_000_003.0
        self.decided: list[list[str]] = []
        self.shipped = 0

    async def start(self) -> None:
        self.store = await Store.open(self.folder / "data")
        self.intake = Intake(
            self.folder / "l", SETTINGS, await self.store.positions(), lambda *_: None, lambda *_: None
        )
        self.pipeline = Pipeline(
            self.intake,
            self.store.commit,
            Buckets(self.store.summary),
            Sampling(self.decide, lambda *_: None, self.intake.want, self.intake.release),
            read_all,
            lambda key, revision, summary: [OutboxItem("hub", str(key), revision, b"{}")],
            clock=lambda: self.now,
        )
        await self.intake.start()

    def decide(self, seen: Sequence[Prediction]) -> list[None]:
        self.decided.append([prediction.prediction_id for prediction in seen])
        return [None] * len(seen)

    async def stop(self) -> None:
        await self.intake.stop()
        await self.store.close()

    async def ship(self, *frames: bytes) -> None:
        _, writer = await asyncio.open_unix_connection(str(self.folder / "l"))
        writer.write(pack_frame(Kind.HELLO, pack_json({"worker": 0, "epoch": 9, "pid": 1, "settings": 1})))
        self.shipped += 1
        status = {"shipped": self.shipped}
        writer.write(b"".join(frames) + pack_frame(Kind.STATUS, pack_json(status)))
        workers = self.intake.workers
        await until(lambda: (0, 9) in workers and workers[0, 9].status == status)  # a turn waits for a moment only
        await self.pipeline.turn()

    async def summary(self) -> Summary:
        rows = [row for row in await self.store.open_summaries(0) if row.model == "det"]
        assert len(rows) == 1
        return Summary.decode(rows[0].payload)


@pytest.fixture
async def monitor(tmp_path: Path) -> AsyncIterator[Monitor]:
    monitor = Monitor(tmp_path)
    await monitor.start()
    yield monitor
    await monitor.stop()


def exchanges(sequence: int, *ids: str) -> bytes:
    packed = b"".join(pack_exchange(exchange(prediction_id=name, response_body=BODY)) for name in ids)
    return pack_frame(Kind.EXCHANGES, packed, sequence)


async def test_exchange_becomes_a_row_and_a_summary(monitor: Monitor) -> None:
    """Detections are in the store; the summary counts those at or above the operating point."""
    counts = RequestCounts(1_700_000_000, "det", "v1", "serving", "", 0, "", 1, {200: 1}, {}, {29: 1}, 12_500)
    await monitor.ship(exchanges(1, "p"), pack_frame(Kind.COUNTS, pack_counts([counts]), 2))
    reader = await Reader.open(monitor.folder / "data")
    try:
        prediction = await reader.prediction("p")
    finally:
        await reader.close()
    assert prediction is not None
    assert prediction.detections is not None
    assert [prediction.detections.labels[i] for i in prediction.detections.classes] == ["car", "dog"]
    summary = await monitor.summary()
    assert (summary.requests, summary.images, summary.detections) == (1, 1, 1)
    assert monitor.intake.positions == {(0, 9): 2}


async def test_models_that_clients_make_up_share_a_total(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that have one keep it; nothing is left uncounted."""
    monkeypatch.setattr(pipeline, "TOTALS_MAX", 2)
    models = ["det", "made-up-1", "made-up-2", "made-up-3", "det"]
    packed = [pack_exchange(exchange(prediction_id=str(i), model=name)) for i, name in enumerate(models)]
    await monitor.ship(pack_frame(Kind.EXCHANGES, b"".join(packed), 1))
    totals = {model: summary.units.n for (model, _, _), summary in monitor.pipeline.totals.items()}
    assert totals == {"det": 2, "made-up-1": 1, "other": 2}


async def test_frames_sent_again_after_a_restart_count_once(monitor: Monitor) -> None:
    """Killed between commit and acknowledgement, the monitor records nothing twice."""
    await monitor.ship(exchanges(1, "p", "q"))
    await monitor.stop()
    await monitor.start()
    await monitor.ship(exchanges(1, "p", "q"), exchanges(2, "r"))
    assert (await monitor.summary()).images == 3


async def test_closed_bucket_reaches_the_outbox_with_its_rows(monitor: Monitor) -> None:
    """What is streamed is committed in the same transaction as what it was made from."""
    await monitor.ship(exchanges(1, "p"))
    assert await monitor.store.outbox_peek("hub", 10) == []
    monitor.now += 100
    await monitor.pipeline.turn()
    assert len(await monitor.store.outbox_peek("hub", 10)) == 1


async def test_payload_that_is_no_exchange_is_counted_and_passed_over(monitor: Monitor) -> None:
    """A broken frame is acknowledged, so that it never blocks those behind it."""
    await monitor.ship(pack_frame(Kind.EXCHANGES, b"rubbish", 1), exchanges(2, "p"))
    assert monitor.pipeline.dropped["pipeline", "bad_frame"] == 1
    assert (await monitor.summary()).images == 1
    assert monitor.intake.positions == {(0, 9): 2}


async def test_rules_decide_over_a_turn_in_parts_that_are_bounded(monitor: Monitor, monkeypatch) -> None:
    """Each prediction once, in the order in which it came; by images and by boxes, of which each here has two."""
    await monitor.ship(exchanges(1, "a", "b"), exchanges(2, "c"))
    monkeypatch.setattr("sidecar.monitor.pipeline.BOXES_SAMPLED_AT_ONCE", 5)
    await monitor.ship(exchanges(3, "d", "e", "f"), exchanges(4, "g", "h"))
    monkeypatch.setattr("sidecar.monitor.pipeline.SAMPLED_AT_ONCE", 1)
    await monitor.ship(exchanges(5, "i", "j"))
    assert [decided for decided in monitor.decided if decided] == [
        *(["a", "b", "c"], ["d", "e"], ["f", "g"], ["h"], ["i"], ["j"]),
    ]


async def test_probe_counts_in_the_bucket_of_its_prediction(monitor: Monitor) -> None:
    """Image size and brightness go where the prediction went."""
    await monitor.ship(exchanges(1, "p"))
    (found,) = read_all([exchange(response_body=BODY)])
    monitor.pipeline.probed(found[0], 640, 480, 0.5)
    await monitor.pipeline.turn()
    assert SimpleNamespace(**(await monitor.summary()).to_dict()).images == 1
