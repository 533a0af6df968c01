from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.recording import (
    TRIALS_MAX,
    Batch,
    Full,
    PairRow,
    Reader,
    SnapshotRow,
    Store,
    StoreError,
    SummaryRow,
    Trials,
    UnitCut,
    UnitRow,
)

EPOCH = SummaryRow(0, 0, "yolo", "3", "control", "t-1", 0, "", 1, b"whole")


def all_of(trial_id: str) -> Batch:
    """Something of each kind that is kept of a test."""
    return Batch(
        summaries=[replace(EPOCH, experiment=trial_id)],
        units=[UnitRow(trial_id, 0, "blue", unit, b"sums") for unit in (1, 2, 3)],
        pairs=[PairRow(trial_id, 0, 1, b"pairs")],
        cuts=[UnitCut(trial_id, 2)],
    )


async def left_of(store: Store, trial_id: str) -> list[int]:
    """How many rows there are of a test: its own, whole epochs, units, bounds, pairs."""
    rows = await store.fetch(
        "SELECT (SELECT COUNT(*) FROM trials WHERE trial_id = ?1),"
        " (SELECT COUNT(*) FROM summaries WHERE width_s = 0 AND experiment = ?1),"
        " (SELECT COUNT(*) FROM unit_sums WHERE trial_id = ?1),"
        " (SELECT COUNT(*) FROM unit_bounds WHERE trial_id = ?1),"
        " (SELECT COUNT(*) FROM pair_summaries WHERE trial_id = ?1)",
        (trial_id,),
    )
    return list(rows[0])


async def test_snapshots_are_of_a_test_and_go_with_it(store: Store, reader: Reader, make_trial) -> None:
    """Kept in the order of time, one a moment; without a test nothing is kept."""
    trials = Trials(store)
    await trials.put(make_trial(1))
    assert await trials.last_snapshot("t-1") == (float("-inf"), 0)
    for at, value in ((60.0, 1), (30.0, 2), (60.0, 3)):
        await trials.put_snapshot(SnapshotRow("t-1", at, {"images": value}))
    await trials.put_snapshot(SnapshotRow("gone", 60.0, {}))
    kept = [SnapshotRow("t-1", 30.0, {"images": 2}), SnapshotRow("t-1", 60.0, {"images": 3})]
    assert (await reader.snapshots_of("t-1"), await reader.snapshots_of("gone")) == (kept, [])
    assert await trials.last_snapshot("t-1") == (60.0, 2)
    await trials.delete("t-1")
    assert await reader.snapshots_of("t-1") == []


async def test_tests_come_back_whole_and_newest_first(store: Store, make_trial) -> None:
    """Every field survives, results too; of one instant the one that was added last comes first."""
    trials = Trials(store)
    rows = [
        make_trial(1),
        make_trial(2, kind="shadow", status="stopped", ended_at=1_700_000_900.5, results={"images": 9, "p": [0.5]}),
        make_trial(3, created_at=1_700_000_002.0),
    ]
    for row in rows:
        assert await trials.put(row) is None
    assert await trials.all() == [rows[2], rows[1], rows[0]]


async def test_test_that_is_put_again_takes_its_own_place(store: Store, make_trial) -> None:
    """One row an id, with what came last, in the same place of the order."""
    trials = Trials(store)
    for number in (1, 2):
        await trials.put(make_trial(number, created_at=5.0))
    ended = make_trial(1, created_at=5.0, status="completed", ended_at=9.0, lowest={}, results={"verdict": "better"})
    await trials.put(ended)
    assert await trials.all() == [make_trial(2, created_at=5.0), ended]


async def test_lowest_values_are_written_alone_and_without_a_sync(store: Store, make_trial, commits: list[str]) -> None:
    """What a person did waits for the disk, what can be worked out again does not."""
    trials = Trials(store)
    await trials.put(make_trial())
    await trials.put_lowest("t-1", {"confidence": 0.001, "latency": float("nan")})
    await trials.put_lowest("none", {"confidence": 0.5})
    assert await trials.all() == [make_trial(lowest={"confidence": 0.001})]
    await trials.delete("t-1")
    assert commits == ["FULL", "NORMAL", "NORMAL", "FULL"]


async def test_deleting_takes_all_that_is_of_a_test_and_of_no_other(store: Store, make_trial) -> None:
    """Its units, pairs, bound and whole epochs go; its buckets stay; True once."""
    trials = Trials(store)
    for number in (1, 2):
        await trials.put(make_trial(number))
        await store.commit(all_of(f"t-{number}"))
    await store.commit(Batch(summaries=[replace(EPOCH, width_s=10), replace(EPOCH, experiment="")]))
    assert await trials.delete("t-1")
    assert not await trials.delete("t-1")
    assert not await trials.delete("caf\udce9")
    assert await left_of(store, "t-1") == [0, 0, 0, 0, 0]
    assert await left_of(store, "t-2") == [1, 1, 2, 1, 1]
    assert await store.fetch("SELECT width_s FROM summaries WHERE experiment <> 't-2' ORDER BY 1") == [(0,), (10,)]


