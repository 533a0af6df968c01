import os
import sqlite3
from dataclasses import replace
from pathlib import Path

import aiosqlite
import pytest

from sidecar.recording import (
    Alerts,
    BaselineRow,
    Baselines,
    Batch,
    Datasets,
    IdempotencyKeys,
    Items,
    PairRow,
    Reader,
    Sample,
    Store,
    StoreError,
    SummaryRow,
    Trials,
    UnitRow,
)
from sidecar.recording.columns import COLUMNS, rows_of
from sidecar.recording.files import store_path
from sidecar.recording.schema import Migration, migrate, migrations, split_statements
from sidecar.types import Prediction


async def test_reopened_store_has_no_migration_to_apply(store: Store, tmp_path: Path) -> None:
    """All steps are applied at the first opening and none at the second."""
    await store.close()
    async with aiosqlite.connect(store_path(tmp_path), isolation_level=None) as connection:
        assert await migrate(connection, migrations(), 0.0) == 0


async def test_failing_migration_leaves_nothing_behind(tmp_path: Path) -> None:
    """A step that fails half-way is rolled back whole and the ones before it stay."""
    steps = [
        Migration(1, "good", ("CREATE TABLE a (x);",)),
        Migration(2, "bad", ("CREATE TABLE b (x);", "CREATE TABLE a (x);")),
    ]
    async with aiosqlite.connect(tmp_path / "x", isolation_level=None) as connection:
        with pytest.raises(sqlite3.OperationalError):
            await migrate(connection, steps, 0.0)
        rows = await connection.execute_fetchall("SELECT name FROM sqlite_master WHERE type = 'table'")
        assert {row[0] for row in rows} == {"schema_migrations", "a"}


async def test_store_of_a_later_release_is_refused_and_left_alone(store: Store, tmp_path: Path) -> None:
    """A schema version this release does not know is an error, not a damaged file."""
    await store.close()
    with sqlite3.connect(store_path(tmp_path)) as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (9999, 'later', 0)")
    connection.close()
    with pytest.raises(StoreError, match="9999") as caught:
        await Store.open(tmp_path)
    assert caught.value.reason == "newer"
    assert not any("damaged" in name for name in os.listdir(tmp_path))


def test_new_store_reclaims_pages_by_increments(tmp_path: Path, store: Store) -> None:
    """auto_vacuum is INCREMENTAL from creation, and the journal is a WAL."""
    with sqlite3.connect(store_path(tmp_path)) as connection:
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_unfinished_statement_is_refused() -> None:
    """A script whose last statement does not end is an error, not silently shortened."""
    with pytest.raises(ValueError, match="does not end"):
        list(split_statements("SELECT 1;\nSELECT 2"))


async def first_release_store(folder: Path, predictions: list[Prediction]) -> None:
    """A store as the first release left it, with these predictions and an hour's summary."""
    async with aiosqlite.connect(store_path(folder), isolation_level=None) as connection:
        await connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        await connection.execute("PRAGMA journal_mode=WAL")
        assert await migrate(connection, migrations()[:1], 5.0) == 1
        places = ", ".join("?" * len(COLUMNS))
        await connection.executemany(
            f"INSERT INTO predictions ({', '.join(COLUMNS)}) VALUES ({places})", rows_of(predictions)
        )
        await connection.execute(
            "INSERT INTO summaries VALUES (1699999200, 3600, 'yolo', '3', 'serving', '', 0, '', 1, x'01')"
        )
        await connection.execute("INSERT INTO positions VALUES (0, 1, 9)")


async def test_store_of_the_first_release_is_brought_up_with_all_it_holds(
    tmp_path: Path, make_prediction, make_alert
) -> None:
    """Opening adds what is missing; predictions, summaries and positions are as they were, and all is usable."""
    await first_release_store(tmp_path, [make_prediction(number) for number in range(50)])
    store = await Store.open(tmp_path)
    reader = await Reader.open(tmp_path)
    try:
        assert store.health.set_aside == ()
        assert await store.positions() == {(0, 1): 9}
        assert len((await reader.predictions()).items) == 50
        assert await reader.summary_span("yolo", "3") == (1_699_999_200, 1_700_002_800)
        applied = await store.fetch("SELECT version, name, applied_at > 5 FROM schema_migrations ORDER BY version")
        later = [(2, "watch", 1), (3, "trials", 1), (4, "loop", 1), (5, "api", 1), (6, "experiments", 1)]
        assert applied == [(1, "initial", 0), *later]
        await Alerts(store).create(make_alert())
        assert await IdempotencyKeys(store).begin("a", "k", "f", 1.0) is None
        await store.commit(
            Batch([make_prediction(99)], [SummaryRow(0, 86_400, "m", "1", "serving", "", 0, "", 1, b"x")])
        )
        assert len((await reader.predictions()).items) == 51
    finally:
        await reader.close()
        await store.close()


