"""What the engine and the disk budget say of an image once it is decoded, with the real store and process."""

import hashlib

import numpy as np
import pytest

from sidecar.data_engine import (
    DataEngine,
    Decision,
    Engine,
    LowConfidence,
    RandomSample,
    RateLimits,
    SampleKeeper,
    SamplingConfig,
)
from sidecar.data_engine.samples import SampleError
from sidecar.hashing import unit_interval
from sidecar.recording import Reader

HEADERS = (("content-type", "image/jpeg"),)
RULE = Decision(("low_confidence",), 0.4, value=0.8)
DRAWN = Decision(("low_confidence", "random_sample"), 0.5, True, 0.1, 0.8)
CAT = [(0.5, 10, 10, 60, 60)]


async def test_row_of_an_image_says_all_that_a_review_needs(tmp_path, store, process, predict, picture) -> None:
    """Where it came from, what was answered, what it is worth, and where it stands in the audit."""
    engine = DataEngine({"det": Engine(SamplingConfig(), "night")})
    prediction = predict(
        CAT,
        **{"unit": "cam-1", "variant": "B", "role": "treatment", "experiment": "e", "epoch": 3, "slice": "north"},
        **{"client_request_id": "mine", "score_threshold": 0.3, "request_id": "r-1"},
    )
    body = picture()
    kept = await SampleKeeper(tmp_path, store, process, engine=engine).keep(prediction, DRAWN, HEADERS, body)
    reader = await Reader.open(tmp_path)
    sample = await reader.sample(kept.sample_id)
    await reader.close()
    assert sample is not None
    assert (sample.dataset_id, sample.status, sample.unit, sample.slice) == ("night", "needs_review", "cam-1", "north")
    assert (sample.variant, sample.role, sample.experiment, sample.epoch) == ("B", "treatment", "e", 3)
    assert (sample.client_request_id, sample.score_threshold) == ("mine", 0.3)
    assert (sample.drawn, sample.draw_rate, sample.probability, sample.value) == (True, 0.1, 0.5, 0.8)
    assert (sample.checksum, sample.image_hash) == (hashlib.sha256(body).hexdigest(), 0)
    assert sample.audit_rank == unit_interval("r-1", "audit")
    assert sample.detections is not None
    assert sample.detections.labels == ("cat",)
    assert (sample.detections.boxes == prediction.detections.boxes).all()
    assert kept.labels is None


async def test_boxes_of_shares_are_kept_in_pixels_of_the_image(tmp_path, store, process, predict, picture) -> None:
    """As people's labels are, also where the size of the image was not known before it was decoded."""
    prediction = predict([(0.5, 0.25, 0.5, 0.5, 1.0)], normalised=True, image_width=0, image_height=0)
    sample = await SampleKeeper(tmp_path, store, process).keep(prediction, RULE, HEADERS, picture())
    assert sample.detections is not None
    assert not sample.detections.normalised
    assert np.allclose(sample.detections.boxes, [[160, 240, 320, 480]])


async def test_scene_that_is_kept_already_is_kept_again_for_the_random_sample_alone(
    tmp_path, store, process, predict, picture
) -> None:
    """Whatever is like it, the random sample has it, at its own probability; rules have it once."""
    engine = DataEngine()
    keeper = SampleKeeper(tmp_path, store, process, engine=engine)
    await keeper.keep(predict(CAT), RULE, HEADERS, picture())
    with pytest.raises(SampleError, match="near_duplicate"):
        await keeper.keep(predict(CAT), RULE, HEADERS, picture())
    again = await keeper.keep(predict(CAT), DRAWN, HEADERS, picture())
    assert (again.reasons, again.probability, again.drawn) == (("random_sample",), 0.1, True)
    other = await keeper.keep(predict([(0.5, 40, 40, 90, 90)]), RULE, HEADERS, picture())
    assert other.reasons == ("low_confidence",)
    assert keeper.kept == {"low_confidence": 2, "random_sample": 1}
    assert keeper.failed == {("low_confidence", "near_duplicate"): 2}
    assert engine.held_back == {("det", "low_confidence", "near_duplicate"): 2}
    assert len(list((tmp_path / "samples").rglob("*.jpg"))) == 3


