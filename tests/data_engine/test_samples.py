"""Keeping images with the real store, the real image process and the real disk."""

import asyncio
import base64
import json
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.data_engine import Decision, SampleKeeper
from sidecar.data_engine.samples import SampleError, write_atomically
from sidecar.recording import Reader

HEADERS = (("content-type", "image/jpeg"),)
BOTH = Decision(("low_confidence", "random_sample"), 0.37)


@asynccontextmanager
async def running(keeper: SampleKeeper):
    task = asyncio.create_task(keeper.run())
    try:
        yield
        await asyncio.wait_for(keeper.drained(), 60)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_kept_image_is_a_file_and_a_row(tmp_path, store, process, predict, picture) -> None:
    """The bytes lie where the row says, under the day of the prediction, with reasons, probability and size."""
    keeper = SampleKeeper(tmp_path, store, process)
    body = picture()
    sample = await keeper.keep(predict(request_id="r-1"), BOTH, HEADERS, body)
    assert sample.path == f"samples/2023/11/14/{sample.sample_id}.jpg"
    assert (tmp_path / sample.path).read_bytes() == body
    reader = await Reader.open(tmp_path)
    stored = await reader.sample(sample.sample_id)
    await reader.close()
    assert stored is not None
    assert replace(stored, detections=None) == replace(sample, detections=None)
    assert (sample.reasons, sample.probability, sample.status) == (BOTH.reasons, 0.37, "needs_review")
    assert (sample.media_type, sample.bytes, sample.width, sample.height) == ("image/jpeg", len(body), 640, 480)
    assert keeper.kept == {"low_confidence": 1, "random_sample": 1}


async def test_images_of_one_request_are_kept_from_one_body(tmp_path, store, process, predict, picture) -> None:
    """Image i belongs to prediction ID.i; the probe gets the first; a missing one is counted under its rule."""
    instances = [{"b64": base64.b64encode(picture(size=size)).decode()} for size in ((64, 48), (80, 60))]
    body = json.dumps({"instances": instances}).encode()
    whole = predict(request_id="r-2")
    images = [replace(whole, prediction_id=f"r-2.{i}", image_index=i) for i in (0, 1, 7)]
    probes: list[tuple[int, int, float]] = []
    keeper = SampleKeeper(tmp_path, store, process)
    async with running(keeper):
        wanted = [(prediction, Decision(("random_sample",), 0.1, drawn=True, draw_rate=0.1)) for prediction in images]
        assert keeper.offer(wanted, (("content-type", "application/json"),), body, lambda *seen: probes.append(seen))
    reader = await Reader.open(tmp_path)
    pages = [(await reader.samples(prediction_id=prediction.prediction_id)).items for prediction in images]
    await reader.close()
    assert [[(row.width, row.height) for row in rows] for rows in pages] == [[(64, 48)], [(80, 60)], []]
    assert (keeper.kept["random_sample"], keeper.failed) == (2, {("random_sample", "no_image"): 1})
    assert [(width, height) for width, height, _ in probes] == [(64, 48)]
    assert probes[0][2] == pytest.approx(0.5, abs=0.02)


async def test_broken_images_are_counted_and_the_queue_goes_on(tmp_path, store, process, predict, picture) -> None:
    """A damaged body between good ones costs nothing but itself."""
    keeper = SampleKeeper(tmp_path, store, process)
    async with running(keeper):
        for body in (picture(), picture()[:-400], b"no image", picture("PNG")):
            assert keeper.offer([(predict([(0.3, 1, 1, 9, 9)], unit=body[:3].hex()), BOTH)], HEADERS, body)
    assert keeper.kept == {"low_confidence": 2, "random_sample": 2}
    assert keeper.failed == {("low_confidence", "broken"): 2, ("random_sample", "broken"): 2}
    assert (keeper.queued, keeper.queued_bytes) == (0, 0)


async def test_fault_in_one_job_does_not_end_the_queue(tmp_path, store, process, predict, picture) -> None:
    """A callback that raises costs its own job; the next image is kept."""

    def raises(*_: float) -> None:
        raise RuntimeError("from the callback")

    keeper = SampleKeeper(tmp_path, store, process)
    async with running(keeper):
        assert keeper.offer([], HEADERS, picture(), raises)
        assert keeper.offer([(predict(), BOTH)], HEADERS, picture())
    assert keeper.kept["random_sample"] == 1


async def test_full_queue_refuses_and_counts(tmp_path, store, process, predict) -> None:
    """Neither items nor bytes grow over their bounds; what is refused is counted by rule."""
    keeper = SampleKeeper(tmp_path, store, process, items_max=2, bytes_max=100)
    assert keeper.offer([(predict(), BOTH)], HEADERS, b"x" * 60)
    assert not keeper.offer([(predict(), BOTH)], HEADERS, b"x" * 60)
    assert keeper.offer([(predict(), BOTH)], HEADERS, b"x" * 40)
    assert not keeper.offer([], HEADERS, b"", lambda *_: None)
    assert keeper.queue_full == {"low_confidence": 1, "random_sample": 1}
    assert keeper.probe_failed == {"queue_full": 1}


