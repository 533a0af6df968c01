"""The tally over a real store, killed and begun again."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from sidecar.recording import Batch, Reader, Store, StoreError, Trials
from sidecar.trials.pairing import WAITING_S
from sidecar.trials.tally import Tally
from sidecar.types import Prediction
from tests.kit.trial_traffic import AB, SHADOW, Clock, Recorded, Sampled, copy, serving, tally_of, treated

CAR = [(0.0, 0.75, "car")]
DOG = [(0.0, 0.75, "dog")]


def traffic(rng: np.random.Generator) -> list[list[Sampled]]:
    """Frames of an A/B test and a shadow test; the halves of a pair come in any order, some frames apart."""
    items: list[tuple[float, Sampled]] = []
    for number in range(60):
        boxes = [(200.0 * place, float(score), "car") for place, score in enumerate(rng.uniform(0.2, 1, 3))]
        others = [(x + float(rng.uniform(0, 40)), score, str(rng.choice(["car", "dog"]))) for x, score, _ in boxes]
        epoch, at = int(rng.integers(2)), float(rng.uniform(0, 20))
        items.append((at, serving(f"r{number}", boxes, boxes[:1], epoch=epoch)))
        items.append((at + float(rng.uniform(-4, 4)), copy(f"r{number}", others[:2], boxes[:1], epoch=epoch)))
        arm = "AB"[int(rng.integers(2))]
        unit = f"cam-{rng.integers(9)}-{arm}"
        items.append((at, treated(unit, boxes, request_id=f"u{number}", arm=arm, epoch=epoch)))
    items.sort(key=lambda item: item[0])
    cuts = sorted({0, len(items), *rng.integers(1, len(items), 19).tolist()})
    return [[item for _, item in items[start:end]] for start, end in pairwise(cuts)]


def figures(tally: Tally) -> tuple[object, ...]:
    """All that a test's results are made of."""
    units = tally.units("ab")
    assert units is not None
    seen = [(one.epoch, one.first, one.arm, one.moved, one.moments.sums, one.moments.products) for one in units.arms()]
    return sorted(tally.pairs("s").items(), key=lambda item: item[0]), seen


@pytest.mark.parametrize("seed", range(6))
async def test_killed_tally_comes_to_what_one_that_never_stopped_does(store: Store, reader: Reader, seed: int) -> None:
    """Killed before or after any commit, with frames sent again as long as they are not acknowledged, every pair and
    every request counts exactly once."""
    rng = np.random.default_rng(seed)
    frames = traffic(rng)
    unstopped = tally_of(AB, SHADOW)
    for frame in frames:
        await unstopped.add(frame)
    clock = Clock()
    life = await Recorded.begin(store, reader, AB, SHADOW, clock=clock)
    sent = 0
    while sent < len(frames):
        sent = min(len(frames), sent + int(rng.integers(1, 4)))
        killed_before = bool(rng.random() < 0.3)
        await life.take(frames[:sent], killed=killed_before)
        if killed_before or rng.random() < 0.3:
            life = await Recorded.begin(store, reader, AB, SHADOW, clock=clock)
    await life.take(frames)
    assert figures(life.tally) == figures(unstopped)
    assert life.tally.pairs("s")[0].counts.requests + life.tally.pairs("s")[1].counts.requests == 60
    after = await Recorded.begin(store, reader, AB, SHADOW, clock=clock)
    assert figures(after.tally) == figures(unstopped)


@pytest.mark.parametrize("serving_first", [True, False])
async def test_other_half_of_a_former_life_is_found(store: Store, reader: Reader, serving_first: bool) -> None:
    """The image that is seen differently is asked for, of the worker that the present half came from."""
    items = [serving("r", CAR), copy("r", DOG)]
    first, second = items if serving_first else items[::-1]
    clock = Clock()
    await (await Recorded.begin(store, reader, SHADOW, clock=clock)).take([[first]])
    after = await Recorded.begin(store, reader, SHADOW, clock=clock)
    await after.tally.add([((5, 6), *second[1:])])
    (request,) = after.tally.committed()
    assert (request.life, request.request_id, request.headers) == ((5, 6), "r", second[1].request_headers)
    assert [(found.prediction_id, found.role) for found, _ in request.keep] == [("r", "serving")]
    assert after.tally.waiting("s") == 0


async def test_store_is_not_searched_once_a_former_life_is_long_gone(store: Store, reader: Reader) -> None:
    """After two minutes each half is of this life, or lost: traffic costs no reads."""
    asked: list[str] = []

    async def lookup(request_id: str) -> Sequence[Prediction]:
        asked.append(request_id)
        return await reader.by_request(request_id)

    clock = Clock()
    tally = Tally(lookup, clock)
    tally.configure([SHADOW])
    await tally.restore(Trials(store))
    await tally.add([serving("r", CAR), copy("q", CAR), serving("p", CAR), copy("p", CAR)])
    clock.now += WAITING_S
    await tally.add([serving("o", CAR)])
    assert asked == ["r-shadow", "q"]


async def test_half_of_another_test_is_no_half(store: Store, reader: Reader) -> None:
    """A request was copied for one test only."""
    await store.commit(Batch(serving("r", CAR, trial="former")[2]))
    life = await Recorded.begin(store, reader, SHADOW, clock=Clock())
    await life.tally.add([copy("r", CAR)])
    assert (life.tally.waiting("s"), life.tally.pairs("s")) == (1, {})


async def test_store_that_does_not_answer_leaves_the_half_waiting(store: Store) -> None:
    """A failure to look is counted; where the other half comes, it is compared."""

    async def lookup(_: str) -> Sequence[Prediction]:
        raise StoreError("locked", "busy")

    tally = Tally(lookup, Clock())
    tally.configure([SHADOW])
    await tally.restore(Trials(store))
    await tally.add([serving("r", CAR)])
    await tally.add([copy("r", CAR)])
    assert (tally.lookup_failures, tally.failed, tally.pairs("s")[0].counts.requests) == (1, 0, 1)


async def test_units_that_were_cut_stay_away_after_a_restart(store: Store, reader: Reader) -> None:
    """A unit of which a part was forgotten must not come back with the rest."""
    clock = Clock()
    life = await Recorded.begin(store, reader, AB, clock=clock)
    units = life.tally.units("ab")
    assert units is not None
    units.rows_max = 10
    await life.take([[treated(f"cam-{number}", CAR) for number in range(12)]])
    after = await Recorded.begin(store, reader, replace(AB, slow_edge_ms=8.0), clock=clock)
    again = after.tally.units("ab")
    assert again is not None
    assert (again.bound, len(again)) == (units.bound, len(units))
    assert len(await Trials(store).units("ab")) == len(units) <= 10
