"""The open summaries."""

from sidecar.monitor.buckets import KEPT_S, LATENESS_S, Buckets
from sidecar.recording import SummaryRow
from sidecar.summaries import Summary, SummaryKey
from sidecar.types import RequestCounts

KEY = SummaryKey(1_700_000_000, 10, "m", "v", "serving", "", 0, "")


def requests(count: int) -> Summary:
    summary = Summary()
    summary.add_counts(RequestCounts(KEY.bucket, "m", "v", "serving", "", 0, "", requests=count, statuses={200: count}))
    return summary


class Shelf:
    """Stored rows by key, as a store would give them back."""

    def __init__(self) -> None:
        self.rows: dict[SummaryKey, SummaryRow] = {}

    async def load(self, key: SummaryKey) -> SummaryRow | None:
        return self.rows.get(key)

    def commit(self, buckets: Buckets) -> None:
        for row in buckets.dirty():
            key = SummaryKey(
                row.bucket, row.width_s, row.model, row.version, row.role, row.experiment, row.epoch, row.slice
            )
            self.rows[key] = row
        buckets.clean()

    def requests(self, width_s: int) -> list[int]:
        return [Summary.decode(row.payload).requests for key, row in self.rows.items() if key.width_s == width_s]


async def test_every_width_is_the_merge_of_the_ten_second_buckets() -> None:
    """A minute, an hour and a day hold what their ten-second buckets hold together."""
    shelf = Shelf()
    buckets = Buckets(shelf.load)
    for step in range(12):
        await buckets.add({KEY._replace(bucket=KEY.bucket + 10 * step): requests(step + 1)})
    shelf.commit(buckets)
    assert (
        sum(shelf.requests(10))
        == sum(shelf.requests(60))
        == sum(shelf.requests(3600))
        == sum(shelf.requests(86_400))
        == 78
    )


async def test_restarted_monitor_goes_on_where_the_store_stands() -> None:
    """What was committed before a crash is neither lost nor counted twice."""
    shelf = Shelf()
    before = Buckets(shelf.load)
    await before.add({KEY: requests(5)})
    shelf.commit(before)
    after = Buckets(shelf.load)
    await after.add({KEY: requests(2)})
    shelf.commit(after)
    assert shelf.requests(10) == [7]
    assert shelf.rows[KEY].revision == 2


async def test_closed_bucket_is_handed_on_once_a_revision() -> None:
    """Late counts make a new revision, which is handed on again; nothing else is."""
    shelf = Shelf()
    buckets = Buckets(shelf.load)
    await buckets.add({KEY: requests(1)})
    assert buckets.closed(KEY.bucket + 10 + LATENESS_S - 1) == []
    shelf.commit(buckets)
    closed = buckets.closed(KEY.bucket + 10 + LATENESS_S)
    assert [(key, revision) for key, revision, _ in closed] == [(KEY, 1)]
    buckets.streamed(closed)
    assert buckets.closed(KEY.bucket + 100) == []
    await buckets.add({KEY: requests(1)})
    assert [(key, revision) for key, revision, _ in buckets.closed(KEY.bucket + 100)] == [(KEY, 2)]


async def test_old_clean_buckets_leave_memory() -> None:
    """Memory does not grow with time."""
    shelf = Shelf()
    buckets = Buckets(shelf.load)
    await buckets.add({KEY: requests(1)})
    shelf.commit(buckets)
    buckets.streamed(buckets.closed(KEY.bucket + 100))
    buckets.evict(KEY.bucket + 3_600 + KEPT_S + 10_000)
    assert len(buckets) == 0


async def test_row_of_another_release_is_begun_anew() -> None:
    """A summary that can't be read never stops the monitor; it is counted and replaced by a higher revision."""
    shelf = Shelf()
    shelf.rows[KEY] = SummaryRow(**KEY._asdict(), revision=7, payload=b"\xffother")
    buckets = Buckets(shelf.load)
    await buckets.add({KEY: requests(2)})
    shelf.commit(buckets)
    assert (buckets.unreadable, shelf.rows[KEY].revision, shelf.requests(10)) == (1, 8, [2])


