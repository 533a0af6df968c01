"""Both answers to a copied request."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.experiments.pairs import PairSummary, merge_pairs, pair_request
from sidecar.recording import PairRow
from sidecar.trials.pairing import WAITING_MAX, WAITING_S, Half, Pairs, Side
from tests.kit.trial_traffic import LIFE, Sampled, copy, serving


def half(item: Sampled) -> Half:
    life, exchange, predictions = item
    side: Side = "b" if exchange.role == "shadow" else "a"
    return Half(exchange.prediction_id.removesuffix("-shadow"), side, predictions, life)


def halves(request_id: str, seed: int, epoch: int = 0) -> list[Half]:
    """Both answers, with boxes that lie and are called a little differently."""
    rng = np.random.default_rng(seed)
    boxes = [(float(x), float(score), str(rng.choice(["car", "dog"]))) for x, score in rng.uniform(0.2, 1, (4, 2))]
    spread = [(200 * place + x, score, name) for place, (x, score, name) in enumerate(boxes)]
    moved = [(x + float(rng.uniform(0, 40)), score, str(rng.choice(["car", "dog"]))) for x, score, name in spread]
    return [half(serving(request_id, spread, epoch=epoch)), half(copy(request_id, moved[:3], epoch=epoch))]


def add(pairs: Pairs, item: Half, now: float = 0.0) -> None:
    both = pairs.meet(item, now)
    if both is not None:
        pairs.count(both[0].predictions[0].epoch, pair_request(both[0].predictions, both[1].predictions, pairs.iou_min))


@given(st.permutations(range(12)))
def test_order_of_the_halves_does_not_matter(order: list[int]) -> None:
    """Whichever answer comes first, the summaries are the same."""
    items = [item for number in range(6) for item in halves(f"r{number}", number, epoch=number % 2)]
    straight, mixed = Pairs("t"), Pairs("t")
    for place, other in enumerate(order):
        add(straight, items[place])
        add(mixed, items[other])
    assert straight.summaries == mixed.summaries
    assert (len(mixed), mixed.summaries[0].counts.requests) == (0, 3)


def test_eight_shards_merge_to_the_whole() -> None:
    """Eight processes that share the requests among them find what one finds."""
    whole, shards = Pairs("t"), [Pairs("t") for _ in range(8)]
    for number in range(40):
        for item in halves(f"r{number}", number):
            add(whole, item)
            add(shards[number % 8], item)
    assert merge_pairs(shard.summaries[0] for shard in shards) == whole.summaries[0]


def test_answers_wait_no_longer_than_they_may() -> None:
    """What is left alone is given up after two minutes, by the side that never came."""
    pairs = Pairs("t")
    first, second = halves("r", 1)
    other = halves("q", 2)[1]
    assert pairs.meet(first, 10.0) is None
    assert pairs.meet(other, 11.0) is None
    assert pairs.give_up(10.0 + WAITING_S - 0.1) == []
    given_up = [pairs.give_up(at + WAITING_S) for at in (10.0, 11.0)]
    assert [[(gone.request_id, gone.side) for gone in each] for each in given_up] == [[("r", "a")], [("q", "b")]]
    assert pairs.skipped == Counter(no_shadow=1, no_serving=1)
    assert pairs.meet(second, 200.0) is None
    assert len(pairs) == 1


def test_answer_that_waits_has_arrays_of_its_own() -> None:
    """Those of a prediction may be views of what was read with a whole batch, which nothing is to keep."""
    pairs = Pairs("t")
    first, second = halves("r", 1)
    detections = first.predictions[0].detections
    assert detections is not None
    batch = np.tile(detections.boxes, (500, 1))
    view = replace(first.predictions[0], detections=replace(detections, boxes=batch[: len(detections.boxes)]))
    pairs.meet(replace(first, predictions=[view]), 0.0)
    both = pairs.meet(second, 0.0)
    assert both is not None
    waited = both[0].predictions[0].detections
    assert waited is not None
    assert waited.boxes.base is None
    assert np.array_equal(waited.boxes, detections.boxes)


def test_waiting_answers_are_bounded() -> None:
    """The one that has waited longest makes room, counted."""
    pairs = Pairs("t")
    for number in range(WAITING_MAX + 3):
        pairs.meet(Half(f"r{number}", "a", (), LIFE), 0.0)
    assert (len(pairs), pairs.skipped) == (WAITING_MAX, Counter(full=3))
    assert [gone.request_id for gone in pairs.give_up(0.0)] == ["r0", "r1", "r2"]


def test_boxes_of_waiting_answers_are_bounded() -> None:
    """Few answers with very many boxes don't fill the memory either, not even a single one."""
    pairs = Pairs("t", boxes_max=10)
    pairs.meet(halves("r", 1)[0], 0.0)
    pairs.meet(halves("q", 2)[0], 0.0)
    assert (len(pairs), pairs.skipped) == (2, Counter())
    pairs.meet(half(serving("p", [(float(x), 0.9, "car") for x in range(9)])), 0.0)
    assert (len(pairs), pairs.skipped) == (1, Counter(full=2))
    pairs.meet(half(serving("o", [(float(x), 0.9, "car") for x in range(11)])), 0.0)
    assert (len(pairs), pairs.skipped) == (0, Counter(full=4))


def test_answer_that_comes_twice_counts_once() -> None:
    """The second of one side is passed over, and counted."""
    pairs = Pairs("t")
    first, second = halves("r", 1)
    for item in (first, first, second):
        add(pairs, item)
    assert (pairs.summaries[0].counts.requests, pairs.skipped) == (1, Counter(twice=1))


def test_summaries_restore_to_the_same() -> None:
    """What is written goes on where it stood; only what changed is written."""
    before = Pairs("t")
    for number in range(4):
        for item in halves(f"r{number}", number, epoch=number % 2):
            add(before, item)
    after = Pairs("t")
    after.restore(before.changed())
    before.written()
    assert (before.changed(), after.changed()) == ([], [])
    for pairs in (before, after):
        for item in halves("last", 9, epoch=1):
            add(pairs, item)
    assert before.summaries == after.summaries
    assert [(row.epoch, row.revision) for row in after.changed()] == [(1, 3)]
    after.write_all()
    assert [row.epoch for row in after.changed()] == [0, 1]


@pytest.mark.parametrize("payload", [b"\xffother", PairSummary(0.7, revision=5).encode()])
def test_row_of_another_form_is_begun_anew(payload: bytes) -> None:
    """A summary that can't be gone on with is counted, and replaced by a higher revision."""
    pairs = Pairs("t", iou_min=0.5)
    pairs.restore([PairRow("t", 0, 5, payload)])
    for item in halves("r", 1):
        add(pairs, item)
    assert (pairs.unreadable, pairs.changed()[0].revision, pairs.summaries[0].counts.requests) == (1, 6, 1)


def test_failure_of_either_side_is_counted_by_side() -> None:
    """An answer that is an error is no disagreement about boxes."""
    pairs = Pairs("t")
    for item in (half(serving("r", [])), half(copy("r", status=504, error="timeout"))):
        add(pairs, item)
    for item in (half(serving("q", status=500)), half(copy("q", []))):
        add(pairs, item)
    counts = pairs.summaries[0].counts
    assert (counts.requests, counts.failed_a, counts.failed_b, counts.images) == (2, 1, 1, 0)
