from sidecar.recording import Batch, OutboxItem, OutboxStats, Store


def item(key: str, revision: int = 1, payload: bytes = b"0123456789", destination: str = "hub") -> OutboxItem:
    return OutboxItem(destination, key, revision, payload)


async def test_items_wait_per_destination_oldest_first(store: Store) -> None:
    """peek gives the oldest of one destination; what is done does not come again."""
    await store.commit(Batch(outbox=[item("a"), item("b"), item("x", destination="otlp")]))
    waiting = await store.outbox_peek("hub", 10)
    assert [entry.key for _, entry in waiting] == ["a", "b"]
    await store.outbox_done([waiting[0][0]])
    assert [entry.key for _, entry in await store.outbox_peek("hub", 10)] == ["b"]
    assert [entry.key for _, entry in await store.outbox_peek("otlp", 10)] == ["x"]


async def test_higher_revision_replaces_and_lower_is_ignored(store: Store) -> None:
    """Of one key only the newest revision is sent."""
    for revision in (2, 3, 1):
        await store.commit(Batch(outbox=[item("a", revision, str(revision).encode())]))
    assert [entry.payload for _, entry in await store.outbox_peek("hub", 10)] == [b"3"]


async def test_revision_that_comes_in_during_delivery_is_not_lost(store: Store) -> None:
    """Acknowledging the revision that was sent leaves the newer one waiting."""
    await store.commit(Batch(outbox=[item("a", 1)]))
    sent = [item_id for item_id, _ in await store.outbox_peek("hub", 1)]
    await store.commit(Batch(outbox=[item("a", 2)]))
    await store.outbox_done(sent)
    assert [entry.revision for _, entry in await store.outbox_peek("hub", 10)] == [2]


async def test_trim_drops_the_oldest_down_to_the_bound(store: Store) -> None:
    """Trimming keeps the newest items within the bytes and tells how many went."""
    await store.commit(Batch(outbox=[item(f"{number:04}") for number in range(1_000)]))
    assert (await store.outbox_stats("hub")).bytes == 10_000
    assert await store.outbox_trim("hub", 3_000) == 700
    assert (await store.outbox_peek("hub", 1))[0][1].key == "0700"
    assert await store.outbox_trim("hub", 3_000) == 0


async def test_stats_of_an_empty_outbox_have_no_age(store: Store) -> None:
    """Nothing waiting: zero items, zero bytes, no oldest."""
    assert await store.outbox_stats("hub") == OutboxStats(0, 0, None)
    await store.commit(Batch(outbox=[item("a")]))
    stats = await store.outbox_stats("hub")
    assert (stats.items, stats.bytes) == (1, 10)
    assert stats.oldest_at is not None
