"""Keys of requests that are done once, however often they are sent."""

from __future__ import annotations

from typing import NamedTuple

import aiosqlite

from sidecar.recording.columns import storable
from sidecar.recording.old_rows import KEYS_KEPT_S
from sidecar.recording.writer import Store

KEYS_MAX = 10_000
"""Keys that are kept; of too many the oldest go of whoever has the most, so that nobody's go for another's."""
ANSWERS_BYTES_MAX = 64 << 20
"""Bytes of answers that are kept; of too many the oldest go, while it stays known that their requests took effect."""

_FIND = "SELECT fingerprint, status, body FROM idempotency_keys WHERE asker = ? AND idempotency_key = ?"
_BEGIN = "INSERT INTO idempotency_keys (asker, idempotency_key, fingerprint, begun_at) VALUES (?, ?, ?, ?)"
_FINISH = (
    "INSERT INTO idempotency_keys (asker, idempotency_key, fingerprint, begun_at, status, body)"
    " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (asker, idempotency_key)"
    " DO UPDATE SET fingerprint = excluded.fingerprint, status = excluded.status, body = excluded.body"
)
_FREE = "DELETE FROM idempotency_keys WHERE asker = ? AND idempotency_key = ?"
_OLD = "DELETE FROM idempotency_keys WHERE begun_at < ?"
_OVER = (
    "DELETE FROM idempotency_keys WHERE id IN (SELECT id FROM idempotency_keys WHERE asker ="
    " (SELECT asker FROM idempotency_keys GROUP BY asker ORDER BY COUNT(*) DESC, MIN(id) LIMIT 1)"
    " ORDER BY id LIMIT MAX(0, (SELECT COUNT(*) FROM idempotency_keys) - ?))"
)
_HELD = "SELECT COALESCE(SUM(LENGTH(body)), 0) FROM idempotency_keys"
_LET_GO = (
    "UPDATE idempotency_keys SET body = NULL WHERE id IN (SELECT id FROM (SELECT id, SUM(LENGTH(body))"
    " OVER (ORDER BY id DESC) AS held FROM idempotency_keys WHERE body IS NOT NULL) WHERE held > ?)"
)


class KeyRow(NamedTuple):
    """What is known of a key: the request it came with, and the answer. ``status`` None: it was begun and has not
    ended; ``body`` None: the answer was too large to keep, or went for newer ones."""

    fingerprint: str
    status: int | None
    body: bytes | None


class IdempotencyKeys:
    """The keys in a store, by asker: those of two askers never meet. ``forgotten`` counts keys that went before their
    time since there were too many, ``let_go`` answers that did since all together were too large."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: int | None = None  # bytes of answers at most, since old ones may have gone; None: not yet summed up
        self.forgotten = 0
        self.let_go = 0

    async def begin(self, asker: str, key: str, fingerprint: str, now: float) -> KeyRow | None:
        """Take ``key`` for the request of this fingerprint. None: it was free and is taken now, so that a killed
        process leaves a trace; else what is known of it, and nothing was changed. Raises StoreError."""
        of = storable((asker, key))

        async def write(connection: aiosqlite.Connection) -> tuple[KeyRow | None, int]:
            await connection.execute(_OLD, (now - KEYS_KEPT_S,))
            found = list(await connection.execute_fetchall(_FIND, of))
            if found:
                return KeyRow(*found[0]), 0
            await connection.execute(_BEGIN, (*of, fingerprint, now))
            return None, (await connection.execute(_OVER, (KEYS_MAX,))).rowcount

        known, forgotten = await self._store.run(write)
        self.forgotten += forgotten
        return known

    async def finish(self, asker: str, key: str, fingerprint: str, now: float, status: int, body: bytes | None) -> None:
        """Keep the answer to what was begun at ``now``, also where the store was begun anew since. Safe from a power
        cut on return, as is what it answers. Raises StoreError."""
        row = (*storable((asker, key)), fingerprint, now, status, body)

        async def write(connection: aiosqlite.Connection) -> int:
            await connection.execute(_FINISH, row)
            if self._held is not None:
                self._held += len(body or b"")
                if self._held <= ANSWERS_BYTES_MAX:
                    return 0
            let_go = (await connection.execute(_LET_GO, (ANSWERS_BYTES_MAX,))).rowcount
            ((self._held,),) = await connection.execute_fetchall(_HELD)
            return let_go

        self.let_go += await self._store.run(write, durable=True)

    async def free(self, asker: str, key: str) -> None:
        """Nothing was done: the key may be used again. Raises StoreError."""

        async def write(connection: aiosqlite.Connection) -> None:
            await connection.execute(_FREE, storable((asker, key)))

        await self._store.run(write)
