"""The monitor's loop with tests that run: their sums go into the store with what they were made of."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from sidecar.link import FrameDecoder, Kind, pack_counts, pack_frame, pack_json
from sidecar.monitor.buckets import Buckets
from sidecar.monitor.intake import Intake
from sidecar.monitor.pipeline import Pipeline
from sidecar.monitor.sampling import Sampling, Wanted
from sidecar.recording import Batch, Reader, Store, StoreError, SummaryRow, Trials
from sidecar.recording.files import store_path
from sidecar.shipping import pack_exchange
from sidecar.summaries import Summary
from sidecar.trials.tally import Running, Tally
from sidecar.types import Exchange, ProxySettings, RequestCounts, Variant
from tests.kit.build import exchange
from tests.kit.reading import read_all
from tests.kit.wait import until

SETTINGS = ProxySettings(version=1, variants=(Variant("A", "http://a:1"),), default="A")
RUNNING = (
    Running("s", "shadow", samples_per_hour=60),
    Running("ab", "ab", salt="x", unit="client"),
)


def body(name: str) -> bytes:
    """One box of a class."""
    return orjson.dumps(
        {
            "model_name": "det",
            "outputs": [
                {"name": "boxes", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 30, 40]},
                {"name": "scores", "shape": [1], "datatype": "FP32", "data": [0.9]},
                {"name": "classes", "shape": [1], "datatype": "BYTES", "data": [name]},
            ],
        }
    )


def pair(request_id: str, *names: str) -> list[Exchange]:
    """A copied request, what serves and its shadow, each with its class."""
    serving, shadow = names
    return [
        exchange(prediction_id=request_id, experiment="s", response_body=body(serving)),
        exchange(
            prediction_id=f"{request_id}-shadow",
            experiment="s",
            role="shadow",
            variant="B",
            response_body=body(shadow),
        ),
    ]


def treated(request_id: str) -> Exchange:
    fields = {"role": "treatment", "experiment": "ab", "variant": "B", "unit": "10.0.0.7"}
    return exchange(prediction_id=request_id, response_body=body("car"), **fields)


class Rig:
    """A monitor without the rest of its process, and one worker. ``refuses`` says which batches the store refuses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 1_700_000_003.0
        self.refuses: Callable[[Batch], bool] = lambda _: False
        self.kept: list[tuple[Wanted, bytes]] = []
        self.told: list[tuple[str, str]] = []
        self._sequence = 0

    async def start(self) -> None:
        self.store = await Store.open(self.folder / "data")
        self.reader = await Reader.open(self.folder / "data")
        self.intake = Intake(
            *(self.folder / "l", SETTINGS, await self.store.positions()),
            lambda name, content: self.sampling.image(name, content),
            lambda name, reason: self.sampling.missing(name, reason),
        )
        self.sampling = Sampling(
            lambda seen: [None] * len(seen),
            lambda *kept: self.kept.append(kept),
            self.intake.want,
            self.intake.release,
        )
        self.tally = Tally(self.reader.by_request)
        self.tally.configure(RUNNING)
        await self.tally.restore(Trials(self.store))
        self.pipeline = Pipeline(
            *(self.intake, self._commit, Buckets(self.store.summary), self.sampling),
            read_all,
            lambda key, revision, summary: [],
            clock=lambda: self.now,
            trials=self.tally,
            generation=lambda: self.store.generation,
        )
        await self.intake.start()
        stream, self.worker = await asyncio.open_unix_connection(str(self.folder / "l"))
        self.worker.write(pack_frame(Kind.HELLO, pack_json({"worker": 0, "epoch": 9, "pid": 1, "settings": 1})))
        self._listening = asyncio.create_task(self._listen(stream))

    async def stop(self) -> None:
        self._listening.cancel()
        self.worker.close()
        await self.intake.stop()
        await self.reader.close()
        await self.store.close()

    async def _commit(self, batch: Batch) -> None:
        if self.refuses(batch):
            raise StoreError("invalid", "what is in it")
        await self.store.commit(batch)

    async def _listen(self, stream: asyncio.StreamReader) -> None:
        decoder = FrameDecoder()
        while chunk := await stream.read(65_536):
            self.told += [
                (frame.kind.name, frame.payload.decode())
                for frame in decoder.feed(chunk)
                if frame.kind in (Kind.WANT, Kind.RELEASE)
            ]

    async def ship(self, exchanges: Sequence[Exchange], counts: Sequence[RequestCounts] = ()) -> None:
        """One turn of the loop, with these frames."""
        payloads = [(Kind.EXCHANGES, b"".join(map(pack_exchange, exchanges)))] if exchanges else []
        payloads += [(Kind.COUNTS, pack_counts(list(counts)))] if counts else []
        for kind, payload in payloads:
            self._sequence += 1
            self.worker.write(pack_frame(kind, payload, self._sequence))
        status = {"shipped": self._sequence}
        self.worker.write(pack_frame(Kind.STATUS, pack_json(status)))
        workers = self.intake.workers
        await until(lambda: (0, 9) in workers and workers[0, 9].status == status)  # a turn waits for a moment only
        await self.pipeline.turn()

    async def pairs(self) -> dict[int, int]:
        """Compared requests by epoch, as they are stored."""
        return {row.epoch: row.revision for row in await Trials(self.store).pairs("s")}

    async def epochs(self, trial_id: str) -> list[SummaryRow]:
        return await self.reader.epoch_summaries(trial_id)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    made = Rig(tmp_path)
    await made.start()
    yield made
    await made.stop()


def counts(**fields: Any) -> RequestCounts:
    plain = {"bucket": 1_700_000_000, "model": "det", "version": "v1", "role": "treatment", "experiment": "ab"}
    return RequestCounts(**{**plain, "epoch": 0, "slice": "", "requests": 1, "statuses": {200: 1}, **fields})