async def test_for_one_test_too_many_the_one_that_ended_first_goes(
    store: Store, make_trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all that is of it, and never one that is under way; its id is told."""
    monkeypatch.setattr("sidecar.recording.trials.TRIALS_MAX", 3)
    trials = Trials(store)
    await trials.put(make_trial(1))
    await trials.put(make_trial(2, status="stopped", ended_at=900.0))
    await trials.put(make_trial(3, status="stopped", ended_at=800.0))
    await store.commit(all_of("t-3"))
    assert await trials.put(make_trial(2, status="concluded", ended_at=900.0)) is None
    assert await trials.put(make_trial(4)) == "t-3"
    assert await left_of(store, "t-3") == [0, 0, 0, 0, 0]
    assert await trials.put(make_trial(5)) == "t-2"
    with pytest.raises(Full, match=r"^name: there are 3 tests under way"):
        await trials.put(make_trial(6))
    assert await trials.put(make_trial(5, status="paused")) is None
    assert sorted(row.trial_id for row in await trials.all()) == ["t-1", "t-4", "t-5"]
    assert store.health.ok


async def test_as_many_tests_as_are_kept_fit(store: Store, make_trial) -> None:
    """The thousandth goes in without pushing one out, the next does not."""
    row = make_trial(0, status="completed", ended_at=1.0)
    await store.run(
        lambda connection: connection.executemany(
            "INSERT INTO trials (trial_id, kind, name, model, status, created_at, ended_at, document, lowest)"
            " VALUES (?, 'ab', '', '', 'completed', ?, ?, '{}', '{}')",
            [(f"old-{number}", float(number), float(number)) for number in range(TRIALS_MAX - 1)],
        )
    )
    trials = Trials(store)
    assert await trials.put(row) is None
    assert await trials.put(replace(row, trial_id="next")) == "old-0"
    assert len(await trials.all()) == TRIALS_MAX


async def test_sums_are_there_after_a_restart(store: Store, tmp_path: Path, make_trial) -> None:
    """Units by hash, pairs by epoch, and the bound of those that were cut; other tests' are left out."""
    units = [UnitRow("t-1", epoch, arm, unit, bytes([unit])) for unit in (3, 1) for epoch in (0, 1) for arm in "ab"]
    pairs = [PairRow("t-1", epoch, 4, b"p") for epoch in (1, 0)]
    highest = UnitRow("t-2", 0, "a", (1 << 63) - 1, b"")
    cuts = [UnitCut("t-3", 10), UnitCut("t-1", 3)]
    await store.commit(Batch(units=[*units, highest], pairs=[*pairs, PairRow("t-2", 0, 1, b"")], cuts=cuts))
    await store.close()
    reopened = await Store.open(tmp_path)
    trials = Trials(reopened)
    assert await trials.units("t-1") == sorted(units, key=lambda row: (row.unit, row.epoch, row.arm))
    assert await trials.units("t-2") == [highest]
    assert await trials.pairs("t-1") == pairs[::-1]
    assert await trials.unit_bounds() == {"t-1": 3, "t-3": 10}
    assert (await trials.units("none"), await trials.pairs("none")) == ([], [])
    await reopened.close()


async def test_document_that_is_no_json_is_refused(store: Store, make_trial) -> None:
    """The store says that it is invalid and keeps what it has."""
    trials = Trials(store)
    await trials.put(make_trial())
    with pytest.raises(StoreError) as caught:
        await trials.put(make_trial(document={"salt": object()}))
    assert caught.value.reason == "invalid"
    assert await trials.all() == [make_trial()]


async def test_hostile_text_in_a_test_is_stored_with_replacements(store: Store, make_trial) -> None:
    """A name that UTF-8 can't hold, or that looks like a statement, is text."""
    trials = Trials(store)
    await trials.put(make_trial(name="caf\udce9'; DROP TABLE trials; --", document={"name": "caf\udce9"}))
    (found,) = await trials.all()
    assert (found.name, found.document) == ("caf?'; DROP TABLE trials; --", {"name": "caf?"})


async def test_store_set_aside_takes_tests_and_sums_afresh(
    store: Store, reader: Reader, make_trial, damage_store
) -> None:
    """After damage the tables are empty and take the same rows again, the sums before the test that they are of."""
    trials = Trials(store)
    await trials.put(make_trial())
    await store.commit(all_of("t-1"))
    await damage_store()
    await store.commit(all_of("t-1"))
    assert (store.generation, await trials.all()) == (1, [])
    await trials.put(make_trial())
    assert await left_of(store, "t-1") == [1, 1, 2, 1, 1]
    assert await reader.epoch_summaries("t-1") == [EPOCH]
