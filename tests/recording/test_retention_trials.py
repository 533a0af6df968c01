from dataclasses import replace

import pytest

from sidecar.recording import (
    Batch,
    PairRow,
    Reader,
    SnapshotRow,
    Store,
    SummaryRow,
    Trials,
    UnitCut,
    UnitRow,
    trial_sums,
)
from sidecar.recording.retention import SLICE_ROWS_MAX
from sidecar.recording.trial_sums import _KEPT_OF_TRIALS, _orphans_in

NOW = 1_700_100_000.0
DAY_S = 86_400
EPOCH = SummaryRow(0, 0, "yolo", "3", "control", "t-1", 0, "", 1, b"whole")
COUNTS = (
    "SELECT (SELECT COUNT(*) FROM trials), (SELECT COUNT(*) FROM summaries WHERE width_s = 0),"
    " (SELECT COUNT(*) FROM unit_sums), (SELECT COUNT(*) FROM unit_bounds), (SELECT COUNT(*) FROM pair_summaries)"
)


def sums_of(trial_id: str, units: int = 3) -> Batch:
    return Batch(
        summaries=[replace(EPOCH, experiment=trial_id, epoch=epoch) for epoch in (0, 1)],
        units=[UnitRow(trial_id, 0, "blue", unit, b"sums") for unit in range(units)],
        pairs=[PairRow(trial_id, epoch, 1, b"pairs") for epoch in (0, 1)],
        cuts=[UnitCut(trial_id, units)],
    )


async def test_whole_epochs_of_tests_stay_however_old_they_are(store: Store, reader: Reader, make_trial) -> None:
    """Of one that runs for years, and of one that ended 399 days ago; their finer buckets go by age."""
    await Trials(store).put(make_trial(1, created_at=NOW - 2_000 * DAY_S))
    await Trials(store).put(make_trial(2, status="completed", ended_at=NOW - 399 * DAY_S))
    for trial_id in ("t-1", "t-2"):
        await store.commit(sums_of(trial_id))
    old = [replace(EPOCH, width_s=width_s, bucket=0) for width_s in (10, 60, 3_600, 86_400)]
    await store.commit(Batch(summaries=old))
    await store.retain(NOW, age_s=DAY_S, bytes_max=1 << 40)
    assert await store.fetch("SELECT DISTINCT width_s FROM summaries") == [(0,)]
    assert await store.fetch(COUNTS) == [(2, 4, 6, 2, 4)]
    assert len(await reader.epoch_summaries("t-1")) == 2


async def test_test_that_ended_over_400_days_ago_goes_with_all_that_is_of_it(
    store: Store, reader: Reader, make_trial
) -> None:
    """Whatever its status says; a running one of the same age and its buckets of today stay."""
    trials = Trials(store)
    for number, status in ((1, "completed"), (2, "concluded"), (3, "running")):
        ended_at = None if status == "running" else NOW - 400 * DAY_S - 1
        await trials.put(make_trial(number, status=status, ended_at=ended_at, created_at=NOW - 500 * DAY_S))
        await store.commit(sums_of(f"t-{number}"))
        await trials.put_snapshot(SnapshotRow(f"t-{number}", NOW, {"images": 3}))
    today = replace(EPOCH, width_s=10, bucket=int(NOW) - 60, experiment="t-1")
    await store.commit(Batch(summaries=[today]))
    await store.retain(NOW, age_s=DAY_S, bytes_max=1 << 40)
    assert [row.trial_id for row in await trials.all()] == ["t-3"]
    assert await store.fetch(COUNTS) == [(1, 2, 3, 1, 2)]
    assert [len(await reader.snapshots_of(f"t-{number}")) for number in (1, 2, 3)] == [0, 0, 1]
    assert await reader.summaries(since=0, until=NOW, width_s=10) == [today]


async def test_many_units_of_an_old_test_go_in_slices(store: Store, make_trial, commits: list[str]) -> None:
    """Tens of thousands of rows go in many transactions, between which others are committed; the file shrinks."""
    await Trials(store).put(make_trial(1, status="stopped", ended_at=NOW - 401 * DAY_S))
    await store.commit(sums_of("t-1", units=20_000))
    await store.commit(Batch(pairs=[PairRow("t-1", epoch, 1, b"x" * 20_000) for epoch in range(300)]))
    commits.clear()
    removed = await store.retain(NOW, age_s=DAY_S, bytes_max=1 << 40)
    assert await store.fetch(COUNTS) == [(0, 0, 0, 0, 0)]
    assert len(commits) >= 20_000 / SLICE_ROWS_MAX + 5
    assert removed.bytes > 300 * 20_000