async def test_sums_of_tests_are_committed_with_their_predictions(rig: Rig) -> None:
    """Pairs, units and the summary of the whole epoch stand in the store when the frame is acknowledged."""
    await rig.ship([*pair("p", "car", "car"), treated("q")], [counts(slice="north"), counts(slice="south")])
    assert await rig.pairs() == {0: 1}
    assert [row.arm for row in await Trials(rig.store).units("ab")] == ["B"]
    (epoch,) = await rig.epochs("ab")
    summary = Summary.decode(epoch.payload)
    assert (summary.requests, summary.images) == (2, 1)
    assert {row.role for row in await rig.epochs("s")} == {"serving", "shadow"}
    assert rig.intake.positions == {(0, 9): 2}


async def test_image_that_is_seen_differently_is_asked_for(rig: Rig) -> None:
    """The worker is asked by the request's own id; a body that is not wanted may go, and none goes before that."""
    serving, shadow = pair("p", "car", "dog")
    await rig.ship([serving])
    assert rig.tally.holds("p")
    await rig.ship([shadow, *pair("q", "car", "car")])
    await until(lambda: len(rig.told) >= 4)
    assert rig.told[0] == ("WANT", "p")
    assert set(rig.told[1:]) == {("RELEASE", "p"), ("RELEASE", "q")}
    rig.sampling.image("p", b"jpeg")
    ((wanted, content),) = rig.kept
    assert [(found.prediction_id, why.reasons) for found, why in wanted.keep] == [("p", ("disagreement",))]
    assert content == b"jpeg"


async def test_request_of_a_test_that_is_gone_lets_its_body_go(rig: Rig) -> None:
    """Nobody waits for the comparison: the ring has its room back at once."""
    rig.tally.forget("s")
    await rig.ship(pair("p", "car", "dog"))
    await until(lambda: rig.told)
    assert rig.told == [("RELEASE", "p")]


async def test_frames_sent_again_after_a_restart_count_once(rig: Rig) -> None:
    """Killed between commit and acknowledgement, the monitor compares nothing twice."""
    serving, shadow = pair("p", "car", "dog")
    await rig.ship([serving, treated("q")])
    await rig.stop()
    rig._sequence = 0
    await rig.start()
    await rig.ship([serving, treated("q")])
    await rig.ship([shadow, treated("r")])
    assert await rig.pairs() == {0: 1}
    units = rig.tally.units("ab")
    assert units is not None
    assert [one.moments.sums[0] for one in units.arms()] == [2]
    assert sum(Summary.decode(row.payload).images for row in await rig.epochs("s")) == 2


async def test_sums_that_the_store_refuses_are_dropped_and_counted(rig: Rig) -> None:
    """Nothing is tried for ever, and the predictions of the batch are recorded; the next sums are whole again."""
    rig.refuses = lambda batch: bool(batch.units or batch.pairs)
    await rig.ship([*pair("p", "car", "car"), treated("q")])
    assert rig.pipeline.dropped == {("trials", "invalid"): 2}
    assert await rig.reader.prediction("p") is not None
    rig.refuses = lambda _: False
    await rig.ship([])
    assert await rig.pairs() == {}
    await rig.ship([*pair("r", "car", "car"), treated("t")])
    assert await rig.pairs() == {0: 2}


async def test_predictions_that_the_store_refuses_leave_the_sums(rig: Rig) -> None:
    """What is at fault is dropped, and no more than that."""
    rig.refuses = lambda batch: bool(batch.predictions)
    await rig.ship([*pair("p", "car", "car"), treated("q")])
    assert rig.pipeline.dropped == {("store", "invalid"): 3}
    assert (await rig.pairs(), len(await Trials(rig.store).units("ab"))) == ({0: 1}, 1)


async def test_batch_that_is_refused_either_way_goes_without_both(rig: Rig) -> None:
    """Its frames are acknowledged all the same: they would be refused for ever."""
    rig.refuses = lambda batch: bool(batch.predictions or batch.pairs)
    await rig.ship(pair("p", "car", "car"))
    assert rig.pipeline.dropped == {("store", "invalid"): 2, ("trials", "invalid"): 1}
    assert rig.intake.positions == {(0, 9): 1}


async def test_fresh_store_gets_all_that_is_known_of_tests(rig: Rig) -> None:
    """Where the store was damaged and set aside, the tests that run lose nothing that was in memory."""
    await rig.ship([*pair("p", "car", "car"), treated("q")], [counts()])
    await _damage(rig)
    await rig.ship([exchange(prediction_id="plain", response_body=body("car"))])
    assert rig.store.generation == 1
    await rig.ship([])
    assert (await rig.pairs(), len(await Trials(rig.store).units("ab"))) == ({0: 1}, 1)
    rows = [row for trial in ("s", "ab") for row in await _epochs_afresh(rig, trial)]
    assert sorted((row.experiment, row.role, Summary.decode(row.payload).images) for row in rows) == [
        ("ab", "treatment", 1),
        ("s", "serving", 1),
        ("s", "shadow", 1),
    ]


async def _epochs_afresh(rig: Rig, trial_id: str) -> list[SummaryRow]:
    """By a reader of the fresh store."""
    reader = await Reader.open(rig.folder / "data")
    try:
        return await reader.epoch_summaries(trial_id)
    finally:
        await reader.close()


async def _damage(rig: Rig) -> None:
    """So that the next use of the store sees it: past its cache, too."""
    await rig.store._connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
    with store_path(rig.folder / "data").open("r+b") as file:
        file.write(os.urandom(os.fstat(file.fileno()).st_size))
    await rig.store._connection.execute("PRAGMA shrink_memory")
