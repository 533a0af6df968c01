"""What people said, on its way into the summaries of a real store."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidecar.app.feedback_api import Verdicts
from sidecar.monitor.buckets import Buckets
from sidecar.monitor.intake import Intake
from sidecar.monitor.pipeline import Pipeline
from sidecar.monitor.sampling import Sampling
from sidecar.recording import FeedbackBook, FeedbackRow, Store, StoreError, VerdictKey
from sidecar.recording.files import store_path
from sidecar.summaries import Summary
from sidecar.types import ProxySettings, Variant

SETTINGS = ProxySettings(version=1, variants=(Variant("A", "http://a:1"),), default="A")
KEY = VerdictKey("det", "1", "serving", "", 0, "")
NOW = 1_700_000_003.0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path)
    yield opened
    await opened.close()


async def say(book: FeedbackBook, verdicts: Verdicts, name: str) -> None:
    row = FeedbackRow(name, name, "", "correct", None, "", None, "", "ann", "", NOW, NOW)
    verdicts.add((await book.submit([row], {name: KEY}, NOW)).changes)


async def test_store_begun_afresh_keeps_changes_that_no_summary_holds(store: Store, tmp_path: Path) -> None:
    """What was taken from the old one is counted; it ends no change of the fresh one, which has the same id."""
    book, verdicts = FeedbackBook(store), Verdicts()
    tried: list[int] = []

    async def commit(batch) -> None:
        """The first try fails; before the next the store is damaged, set aside, and something else is said."""
        tried.append(len(batch.verdicts_counted))
        if len(tried) == 1:
            await store._connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
            with store_path(tmp_path).open("r+b") as file:
                file.write(os.urandom(os.fstat(file.fileno()).st_size))
            await store._connection.execute("PRAGMA shrink_memory")
            await say(book, verdicts, "fresh")
            raise StoreError("locked", "another try")
        await store.commit(batch)

    intake = Intake(tmp_path / "l", SETTINGS, {}, lambda *_: None, lambda *_: None)
    pipeline = Pipeline(
        *(
            intake,
            commit,
            Buckets(store.summary),
            Sampling(lambda seen: [None] * len(seen), lambda *_: None, intake.want, intake.release),
        ),
        *(lambda _: [], lambda *_: [], lambda: NOW),
        verdicts=verdicts,
        generation=lambda: store.generation,
    )
    await say(book, verdicts, "old")
    await pipeline.turn()
    assert (tried, store.generation) == ([1, 1], 1)
    (fresh,) = await book.changes()
    assert (fresh.change_id, fresh.generation) == (1, 1)
    await pipeline.turn()
    assert await book.changes() == []
    (row,) = await store.open_summaries(0)
    assert Summary.decode(row.payload).to_dict()["feedback"]["correct"] == 2