async def test_step_that_was_cut_short_is_taken_again(tmp_path: Path, make_prediction, monkeypatch) -> None:
    """Where the new step fails half-way the old store stays as it was, and the next opening completes it."""
    await first_release_store(tmp_path, [make_prediction(1)])
    steps = migrations()
    broken = replace(steps[1], statements=(*steps[1].statements[:4], "SELECT nonsense FROM nowhere;"))
    monkeypatch.setattr("sidecar.recording.connection.migrations", lambda: [steps[0], broken])
    with pytest.raises(StoreError):
        await Store.open(tmp_path)
    monkeypatch.undo()
    store = await Store.open(tmp_path)
    try:
        assert store.health.set_aside == ()
        assert await Alerts(store).all() == []
        assert await store.positions() == {(0, 1): 9}
    finally:
        await store.close()


@pytest.fixture
async def second_release_store(tmp_path: Path, make_prediction, make_alert, monkeypatch) -> Path:
    """The folder of a store as the second release left it, with some of all that it kept."""
    monkeypatch.setattr("sidecar.recording.connection.migrations", lambda: migrations()[:2])
    store = await Store.open(tmp_path)
    rows = [SummaryRow(1_699_999_200, w, "yolo", "3", "treatment", "e", 2, "", 1, b"x") for w in (10, 60, 3_600)]
    predictions = [make_prediction(number, experiment="e", epoch=2) for number in range(50)]
    await store.commit(Batch(predictions, rows, {(0, 1): 9}))
    await Alerts(store).create(make_alert())
    await Baselines(store).put(BaselineRow("b1", "yolo", "3", "default", 0.0, 1.0, 2.0, "user", {}, b"blocks"))
    await store.close()
    monkeypatch.undo()
    return tmp_path


async def test_store_of_the_second_release_is_brought_up_with_all_it_holds(
    second_release_store: Path, make_trial
) -> None:
    """Opening adds the tables of tests and leaves the rest as it was; whole epochs are found, others never made up."""
    store = await Store.open(second_release_store)
    reader = await Reader.open(second_release_store)
    try:
        assert (store.health.set_aside, await store.positions()) == ((), {(0, 1): 9})
        assert [row[0] for row in await store.fetch("SELECT version FROM schema_migrations ORDER BY 1")][:3] == [
            1,
            2,
            3,
        ]
        assert len((await reader.predictions(experiment="e", since=0.0)).items) == 50
        assert len(await Alerts(store).all()) == len(await Baselines(store).all()) == 1
        assert await reader.summary_span("yolo", "3") == (1_699_999_200, 1_700_002_800)
        assert await reader.epoch_summaries("e") == []
        epoch = SummaryRow(0, 0, "yolo", "3", "treatment", "e", 2, "", 1, b"whole")
        await store.commit(
            Batch(summaries=[epoch], units=[UnitRow("e", 2, "blue", 7, b"s")], pairs=[PairRow("e", 2, 1, b"p")])
        )
        await Trials(store).put(make_trial())
        assert await reader.epoch_summaries("e") == [epoch]
    finally:
        await reader.close()
        await store.close()


@pytest.fixture
async def third_release_store(tmp_path: Path, make_prediction, make_trial, monkeypatch) -> Path:
    """The folder of a store as the third release left it, with two kept images that wait for a review."""
    monkeypatch.setattr("sidecar.recording.connection.migrations", lambda: migrations()[:3])
    store = await Store.open(tmp_path)
    await store.commit(Batch([make_prediction(number) for number in range(50)], positions={(0, 1): 9}))
    await Trials(store).put(make_trial())
    rows = [
        ("s1", "id-1", "yolo", "3", 5.0, '["low_confidence"]', 0.5, "new", "image/png", "samples/1", 9, 4, 3),
        ("s2", "id-2", "yolo", "3", 6.0, '["random_sample"]', 1.0, "new", "image/png", "samples/2", 9, 4, 3),
    ]
    await store.run(
        lambda connection: connection.executemany(
            "INSERT INTO samples (sample_id, prediction_id, model, version, at, reasons, probability, status,"
            f" media_type, path, bytes, width, height) VALUES ({', '.join('?' * 13)})",
            rows,
        )
    )
    await store.close()
    monkeypatch.undo()
    return tmp_path


async def test_store_of_the_third_release_is_brought_up_with_all_it_holds(third_release_store: Path) -> None:
    """Images that were new wait for a review, drawn ones in the audit; a client's id finds what was recorded before."""
    store = await Store.open(third_release_store)
    reader = await Reader.open(third_release_store)
    try:
        assert (store.health.set_aside, await store.positions()) == ((), {(0, 1): 9})
        assert len(await Trials(store).all()) == 1
        drawn, chosen = (await reader.samples(status="needs_review")).items
        assert chosen == Sample(
            *("s1", "id-1", "yolo", "3", 5.0, ("low_confidence",), 0.5, "needs_review", "image/png", "samples/1"),
            *(9, 4, 3),
        )
        assert (drawn.sample_id, drawn.drawn, drawn.draw_rate) == ("s2", True, 0.0)
        assert len(await reader.find_by_client_request("client-1")) == 50
        assert await Datasets(store).adopt("yolo", "det") == 2
        given = await Items(store).claim_next("det", "ann", "audit", 600.0, 0.0)
        assert given is not None
        assert (given.sample_id, given.detections is not None) == ("s2", True)
    finally:
        await reader.close()
        await store.close()