async def test_restarted_monitor_hands_on_what_the_former_one_had_not() -> None:
    """A bucket that closed while nobody was there is streamed by the next life."""
    shelf = Shelf()
    before = Buckets(shelf.load)
    await before.add({KEY: requests(5)})
    shelf.commit(before)
    after = Buckets(shelf.load)
    after.restore(row for key, row in shelf.rows.items() if key.width_s == 10)
    assert [(key, summary.requests) for key, _, summary in after.closed(KEY.bucket + 100)] == [(KEY, 5)]


OF_TEST = KEY._replace(experiment="t", epoch=2, role="treatment")
EPOCH = OF_TEST._replace(bucket=0, width_s=0, model="")


async def test_whole_epoch_is_the_merge_of_all_its_slices() -> None:
    """Each request is counted in one slice, so its epoch has all of them, whenever they were, each once."""
    shelf = Shelf()
    buckets = Buckets(shelf.load)
    for step, name in enumerate(("", "north", "south", "north")):
        await buckets.add({OF_TEST._replace(bucket=KEY.bucket + 40_000 * step, slice=name): requests(step + 1)})
        shelf.commit(buckets)
    await buckets.add({OF_TEST._replace(epoch=3): requests(1), OF_TEST._replace(version="w"): requests(1)})
    shelf.commit(buckets)
    assert shelf.requests(86_400) == [1, 2, 3, 4, 1, 1]
    assert {key: Summary.decode(row.payload).requests for key, row in shelf.rows.items() if key.width_s == 0} == {
        EPOCH: 10,
        EPOCH._replace(epoch=3): 1,
        EPOCH._replace(version="w"): 1,
    }


async def test_plain_traffic_has_no_epoch() -> None:
    """Only what is of a test is kept by epoch."""
    shelf = Shelf()
    buckets = Buckets(shelf.load)
    await buckets.add({KEY: requests(1)})
    shelf.commit(buckets)
    assert shelf.requests(0) == []


async def test_whole_epoch_is_never_handed_on() -> None:
    """Streams get the ten-second buckets; the epoch would count them again."""
    buckets = Buckets(Shelf().load)
    await buckets.add({OF_TEST: requests(1)})
    assert [key for key, *_ in buckets.closed(KEY.bucket + 1_000_000)] == [OF_TEST]


async def test_whole_epoch_leaves_memory_when_it_has_rested() -> None:
    """It stays while the test has traffic; later it is read from the store and goes on."""
    shelf = Shelf()
    buckets = Buckets(shelf.load)
    now = KEY.bucket + 1_000_000.0
    for step in range(3):
        await buckets.add({OF_TEST: requests(1)})
        buckets.evict(now + 400 * step)
        shelf.commit(buckets)
        buckets.streamed(buckets.closed(now))
    buckets.evict(now + 800 + KEPT_S - 1)
    assert len(buckets) == 1
    buckets.evict(now + 800 + KEPT_S)
    assert len(buckets) == 0
    await buckets.add({OF_TEST: requests(1)})
    shelf.commit(buckets)
    assert shelf.requests(0) == [4]


async def test_whole_epoch_is_written_again_where_the_store_is_gone() -> None:
    """Of all buckets these alone reach back to when a test began."""
    shelf = Shelf()
    buckets = Buckets(shelf.load)
    await buckets.add({OF_TEST: requests(5)})
    shelf.commit(buckets)
    shelf.rows.clear()
    buckets.write_epochs()
    shelf.commit(buckets)
    assert (list(shelf.rows), shelf.requests(0)) == ([EPOCH], [5])


async def test_test_of_the_same_id_begins_anew() -> None:
    """What is in memory of one that was removed does not count for it."""
    buckets = Buckets(Shelf().load)
    await buckets.add({OF_TEST: requests(5), KEY: requests(1)})
    buckets.forget("t")
    shelf = Shelf()
    await buckets.add({OF_TEST: requests(2)})
    shelf.commit(buckets)
    assert shelf.requests(0) == [2]
