"""What a person deletes for good: images, and predictions with all that is of them."""

from __future__ import annotations

from collections.abc import Sequence

import aiosqlite

from sidecar.recording import audit_gone, item_events, samples
from sidecar.recording.columns import storable
from sidecar.recording.loop_rows import ItemEvent
from sidecar.recording.rows import Sample
from sidecar.recording.samples import as_of

_OF_PREDICTION = (
    "DELETE FROM predictions WHERE prediction_id = ?",
    "DELETE FROM feedback WHERE prediction_id = ?",
    "DELETE FROM verdicts WHERE prediction_id = ?",
)


async def of_samples(connection: aiosqlite.Connection, kept: Sequence[Sample], by: str, now: float) -> None:
    """Within a transaction: remove the rows of ``kept``. An event of each stays, in versions its checksum, and of what
    the random sample drew that it was drawn."""
    for sample in kept:
        was = as_of(sample, now).status
        event = ItemEvent(sample.sample_id, sample.dataset_id, now, by, "delete", was, "deleted", {}, {})
        await item_events.add(connection, event)
    await audit_gone.count(connection, kept)
    await samples.delete_for_good(connection, kept, now)


async def of_prediction(connection: aiosqlite.Connection, prediction_id: str) -> None:
    """Within a transaction: remove a prediction with what people said of it. What was counted of it stays counted."""
    for statement in _OF_PREDICTION:
        await connection.execute(statement, storable((prediction_id,)))
