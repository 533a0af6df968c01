"""Keeping images: from a request's body to a file and a row."""

from __future__ import annotations

import asyncio
import errno
import os
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

import numpy as np
import structlog

from sidecar.data_engine.engine import DataEngine, Why, unit_of
from sidecar.data_engine.images import EXTENSIONS, ImageFault, Prepared, Probe, examine
from sidecar.data_engine.process import ImageProcess
from sidecar.hashing import unit_interval
from sidecar.recording import Sample, Store, StoreError
from sidecar.types import Detections, Prediction

log = structlog.get_logger()

QUEUE_ITEMS_MAX = 256
QUEUE_BYTES_MAX = 64 << 20
FOLDER = "samples"
PART = ".part"
STATUS = "needs_review"
AUDIT = "audit"
NEAR_DUPLICATE = "near_duplicate"
ID_BYTES = 16

Headers = Sequence[tuple[str, str]]
Probed = Callable[[int, int, float], None]


class SampleError(Exception):
    """An image was not kept. ``reason`` is an ImageFault's, ``near_duplicate``, ``disk_budget``, ``disk_full``,
    ``io``, or ``store_`` and a StoreError's."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Job:
    wanted: tuple[tuple[Prediction, Why], ...]
    headers: tuple[tuple[str, str], ...]
    body: bytes
    probed: Probed | None


class SampleKeeper:
    """Stores images under ``data_dir/samples/YYYY/MM/DD`` (UTC, the prediction's time). Run ``run`` as one task.

    ``offer`` queues, at most QUEUE_ITEMS_MAX requests and QUEUE_BYTES_MAX of bodies; ``keep`` and ``probe`` do one
    thing at once. ``engine`` knows datasets and near-duplicates, ``room`` whether the disk budget has room for more.
    Counters, all by rule: ``kept``; ``failed`` and ``missed`` (body not to be had) by (rule, reason);
    ``queue_full``. An image that is kept for two reasons counts under both. ``probe_failed`` counts by reason.
    """

    def __init__(
        self,
        data_dir: Path,
        store: Store,
        process: ImageProcess | None = None,
        *,
        engine: DataEngine | None = None,
        room: Callable[[], bool] = lambda: True,
        items_max: int = QUEUE_ITEMS_MAX,
        bytes_max: int = QUEUE_BYTES_MAX,
    ) -> None:
        self._data_dir = data_dir
        self._store = store
        self._process = process or ImageProcess()
        self._engine = engine or DataEngine()
        self._room = room
        self._items_max = items_max
        self._bytes_max = bytes_max
        self._jobs: deque[_Job] = deque()
        self._waiting = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.queued_bytes = 0
        self.kept: Counter[str] = Counter()
        self.missed: Counter[tuple[str, str]] = Counter()
        self.failed: Counter[tuple[str, str]] = Counter()
        self.queue_full: Counter[str] = Counter()
        self.probe_failed: Counter[str] = Counter()

    @property
    def queued(self) -> int:
        """Requests that wait."""
        return len(self._jobs)

    def offer(
        self, wanted: Sequence[tuple[Prediction, Why]], headers: Headers, body: bytes, probed: Probed | None = None
    ) -> bool:
        """Queue a request's body: its images of ``wanted`` are kept, ``probed`` gets (width, height, brightness in
        0..1) of the first. False, and counted, where the queue is full.
        """
        if len(self._jobs) >= self._items_max or self.queued_bytes + len(body) > self._bytes_max:
            for prediction, why in wanted:
                self.queue_full.update(why.reasons)
                self._engine.not_kept(prediction, why.reasons)
            if probed is not None:
                self.probe_failed["queue_full"] += 1
            return False
        self._jobs.append(_Job(tuple(wanted), tuple(headers), body, probed))
        self.queued_bytes += len(body)
        self._idle.clear()
        self._waiting.set()
        return True

    def miss(self, why: Why, reason: str) -> None:
        """Count an image that was wanted and could not be had, e.g. because the worker's ring let it go."""
        for rule in why.reasons:
            self.missed[rule, reason] += 1

    async def run(self) -> None:
        """Work off the queue until cancelled."""
        await asyncio.to_thread(_remove_parts, self._data_dir / FOLDER)
        while True:
            if not self._jobs:
                self._idle.set()
                self._waiting.clear()
                await self._waiting.wait()
            job = self._jobs.popleft()
            try:
                await self._work(job)
            except Exception:  # a fault of ours must cost this job only, and show
                log.exception("sample_job_failed")
                for _, why in job.wanted:
                    self.failed.update((rule, "internal") for rule in why.reasons)
            finally:
                self.queued_bytes -= len(job.body)

    async def drained(self) -> None:
        """Returns once nothing waits."""
        await self._idle.wait()

    async def close(self) -> None:
        """End the image process."""
        await self._process.close()

    async def keep(self, prediction: Prediction, decision: Why, request_headers: Headers, body: bytes) -> Sample:
        """Keep the image of ``prediction`` (that at its ``image_index``) now. Raises SampleError, counted."""
        images, _ = await self._examine(request_headers, body, [prediction.image_index], False)
        return await self._keep(prediction, decision, images[0])

    async def probe(self, body: bytes, request_headers: Headers = ()) -> tuple[int, int, float]:
        """(width, height, brightness) of a request's first image: pixels, mean luma in 0..1. Raises SampleError."""
        _, measured = await self._examine(request_headers, body, [], True)
        if not isinstance(measured, Probe):
            fault = measured or ImageFault("no_image")
            self.probe_failed[fault.reason] += 1
            raise SampleError(fault.reason, fault.detail)
        return measured.width, measured.height, measured.brightness

    async def _work(self, job: _Job) -> None:
        indices = [prediction.image_index for prediction, _ in job.wanted]
        images, measured = await self._examine(job.headers, job.body, indices, job.probed is not None)
        for (prediction, why), image in zip(job.wanted, images, strict=True):
            with suppress(SampleError):  # counted and logged where it was raised
                await self._keep(prediction, why, image)
        if job.probed is not None:
            if isinstance(measured, Probe):
                job.probed(measured.width, measured.height, measured.brightness)
            else:
                self.probe_failed[measured.reason if measured else "no_image"] += 1

    async def _examine(
        self, headers: Headers, body: bytes, indices: Sequence[int], with_probe: bool
    ) -> tuple[list[Prepared | ImageFault], Probe | ImageFault | None]:
        try:
            return await self._process.call(examine, (tuple(headers), body), tuple(indices), with_probe)
        except TimeoutError:
            fault = ImageFault("timeout", "decoding took too long")
        except (BrokenProcessPool, MemoryError, OSError) as error:
            fault = ImageFault("crashed", str(error))
        return [fault for _ in indices], fault

    async def _keep(self, prediction: Prediction, why: Why, image: Prepared | ImageFault) -> Sample:
        try:
            if isinstance(image, ImageFault):
                raise SampleError(image.reason, image.detail)
            sample = self._with_room(sample_of(prediction, why, image, self._engine.dataset_of(prediction.model)))
            await self._store_sample(sample, image.content)
        except SampleError as error:
            is_known = any(reason == error.reason for _, reason in self.failed)
            if error.reason != NEAR_DUPLICATE and not is_known:  # one line a reason, then the counter
                log.warning("sample_not_kept", prediction_id=prediction.prediction_id, error=str(error))
            for rule in why.reasons:
                self.failed[rule, error.reason] += 1
            self._engine.not_kept(prediction, why.reasons)
            raise
        self._engine.not_kept(prediction, set(why.reasons).difference(sample.reasons))
        self._engine.kept(sample)
        self.kept.update(sample.reasons)
        return sample

    def _with_room(self, sample: Sample) -> Sample:
        """The sample, for the random sample alone where it is a near-duplicate. Raises SampleError."""
        if not self._room():
            self._engine.no_room(sample)
            raise SampleError("disk_budget", "the images take all that they may")
        settled = self._engine.after_decoding(sample)
        if settled is None:
            raise SampleError(NEAR_DUPLICATE)
        for rule in set(sample.reasons).difference(settled.reasons):
            self.failed[rule, NEAR_DUPLICATE] += 1
        return settled

    async def _store_sample(self, sample: Sample, content: bytes) -> None:
        path = self._data_dir / sample.path
        is_kept_already = await asyncio.to_thread(path.exists)
        try:
            await asyncio.to_thread(write_atomically, path, content)
        except OSError as error:
            reason = "disk_full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "io"
            raise SampleError(reason, str(error)) from error
        try:
            await self._store.add_sample(sample)
        except (StoreError, ValueError) as error:  # ValueError: closed, or a path it won't have
            if not is_kept_already:  # without a row it would never be cleaned away
                await asyncio.to_thread(path.unlink, missing_ok=True)
            raise SampleError(f"store_{getattr(error, 'reason', 'closed')}", str(error)) from error


