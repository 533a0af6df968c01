import random
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.recording import Batch, PairRow, Reader, Store, StoreError, SummaryRow, Trials, UnitCut, UnitRow
from sidecar.recording.files import store_path

UNIT = UnitRow("t-1", 0, "blue", 77, b"sums")
PAIR = PairRow("t-1", 0, 1, b"pairs")
EPOCH = SummaryRow(0, 0, "yolo", "3", "control", "t-1", 0, "", 1, b"whole")

WRITER = """
import asyncio, sys
from pathlib import Path
from sidecar.recording import Batch, PairRow, Store, SummaryRow, UnitCut, UnitRow

async def main():
    store = await Store.open(Path(sys.argv[1]))
    number = 0
    while True:
        number += 1
        sums = number.to_bytes(8, "little")
        units = [UnitRow("t", 0, "blue", unit, sums) for unit in (*range(300), 1_000_000 - number)]
        await store.commit(Batch(
            summaries=[SummaryRow(0, 0, "m", "1", "control", "t", 0, "", number, sums)], positions={(0, 1): number},
            units=units, pairs=[PairRow("t", 0, number, sums)], cuts=[UnitCut("t", 1_000_000 - number)]))
        print(number, flush=True)

asyncio.run(main())
"""


async def test_killed_writer_leaves_sums_pairs_and_cuts_of_one_batch(tmp_path: Path, kill_writer) -> None:
    """After kill -9 all of them are of the batch whose position is committed: none is ahead, none behind."""
    told = kill_writer(WRITER, 20)
    store = await Store.open(tmp_path)
    try:
        number = (await store.positions())[0, 1]
        assert number >= told
        trials, sums = Trials(store), number.to_bytes(8, "little")
        units = [UnitRow("t", 0, "blue", unit, sums) for unit in (*range(300), 1_000_000 - number)]
        assert await trials.units("t") == units
        assert await trials.pairs("t") == [PairRow("t", 0, number, sums)]
        assert await trials.unit_bounds() == {"t": 1_000_000 - number}
        assert (await store.summary((0, 0, "m", "1", "control", "t", 0, ""))).payload == sums
    finally:
        await store.close()


@pytest.mark.parametrize(
    "bad",
    [
        {"units": [UNIT, replace(UNIT, unit=1 << 63)]},
        {"pairs": [PAIR, replace(PAIR, epoch=1 << 63)]},
        {"cuts": [UnitCut("t-1", 0), UnitCut("t-1", 1 << 63)]},
    ],
    ids=["units", "pairs", "cuts"],
)
async def test_batch_with_one_bad_row_of_a_test_leaves_nothing(
    store: Store, reader: Reader, make_prediction, bad: dict[str, list[object]]
) -> None:
    """Predictions, summaries, positions, units, pairs and cuts are committed together or not at all."""
    before = replace(UNIT, sums=b"before")
    await store.commit(Batch(units=[before], pairs=[replace(PAIR, payload=b"before")], cuts=[UnitCut("t-1", 90)]))
    good = {"units": [UNIT], "pairs": [PAIR], "cuts": [UnitCut("t-1", 10)]}
    with pytest.raises(StoreError) as caught:
        await store.commit(Batch([make_prediction(1)], [EPOCH], {(0, 1): 1}, **{**good, **bad}))
    assert caught.value.reason == "invalid"
    trials = Trials(store)
    assert (await reader.predictions()).items == await reader.epoch_summaries("t-1") == []
    assert await store.positions() == {}
    assert await trials.units("t-1") == [before]
    assert await trials.pairs("t-1") == [replace(PAIR, payload=b"before")]
    assert await trials.unit_bounds() == {"t-1": 90}
    await store.commit(Batch(**good))
    assert (store.health.ok, await trials.units("t-1"), await trials.unit_bounds()) == (True, [], {"t-1": 10})


async def test_batch_of_a_test_sent_twice_has_its_effect_once(store: Store, reader: Reader) -> None:
    """Sums are whole: the same ones again change nothing."""
    batch = Batch([], [EPOCH], {(0, 1): 5}, [], [UNIT, replace(UNIT, unit=99)], [PAIR], [UnitCut("t-1", 80)])
    for _ in range(2):
        await store.commit(batch)
        trials = Trials(store)
        assert await trials.units("t-1") == [UNIT]
        assert await trials.pairs("t-1") == [PAIR]
        assert await trials.unit_bounds() == {"t-1": 80}
        assert await reader.epoch_summaries("t-1") == [EPOCH]


