"""Delivery against a real receiver that fails, stalls, refuses and comes back."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from sidecar.recording import Batch, OutboxItem, Store
from sidecar.streaming import Delivery, summary_item
from sidecar.streaming.delivery import REFUSED
from sidecar.summaries import Summary, SummaryKey
from sidecar.types import RequestCounts


class Pauses:
    """Stands for sleeping: notes what was asked for and only yields, so no test waits for a clock."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        await asyncio.sleep(0)


def delivery_to(receiver: Any, store: Store, pauses: Pauses, **settings: Any) -> Delivery:
    return Delivery(
        store, "hub", receiver.url, {"Authorization": "Bearer t"}, sleep=pauses, rng=random.Random(1), **settings
    )


async def run_until(delivery: Delivery, done: Callable[[], Awaitable[bool]]) -> None:
    task = asyncio.create_task(delivery.run())
    try:
        async with asyncio.timeout(30):
            while not await done():
                await asyncio.wait([task], timeout=0.005)
                if task.done():
                    task.result()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def run_until_empty(delivery: Delivery, store: Store) -> None:
    async def empty() -> bool:
        return (await store.outbox_stats("hub")).items == 0

    await run_until(delivery, empty)


async def test_waiting_documents_are_delivered_in_order_and_in_bounded_batches(receiver, store, fill) -> None:
    """Documents arrive oldest first, in compressed batches of at most ``items_max``, under distinct keys."""
    await fill(store, 450)
    delivery = delivery_to(receiver, store, Pauses())
    await run_until_empty(delivery, store)
    assert [document["n"] for document in receiver.documents] == list(range(450))
    assert [len(request["body"]["documents"]) for request in receiver.requests] == [200, 200, 50]
    headers = [request["headers"] for request in receiver.requests]
    assert len({fields["Idempotency-Key"] for fields in headers}) == 3
    assert {(fields["Content-Encoding"], fields["Authorization"]) for fields in headers} == {("gzip", "Bearer t")}
    assert delivery.stats.sent == 450
    assert (await delivery.look()).items == 0


async def test_documents_over_the_byte_bound_go_in_several_batches(receiver, store) -> None:
    """A batch stays under ``bytes_max``; a single larger document goes alone."""
    payloads = [b'"%s"' % (b"x" * size) for size in (400, 400, 400, 2_000, 10)]
    await store.commit(Batch(outbox=[OutboxItem("hub", f"k{i}", 1, text) for i, text in enumerate(payloads)]))
    await run_until_empty(delivery_to(receiver, store, Pauses(), bytes_max=1_000), store)
    assert [len(request["body"]["documents"]) for request in receiver.requests] == [2, 1, 1, 1]


async def test_failing_receiver_gets_the_same_batch_again_after_growing_pauses(receiver, store, fill) -> None:
    """After 5xx the same batch comes again under the same key, each pause longer, none over the bound."""
    await fill(store, 3)
    receiver.script.extend([500, 503, 502, 500, 500, 500])
    pauses = Pauses()
    delivery = delivery_to(receiver, store, pauses, retry_first_s=1.0, retry_max_s=8.0)
    await run_until_empty(delivery, store)
    assert len({request["headers"]["Idempotency-Key"] for request in receiver.requests}) == 1
    assert all(most / 2 <= pause <= most for pause, most in zip(pauses.asked, [1, 2, 4, 8, 8, 8], strict=False))
    assert (delivery.stats.sent, delivery.stats.failed, delivery.stats.failures["http_5xx"]) == (3, 6, 6)


async def test_retry_after_is_waited_for(receiver, store, fill) -> None:
    """A 429 with Retry-After makes the sender wait at least that long."""
    await fill(store, 1)
    receiver.script.extend([(429, {"Retry-After": "90"}), (503, {"Retry-After": "nonsense"})])
    pauses = Pauses()
    await run_until_empty(delivery_to(receiver, store, pauses), store)
    assert pauses.asked[0] == 90.0
    assert 0 < pauses.asked[1] <= 2.0


async def test_stalling_receiver_is_given_up_and_tried_again(receiver, store, fill) -> None:
    """A receiver that takes a request and says nothing costs one timeout, not the delivery."""
    await fill(store, 2)
    receiver.script.append("stall")
    delivery = delivery_to(receiver, store, Pauses(), timeout_s=1.0)
    await run_until_empty(delivery, store)
    assert delivery.stats.failures["timeout"] == 1
    assert [document["n"] for document in receiver.documents] == [0, 1]


async def test_lost_answer_sends_the_batch_twice_under_one_key(receiver, store, fill) -> None:
    """When the answer is lost the documents come again: at least once, and a receiver can tell by the key."""
    await fill(store, 2)
    receiver.script.append("cut")
    await run_until_empty(delivery_to(receiver, store, Pauses()), store)
    assert Counter(document["n"] for document in receiver.documents) == {0: 2, 1: 2}
    assert len({request["headers"]["Idempotency-Key"] for request in receiver.requests}) == 1