async def test_image_kept_for_a_rule_is_kept_for_a_shadow_test_too(tmp_path, store, process, predict, picture) -> None:
    """The second reason joins the first: it is the same image, not one like it."""
    keeper = SampleKeeper(tmp_path, store, process)
    prediction = predict(CAT, request_id="r-2")
    await keeper.keep(prediction, RULE, HEADERS, picture())
    await keeper.keep(prediction, Decision(("disagreement",), 1.0), HEADERS, picture())
    reader = await Reader.open(tmp_path)
    (sample,) = (await reader.samples()).items
    await reader.close()
    assert set(sample.reasons) == {"low_confidence", "disagreement"}


async def test_image_that_could_not_be_stored_makes_none_a_duplicate(
    tmp_path, store, process, predict, picture
) -> None:
    """Only what is kept may keep others out."""
    (tmp_path / "samples").write_text("in the way")
    keeper = SampleKeeper(tmp_path, store, process)
    with pytest.raises(SampleError, match="io"):
        await keeper.keep(predict(CAT), RULE, HEADERS, picture())
    (tmp_path / "samples").unlink()
    await keeper.keep(predict(CAT), RULE, HEADERS, picture())
    assert keeper.kept == {"low_confidence": 1}


async def test_full_disk_budget_keeps_nothing_and_counts_it_by_rule(tmp_path, store, process, predict, picture) -> None:
    """The random sample too: it is the one thing that holds that back, so it is told."""
    has_room, engine = False, DataEngine()
    keeper = SampleKeeper(tmp_path, store, process, engine=engine, room=lambda: has_room)
    with pytest.raises(SampleError, match="disk_budget"):
        await keeper.keep(predict(CAT), DRAWN, HEADERS, picture())
    assert keeper.failed == {("low_confidence", "disk_budget"): 1, ("random_sample", "disk_budget"): 1}
    assert engine.held_back == {("det", rule, "budget"): 1 for rule in DRAWN.reasons}
    assert not (tmp_path / "samples").exists()
    has_room = True
    await keeper.keep(predict(CAT), DRAWN, HEADERS, picture())
    assert keeper.kept == {"low_confidence": 1, "random_sample": 1}


async def test_image_that_was_not_kept_takes_nothing_of_a_limit(tmp_path, store, process, predict, picture) -> None:
    """A scene that stands still, a body that is no image, a full queue: the next new scene of the hour is kept."""
    rules = SamplingConfig(LowConfidence(True, 0.9, 1.0, RateLimits(per_hour=2)))
    engine = DataEngine({"*": Engine(rules)})
    keeper = SampleKeeper(tmp_path, store, process, engine=engine, items_max=0)

    async def seen(rows, body: bytes) -> str:
        prediction = predict(rows)
        decision = engine.decide(prediction)
        if decision is None:
            return "held back"
        try:
            await keeper.keep(prediction, decision, HEADERS, body)
        except SampleError as error:
            return error.reason
        return "kept"

    assert await seen(CAT, picture()) == "kept"
    assert [await seen(CAT, picture()) for _ in range(4)] == ["near_duplicate"] * 4
    assert await seen(CAT, b"none") != "kept"
    prediction = predict(CAT)
    assert not keeper.offer([(prediction, engine.decide(prediction))], HEADERS, picture())
    assert await seen([(0.5, 40, 40, 90, 90)], picture()) == "kept"
    assert await seen([(0.5, 0, 0, 9, 9)], picture()) == "held back"
    assert engine.held_back["det", "low_confidence", "hour"] == 1


async def test_rule_that_a_near_duplicate_is_not_kept_for_gets_its_place_back(
    tmp_path, store, process, predict, picture
) -> None:
    """Also where the random sample keeps the image."""
    rules = SamplingConfig(LowConfidence(True, 0.9, 1.0, RateLimits(per_day=2)), random_sample=RandomSample(True, 1.0))
    engine = DataEngine({"*": Engine(rules)})
    keeper = SampleKeeper(tmp_path, store, process, engine=engine)
    reasons = []
    for rows in (CAT, CAT, CAT, [(0.5, 40, 40, 90, 90)]):
        prediction = predict(rows)
        decision = engine.decide(prediction)
        assert decision is not None
        reasons.append((await keeper.keep(prediction, decision, HEADERS, picture())).reasons)
    both = ("low_confidence", "random_sample")
    assert reasons == [both, ("random_sample",), ("random_sample",), both]