async def test_image_that_could_not_be_had_is_counted_by_rule_and_reason(tmp_path, store, predict) -> None:
    """Selection probabilities can be corrected for what the ring had let go."""
    keeper = SampleKeeper(tmp_path, store)
    keeper.miss(BOTH, "evicted")
    assert keeper.missed == {("low_confidence", "evicted"): 1, ("random_sample", "evicted"): 1}


async def test_keeping_an_image_twice_keeps_one(tmp_path, store, process, predict, picture) -> None:
    """A prediction that is handed in again after a crash makes no second sample."""
    keeper = SampleKeeper(tmp_path, store, process)
    for _ in range(2):
        await keeper.keep(predict(request_id="r-3"), BOTH, HEADERS, picture())
    assert len(list((tmp_path / "samples").rglob("*.jpg"))) == 1


async def test_id_of_an_image_leads_to_no_prediction(tmp_path, store, process, predict, picture) -> None:
    """Who is given it in the audit can't ask by it which version answered; each image has one of its own."""
    keeper = SampleKeeper(tmp_path, store, process)
    kept = [
        await keeper.keep(predict(request_id="r-5", prediction_id=name, unit=name), BOTH, HEADERS, picture())
        for name in ("r-5.0", "r-5.1")
    ]
    assert [sample.prediction_id for sample in kept] == ["r-5.0", "r-5.1"]
    assert len({sample.sample_id for sample in kept}) == 2
    assert not any("r-5" in sample.sample_id + sample.path for sample in kept)


async def test_id_that_is_no_file_name_cannot_leave_the_folder(tmp_path, store, process, predict, picture) -> None:
    """A hostile prediction id stays whole in the row."""
    sample = await SampleKeeper(tmp_path, store, process).keep(
        predict(request_id="../../etc/x"), BOTH, HEADERS, picture()
    )
    assert (tmp_path / sample.path).resolve().is_relative_to((tmp_path / "samples").resolve())
    assert sample.prediction_id == "../../etc/x"


async def test_disk_that_refuses_the_file_is_counted_and_leaves_no_row(
    tmp_path, store, process, predict, picture
) -> None:
    """Where the folder can't be made the sample fails with a reason, without a row or a half-written file."""
    (tmp_path / "samples").write_text("in the way")
    keeper = SampleKeeper(tmp_path, store, process)
    with pytest.raises(SampleError, match="io"):
        await keeper.keep(predict(request_id="r-4"), BOTH, HEADERS, picture())
    reader = await Reader.open(tmp_path)
    assert (await reader.samples()).items == []
    await reader.close()
    assert keeper.failed["random_sample", "io"] == 1


async def test_store_that_refuses_the_row_leaves_no_file(tmp_path, store, process, predict, picture) -> None:
    """A file without a row would never be cleaned away, so it goes at once."""
    await store.close()
    keeper = SampleKeeper(tmp_path, store, process)
    with pytest.raises(SampleError, match="store_"):
        await keeper.keep(predict(), BOTH, HEADERS, picture())
    assert list((tmp_path / "samples").rglob("*.jpg")) == []


async def test_image_that_was_kept_before_outlives_a_store_that_refuses_it_again(
    tmp_path, store, process, predict, picture
) -> None:
    """Kept for a rule first and for another reason later: the row of the first keeping has its file."""
    keeper = SampleKeeper(tmp_path, store, process)
    prediction = predict()
    await keeper.keep(prediction, BOTH, HEADERS, picture())
    await store.close()
    with pytest.raises(SampleError, match="store_"):
        await keeper.keep(prediction, BOTH, HEADERS, picture())
    assert len(list((tmp_path / "samples").rglob("*.jpg"))) == 1


async def test_probe_measures_or_says_why_not(tmp_path, store, process, picture) -> None:
    """Size and brightness of the first image; an unreadable body is an error with its reason."""
    keeper = SampleKeeper(tmp_path, store, process)
    assert (await keeper.probe(picture(level=255)))[:2] == (640, 480)
    with pytest.raises(SampleError, match="no_image"):
        await keeper.probe(b"hello")
    assert keeper.probe_failed == {"no_image": 1}


async def test_half_written_files_of_a_killed_process_are_removed_at_the_start(tmp_path, store, process) -> None:
    """Parts do not pile up over crashes."""
    left = tmp_path / "samples/2023/11/14/a.jpg.part"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    keeper = SampleKeeper(tmp_path, store, process)
    task = asyncio.create_task(keeper.run())
    while left.exists():
        await asyncio.wait([task], timeout=0.005)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def test_file_that_cannot_be_replaced_leaves_no_part(tmp_path: Path) -> None:
    """A failed write cleans up after itself."""
    target = tmp_path / "a.jpg"
    (target / "inner").mkdir(parents=True)
    with pytest.raises(OSError, match=r"a\.jpg"):
        write_atomically(target, b"x")
    assert list(tmp_path.glob("*.part")) == []