def sample_of(prediction: Prediction, why: Why, image: Prepared, dataset_id: str = "") -> Sample:
    """The row of an image. Its id is made of the prediction's, so that keeping one twice keeps one."""
    sample_id = _id_of(prediction.prediction_id)
    day = datetime.fromtimestamp(prediction.at, UTC)
    return Sample(
        sample_id=sample_id,
        prediction_id=prediction.prediction_id,
        model=prediction.model,
        version=prediction.version,
        at=prediction.at,
        reasons=tuple(why.reasons),
        probability=why.probability,
        status=STATUS,
        media_type=image.media_type,
        path=f"{FOLDER}/{day:%Y/%m/%d}/{sample_id}.{EXTENSIONS[image.media_type]}",
        bytes=len(image.content),
        width=image.width,
        height=image.height,
        dataset_id=dataset_id,
        variant=prediction.variant,
        role=prediction.role,
        experiment=prediction.experiment,
        epoch=prediction.epoch,
        slice=prediction.slice,
        unit=unit_of(prediction),
        client_request_id=prediction.client_request_id,
        score_threshold=prediction.score_threshold,
        checksum=image.checksum,
        image_hash=image.image_hash,
        detections=None if prediction.detections is None else _in_pixels(prediction.detections, image),
        value=why.value,
        drawn=why.drawn,
        draw_rate=why.draw_rate,
        audit_rank=unit_interval(prediction.prediction_id, AUDIT),
    )


def _in_pixels(detections: Detections, image: Prepared) -> Detections:
    """Boxes in pixels of the image, as labels are."""
    if not detections.normalised:
        return detections
    scale = np.array([image.width, image.height, image.width, image.height], np.float32)
    boxes = np.asarray(detections.boxes, np.float32).reshape(-1, 4) * scale
    return replace(detections, boxes=boxes, normalised=False)


def write_atomically(path: Path, content: bytes) -> None:
    """``path`` holds all of ``content``, synced, or is as it was. Raises OSError; leaves nothing half-written."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(path.name + PART)
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _id_of(prediction_id: str) -> str:
    """An id that leads to no prediction: who reviews an image in the audit is given it, and must not know which version
    answered. As a file's name it is safe whatever the prediction is called."""
    return blake2b(prediction_id.encode("utf-8", "surrogateescape"), digest_size=ID_BYTES).hexdigest()


def _remove_parts(folder: Path) -> None:
    """What a killed process left half-written."""
    for part in folder.rglob("*" + PART):
        part.unlink(missing_ok=True)