async def test_newer_sums_take_the_place_of_older_ones(store: Store) -> None:
    """By test, epoch, arm and unit; of two in a batch the later; a late revision of pairs does not replace."""
    others = [replace(UNIT, trial_id="t-2"), replace(UNIT, epoch=1), replace(UNIT, arm="green"), replace(UNIT, unit=78)]
    await store.commit(Batch(units=[UNIT, *others], pairs=[replace(PAIR, revision=3, payload=b"three")]))
    newer = replace(UNIT, sums=b"newest")
    await store.commit(Batch(units=[replace(UNIT, sums=b"newer"), newer], pairs=[replace(PAIR, revision=2)]))
    trials = Trials(store)
    assert set(await trials.units("t-1")) | set(await trials.units("t-2")) == {newer, *others}
    assert await trials.pairs("t-1") == [replace(PAIR, revision=3, payload=b"three")]


async def test_cut_forgets_the_highest_hashes_and_its_bound_only_falls(store: Store) -> None:
    """Those of the same batch too, in every epoch and arm, and of that test alone."""
    units = [
        UnitRow(trial, epoch, "blue", unit, b"") for trial in ("t-1", "t-2") for epoch in (0, 1) for unit in (5, 6)
    ]
    await store.commit(Batch(units=units))
    await store.commit(Batch(units=[UnitRow("t-1", 2, "blue", unit, b"") for unit in (5, 6)], cuts=[UnitCut("t-1", 5)]))
    trials = Trials(store)
    assert [(row.epoch, row.unit) for row in await trials.units("t-1")] == [(0, 5), (1, 5), (2, 5)]
    assert len(await trials.units("t-2")) == 4
    await store.commit(Batch(cuts=[UnitCut("t-1", 9), UnitCut("t-2", 6)]))
    assert await trials.unit_bounds() == {"t-1": 5, "t-2": 6}
    assert len(await trials.units("t-2")) == 4


@pytest.mark.parametrize("count", [1, 255, 256, 257, 519, 3_000])
async def test_any_number_of_units_goes_in_whole(store: Store, count: int) -> None:
    """However the rows fall into statements, each is there once with its own sums."""
    draw = random.Random(count)
    hashes = [draw.getrandbits(63) for _ in range(count)]
    rows = [UnitRow("t-1", place % 3, f"arm-{place % 2}", unit, draw.randbytes(8)) for place, unit in enumerate(hashes)]
    await store.commit(Batch(units=rows))
    assert sorted(await Trials(store).units("t-1"), key=lambda row: row.unit) == sorted(rows, key=lambda row: row.unit)


async def test_text_of_a_test_that_utf8_cannot_hold_is_stored_with_replacements(store: Store, make_prediction) -> None:
    """One name of arbitrary bytes does not stop the batch, and nothing else of it is lost."""
    arm = replace(UNIT, arm="caf\udce9")
    await store.commit(Batch([make_prediction(1)], [EPOCH], units=[UNIT, arm], pairs=[PAIR], cuts=[UnitCut("t-1", 80)]))
    trials = Trials(store)
    assert await trials.units("t-1") == [UNIT, replace(UNIT, arm="caf?")]
    assert (await trials.pairs("t-1"), await trials.unit_bounds()) == ([PAIR], {"t-1": 80})
    await store.commit(Batch(pairs=[replace(PAIR, trial_id="\udce9")], cuts=[UnitCut("\udce9", 80)]))
    assert len(await trials.pairs("?")) == 1


async def test_cut_reads_its_own_range_alone(store: Store, tmp_path: Path) -> None:
    """The key is in the order of the hashes, so a cut does not go through the units that stay."""
    with sqlite3.connect(store_path(tmp_path)) as connection:
        steps = connection.execute("EXPLAIN QUERY PLAN DELETE FROM unit_sums WHERE trial_id = 't' AND unit > 5")
        assert [step[3] for step in steps] == ["SEARCH unit_sums USING PRIMARY KEY (trial_id=? AND unit>?)"]
    connection.close()
