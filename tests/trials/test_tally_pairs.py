"""What batches add to shadow tests, and which images are asked for."""

from dataclasses import replace

import numpy as np
import pytest

from sidecar.experiments.pairs import PairSummary, pair_request
from sidecar.trials.pairing import WAITING_S
from sidecar.trials.tally import BOXES_ON_THE_LOOP, Settled
from tests.kit.trial_traffic import LIFE, SHADOW, Clock, added, copy, sampled, serving, tally_of

CAR = [(0.0, 0.75, "car")]
DOG = [(0.0, 0.75, "dog")]


@pytest.mark.parametrize("serving_first", [True, False])
async def test_halves_of_two_batches_meet(serving_first: bool) -> None:
    """Whichever answer is committed first waits for the other; the body is held meanwhile."""
    tally = tally_of(SHADOW)
    items = [serving("r", CAR), copy("r", CAR)]
    first, second = items if serving_first else items[::-1]
    tallied, settled = await added(tally, first)
    assert (tallied.pairs, settled, tally.holds("r"), tally.waiting("s")) == ([], [], True, 1)
    tallied, settled = await added(tally, second)
    assert [(row.trial_id, row.epoch, row.revision) for row in tallied.pairs] == [("s", 0, 1)]
    assert [(item.request_id, item.keep) for item in settled] == [("r", ())]
    assert (tally.holds("r"), tally.waiting("s")) == (False, 0)
    assert tally.pairs("s")[0].counts.agreeing == 1


async def test_image_that_is_seen_differently_is_asked_for() -> None:
    """By the request's own id and worker, with what serves said of it."""
    tally = tally_of(SHADOW)
    first = serving("r", CAR, DOG, request_headers=(("content-type", "image/jpeg"),))
    _, settled = await added(tally, copy("r", CAR, CAR, life=(0, 10)), first)
    prediction = first[2][1]
    (request,) = settled
    assert request == Settled(LIFE, "r", (("content-type", "image/jpeg"),), request.keep)
    assert [(found, why.reasons, why.probability) for found, why in request.keep] == [
        (prediction, ("disagreement",), 1.0)
    ]
    assert [why.disagreement for _, why in request.keep] == [1.0]
    assert (prediction.prediction_id, tally.committed()) == ("r.1", [])


async def test_images_of_an_hour_are_bounded() -> None:
    """However much two versions disagree, no more is asked for than was allowed."""
    tally = tally_of(replace(SHADOW, samples_per_hour=3))
    items = [item for number in range(8) for item in (serving(f"r{number}", CAR), copy(f"r{number}", DOG))]
    _, settled = await added(tally, *items)
    assert (len(settled), sum(len(request.keep) for request in settled)) == (8, 3)


async def test_answer_that_is_left_alone_is_counted_and_lets_its_body_go() -> None:
    """Two minutes after one side came without the other, nothing is awaited of it, even where nothing else comes."""
    clock = Clock()
    tally = tally_of(SHADOW, clock=clock)
    await added(tally, serving("r", CAR), copy("q", CAR, life=(1, 4)))
    clock.now += WAITING_S
    _, settled = await added(tally)
    assert [(item.life, item.request_id, item.keep) for item in settled] == [(LIFE, "r", ()), ((1, 4), "q", ())]
    assert tally.skipped == {("s", "no_shadow"): 1, ("s", "no_serving"): 1}
    tally.forget("s")
    assert tally.skipped == {("", "no_shadow"): 1, ("", "no_serving"): 1}


async def test_pairs_are_summed_up_by_epoch() -> None:
    """A new operating point begins a new comparison."""
    tally = tally_of(SHADOW)
    await added(tally, *(item("r", CAR, epoch=3) for item in (serving, copy)), serving("q", CAR), copy("q", DOG))
    assert {epoch: pairs.counts.agreeing for epoch, pairs in tally.pairs("s").items()} == {0: 0, 3: 1}


async def test_summaries_that_are_read_do_not_change_any_more() -> None:
    """Whoever reads them, in a thread perhaps, has a copy."""
    tally = tally_of(SHADOW)
    await added(tally, serving("r", CAR), copy("r", DOG))
    read = tally.pairs("s")[0]
    await added(tally, serving("q", CAR), copy("q", DOG))
    assert (read.counts.requests, tally.pairs("s")[0].counts.requests) == (1, 2)


async def test_crowded_images_are_compared_all_the_same() -> None:
    """What takes long is matched beside the event loop, with the same result."""
    rng = np.random.default_rng(5)
    crowd = [(float(x), 0.9, "car") for x in rng.uniform(0, 20_000, BOXES_ON_THE_LOOP)]
    first, second = serving("r", crowd), copy("r", [(x + 5, 0.8, "car") for x, *_ in crowd])
    tally = tally_of(SHADOW)
    await added(tally, first, second)
    expected = PairSummary()
    expected.add(pair_request(first[2], second[2]))
    assert tally.pairs("s")[0] == expected


async def test_overlap_is_judged_by_the_tests_own_bound() -> None:
    """Boxes half beside each other agree where that is allowed."""
    moved = [(30.0, 0.75, "car")]
    for iou_min, agreeing in ((0.3, 1), (0.5, 0)):
        tally = tally_of(replace(SHADOW, iou_min=iou_min))
        await added(tally, serving("r", CAR), copy("r", moved))
        assert tally.pairs("s")[0].counts.agreeing == agreeing


async def test_other_roles_are_no_halves() -> None:
    """Only what serves and its copy are compared."""
    tally = tally_of(SHADOW)
    await added(
        tally, *(sampled(CAR, prediction_id=role, role=role, experiment="s") for role in ("control", "override"))
    )
    assert (tally.waiting("s"), tally.skipped) == (0, {})