async def test_sums_without_a_test_go_once_no_traffic_is_left(store: Store) -> None:
    """Frames on their way when a test was deleted leave such; with traffic within a day it may be put again."""
    await store.commit(sums_of("gone"))
    await store.commit(sums_of("busy"))
    hour = replace(EPOCH, width_s=3_600, bucket=int(NOW) // 3_600 * 3_600 - 20 * 3_600, experiment="busy")
    await store.commit(Batch(summaries=[hour, replace(hour, bucket=hour.bucket - 7 * 3_600, experiment="gone")]))
    await store.retain(NOW, age_s=DAY_S, bytes_max=1 << 40)
    assert await store.fetch("SELECT DISTINCT trial_id FROM unit_sums") == [("busy",)]
    assert await store.fetch(COUNTS) == [(0, 2, 3, 1, 2)]
    await store.retain(NOW + DAY_S, age_s=DAY_S, bytes_max=1 << 40)
    assert await store.fetch(COUNTS) == [(0, 0, 0, 0, 0)]


@pytest.mark.parametrize("kind", ["units", "pairs", "cuts", "summaries"])
async def test_every_kind_of_what_is_left_behind_is_found(store: Store, kind: str) -> None:
    """A row of any one table is enough to be cleaned away, beside those of a test that there is."""
    await store.commit(Batch(**{kind: list(getattr(sums_of("gone"), kind))}))
    await store.retain(NOW, age_s=DAY_S, bytes_max=1 << 40)
    assert await store.fetch(COUNTS) == [(0, 0, 0, 0, 0)]


async def test_test_that_is_put_while_its_sums_are_cleared_stays(
    store: Store, make_trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was looked up before is looked at again in the transaction that removes."""
    await store.commit(sums_of("t-1"))
    look_for = trial_sums.orphans
    looked = False

    async def orphans(*arguments):
        nonlocal looked
        looked = True
        return await look_for(*arguments)

    async def put_after_the_look(work, *arguments):
        if looked:
            monkeypatch.undo()
            await Trials(store).put(make_trial(1))
        return await alone(work, *arguments)

    alone = store._alone
    monkeypatch.setattr(trial_sums, "orphans", orphans)
    monkeypatch.setattr(store, "_alone", put_after_the_look)
    await store.retain(NOW, age_s=DAY_S, bytes_max=1 << 40)
    assert await store.fetch(COUNTS) == [(1, 2, 3, 1, 2)]


async def test_tests_stay_while_the_clocks_disagree(store: Store, make_trial) -> None:
    """After a jump of the wall clock nobody knows how long ago a test ended, nor whether it has traffic."""
    await Trials(store).put(make_trial(1, status="completed", ended_at=NOW))
    await store.commit(sums_of("t-1"))
    await store.commit(sums_of("gone"))
    await store.retain(NOW + 4_000 * DAY_S, age_s=float("inf"), bytes_max=1 << 40)
    assert await store.fetch(COUNTS) == [(1, 4, 6, 2, 4)]


async def test_no_room_leaves_tests_alone(store: Store, make_trial, make_prediction) -> None:
    """Over the bytes predictions go; what a test came to stays."""
    await Trials(store).put(make_trial(1))
    await store.commit(sums_of("t-1"))
    await store.commit(Batch([make_prediction(number) for number in range(200)]))
    assert (await store.retain(NOW, age_s=4_000 * DAY_S, bytes_max=0)).predictions == 200
    assert await store.fetch(COUNTS) == [(1, 2, 3, 1, 2)]


async def test_names_left_behind_are_looked_up_and_not_searched(store: Store) -> None:
    """Each name is one look into an index, however many units it has."""
    for kept in _KEPT_OF_TRIALS:
        steps = [row[3] for row in await store.fetch(f"EXPLAIN QUERY PLAN {_orphans_in(*kept)}", (0,))]
        assert not [step for step in steps if step.startswith("SCAN") and step != "SCAN found"], steps
