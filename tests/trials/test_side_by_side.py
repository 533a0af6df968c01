"""Both versions' answers to the same images, read anew from what is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from sidecar.experiments.lifecycle import Trial, reopened
from sidecar.experiments.pairs.kinds import PairKind
from sidecar.recording import Batch, Reader, Sample, Store
from sidecar.trials import SideBySide, SidePair
from sidecar.trials.points import Points
from sidecar.trials.reading import POINTS_CHANGED
from sidecar.trials.side_by_side import COMPARED_MAX, SIZE_UNKNOWN, UNREAD
from tests.kit.trial_traffic import Box, Sampled, copy, serving
from tests.trials.room import NOON, Room, shadow

CAR = [(0.0, 0.75, "car")]
DOG = [(0.0, 0.75, "dog")]
TWO = [(0.0, 0.75, "car"), (200.0, 0.5, "car")]


async def asked(room: Room) -> Trial:
    points = Points({"A": "1", "B": "v2"}).text
    return (await room.book.begin(shadow(name="s"), opened_for=points)).trial


def answered(number: int, a: Sequence[Box], b: Sequence[Box]) -> list[Sampled]:
    """One request a second, of the model det."""
    at = NOON + number
    return [
        serving(f"r{number}", a, model="det", started_at=at, role="serving"),
        copy(f"r{number}", b, model="det", started_at=at),
    ]


async def record(store: Store, *items: Sampled) -> None:
    await store.commit(Batch([prediction for *_, found in items for prediction in found]))


async def all_of(reader: Reader, trial: Trial, kind: PairKind = "all", limit: int = 2) -> list[SidePair]:
    found: list[SidePair] = []
    place = None
    while True:
        page = await SideBySide(reader).page(trial, kind, place, limit, NOON + 10_000)
        assert len(page.pairs) <= limit
        found += page.pairs
        place = page.next
        if place is None:
            return found


async def test_pairs_come_newest_first_and_each_once(room: Room, store: Store, reader: Reader) -> None:
    """Page after page, with what became of each box; what has no other half is none."""
    trial = await asked(room)
    seen = [(CAR, CAR), (CAR, DOG), (TWO, CAR), (CAR, TWO), ([], [])]
    items = [item for number, (a, b) in enumerate(seen) for item in answered(number, a, b)]
    alone = [
        serving("alone", CAR, model="det", started_at=NOON + 9),
        copy("other", CAR, model="det", started_at=NOON + 9),
    ]
    await record(store, *items, *alone)
    found = await all_of(reader, trial)
    assert [pair.a.prediction_id for pair in found] == ["r4", "r3", "r2", "r1", "r0"]
    assert [pair.b.prediction_id for pair in found] == [f"r{number}-shadow" for number in (4, 3, 2, 1, 0)]
    counts = [
        (len(of.matched), len(of.flips), len(of.missed), len(of.extra))
        for of in (pair.matching for pair in found)
        if of is not None
    ]
    assert counts == [(0, 0, 0, 0), (1, 0, 0, 1), (1, 0, 1, 0), (0, 1, 0, 0), (1, 0, 0, 0)]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("disagreement", ["r3", "r2", "r1"]), ("class_flip", ["r1"]), ("missed", ["r2"]), ("extra", ["r3"])],
)
async def test_a_kind_has_its_pairs_alone(
    room: Room, store: Store, reader: Reader, kind: PairKind, expected: list[str]
) -> None:
    """Those that agree, and the other kinds, are passed by."""
    trial = await asked(room)
    seen = [(CAR, CAR), (CAR, DOG), (TWO, CAR), (CAR, TWO)]
    await record(store, *(item for number, (a, b) in enumerate(seen) for item in answered(number, a, b)))
    assert [pair.a.prediction_id for pair in await all_of(reader, trial, kind)] == expected


async def test_images_of_one_request_are_pairs_of_their_own(room: Room, store: Store, reader: Reader) -> None:
    """By their place in the request."""
    trial = await asked(room)
    await record(
        store,
        serving("r", CAR, TWO, model="det", started_at=NOON, role="serving"),
        copy("r", CAR, CAR, model="det", started_at=NOON),
    )
    found = await all_of(reader, trial)
    assert sorted((pair.a.prediction_id, pair.b.prediction_id) for pair in found) == [
        ("r.0", "r-shadow.0"),
        ("r.1", "r-shadow.1"),
    ]


async def test_what_cannot_be_compared_says_why(room: Room, store: Store, reader: Reader) -> None:
    """An answer that can't be read, an error, units that don't fit: a pair of the kind all, and of no other."""
    trial = await asked(room)
    unread = [
        serving("r0", CAR, model="det", started_at=NOON, role="serving"),
        copy("r0", None, model="det", started_at=NOON),
    ]
    failed = [
        serving("r1", CAR, model="det", started_at=NOON + 1, role="serving"),
        copy("r1", model="det", started_at=NOON + 1, status=503),
    ]
    items = [*unread, *failed, *answered(2, CAR, CAR)]
    life, exchange, predictions = items[-1]
    detections = predictions[0].detections
    assert detections is not None
    unsized = [
        replace(one, image_width=0, image_height=0, detections=replace(detections, normalised=True))
        for one in predictions
    ]
    items[-1] = (life, exchange, unsized)
    life, exchange, predictions = items[-2]
    items[-2] = (life, exchange, [replace(one, image_width=0, image_height=0) for one in predictions])
    await record(store, *items)
    told = {pair.a.prediction_id: pair.left_out for pair in await all_of(reader, trial)}
    assert told == {"r0": UNREAD["b"], "r1": "the shadow answered with an error", "r2": SIZE_UNKNOWN}
    assert await all_of(reader, trial, "disagreement") == []


async def test_kept_image_is_named_unless_its_reviewer_must_not_know(room: Room, store: Store, reader: Reader) -> None:
    """What the random sample drew is shown once it is reviewed."""
    trial = await asked(room)
    await record(store, *answered(0, CAR, DOG), *answered(1, CAR, DOG))
    fields = ("det", "1", NOON, ("disagreement",), 1.0, "needs_review", "image/jpeg", "x", 5, 64, 64)
    samples = [Sample("s0", "r0", *fields), Sample("s1", "r1", *fields, drawn=True, draw_rate=0.1)]
    for sample in samples:
        await store.add_sample(sample)
    found = await all_of(reader, trial)
    assert {pair.a.prediction_id: pair.sample_id for pair in found} == {"r0": "s0", "r1": None}
    for sampled, expected in ((True, ["r0"]), (False, ["r1"])):
        page = await SideBySide(reader).page(trial, "all", None, 5, NOON + 10_000, sampled)
        assert [pair.a.prediction_id for pair in page.pairs] == expected


async def test_pairs_of_before_an_operating_point_changed_are_left_out(
    room: Room, store: Store, reader: Reader
) -> None:
    """As in the results: their boxes are others."""
    trial = await asked(room)
    await record(store, *answered(0, CAR, DOG), *answered(90, CAR, CAR))
    later = reopened(trial, NOON + 60, POINTS_CHANGED, trial.opened_for)
    assert [pair.a.prediction_id for pair in await all_of(reader, later)] == ["r90"]


async def test_a_rare_kind_is_looked_for_page_by_page(room: Room, store: Store, reader: Reader) -> None:
    """A page compares so many at most; it may be empty and have a next one, and the search ends."""
    trial = await asked(room)
    n = COMPARED_MAX + 100
    items = [item for number in range(n) for item in answered(number, CAR, DOG if number == 3 else CAR)]
    await record(store, *items)
    first = await SideBySide(reader).page(trial, "class_flip", None, 5, NOON + 10_000)
    assert (list(first.pairs), first.looked_at) == ([], COMPARED_MAX)
    second = await SideBySide(reader).page(trial, "class_flip", first.next, 5, NOON + 10_000)
    assert ([pair.a.prediction_id for pair in second.pairs], second.next) == (["r3"], None)