async def test_one_refused_document_is_set_aside_and_the_others_arrive(receiver, store, fill) -> None:
    """A document the receiver can't take is narrowed down to, put aside in the store, counted, and blocks nothing."""
    await fill(store, 20)
    receiver.always = lambda documents: 422 if any(document["n"] == 7 for document in documents) else 202
    delivery = delivery_to(receiver, store, Pauses(), refusals_max=2)
    await run_until_empty(delivery, store)
    assert sorted(document["n"] for document in receiver.documents) == [n for n in range(20) if n != 7]
    assert (delivery.stats.refused, delivery.stats.sent) == (1, 19)
    assert [item.key for _, item in await store.outbox_peek("hub" + REFUSED, 10)] == ["k7"]


async def test_refused_documents_are_offered_again_at_the_next_start(receiver, store, fill) -> None:
    """With a wrong token all is set aside after N tries; with the right one, after a restart, all arrives."""
    await fill(store, 5)
    receiver.always = 401
    first = delivery_to(receiver, store, Pauses(), refusals_max=3)

    async def all_set_aside() -> bool:
        return first.stats.refused == 5

    await run_until(first, all_set_aside)
    assert (len(receiver.requests), receiver.documents) == (3, [])
    receiver.always = 200

    async def all_sent() -> bool:
        return second.stats.sent == 5

    second = delivery_to(receiver, store, Pauses())
    await run_until(second, all_sent)
    assert [document["n"] for document in receiver.documents] == list(range(5))
    assert (await store.outbox_stats("hub" + REFUSED)).items == 0


async def test_outbox_over_its_bound_drops_the_oldest_and_counts_them(receiver, store, fill) -> None:
    """While the receiver is away the outbox keeps the newest within its bytes; the loss is a number."""
    await fill(store, 100)
    item_bytes = (await store.outbox_stats("hub")).bytes // 100
    delivery = delivery_to(receiver, store, Pauses(), outbox_bytes_max=item_bytes * 40)
    stats = await delivery.look()
    assert stats.dropped >= 60
    assert stats.bytes <= item_bytes * 40
    assert stats.oldest_at is not None
    await run_until_empty(delivery, store)
    assert receiver.documents[-1]["n"] == 99


async def test_newer_revision_while_the_older_is_in_flight_is_delivered_too(receiver, store, fill) -> None:
    """What changes while it is on its way is sent again in its newest form."""
    await fill(store, 1)
    receiver.script.append("stall")
    delivery = delivery_to(receiver, store, Pauses())

    async def asked() -> bool:
        return len(receiver.requests) == 1

    task = asyncio.create_task(delivery.run())
    while not await asked():
        await asyncio.wait([task], timeout=0.005)
    await fill(store, 1, revision=2)
    receiver.released.set()

    async def empty() -> bool:
        return (await store.outbox_stats("hub")).items == 0

    while not await empty():
        await asyncio.wait([task], timeout=0.005)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert receiver.documents[-1]["revision"] == 2


async def test_hour_of_summaries_survives_an_outage_and_a_restart(receiver, tmp_path: Path) -> None:
    """360 buckets gathered while the receiver is down, across a restart of the store, all arrive once it is back."""
    data_dir = tmp_path / "edge"
    await receiver.stop()
    store = await Store.open(data_dir)
    start = 1_700_000_000
    keys = [SummaryKey(start + 10 * i, 10, "det", "1", "serving", "", 0, "") for i in range(360)]
    for key in keys:
        summary = Summary()
        summary.add_counts(RequestCounts(key.bucket, "det", "1", "serving", "", 0, "", requests=7, statuses={200: 7}))
        await store.commit(Batch(outbox=[summary_item("hub", "edge-1", key, summary.revision, summary)]))
    before = delivery_to(receiver, store, Pauses())

    async def failed_thrice() -> bool:
        return before.stats.failures["connection"] >= 3

    await run_until(before, failed_thrice)
    await store.close()

    store = await Store.open(data_dir)
    assert (await store.outbox_stats("hub")).items == 360
    await receiver.start()
    await run_until_empty(delivery_to(receiver, store, Pauses()), store)
    await store.close()
    assert [document["key"]["bucket"] for document in receiver.documents] == [key.bucket for key in keys]
    assert sum(document["summary"]["requests"] for document in receiver.documents) == 7 * 360
    assert {document["instance"] for document in receiver.documents} == {"edge-1"}


async def test_store_that_fails_does_not_end_the_delivery(receiver, tmp_path: Path) -> None:
    """A store that can't be read is a counted failure with a pause, and the task lives on."""
    store = await Store.open(tmp_path)
    await store.close()
    delivery = delivery_to(receiver, store, Pauses())

    async def failed_twice() -> bool:
        return delivery.stats.failures["store"] >= 2

    await run_until(delivery, failed_twice)
