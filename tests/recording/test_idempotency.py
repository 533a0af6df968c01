"""Keys of requests that are done once, in a real store."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.recording import IdempotencyKeys, KeyRow, Store
from sidecar.recording import idempotency as module
from sidecar.recording.idempotency import KEYS_KEPT_S


@pytest.fixture
def keys(store: Store) -> IdempotencyKeys:
    """The keys in it."""
    return IdempotencyKeys(store)


async def test_key_is_taken_once_and_gives_its_answer(keys: IdempotencyKeys) -> None:
    """First free, then begun, then with the answer."""
    assert await keys.begin("a", "k", "f", 1.0) is None
    assert await keys.begin("a", "k", "g", 2.0) == KeyRow("f", None, None)
    await keys.finish("a", "k", "f", 1.0, 200, b"{}")
    assert await keys.begin("a", "k", "f", 3.0) == KeyRow("f", 200, b"{}")


async def test_keys_of_two_askers_never_meet(keys: IdempotencyKeys) -> None:
    """Nobody gets the answer that was another's."""
    await keys.begin("a", "k", "f", 1.0)
    await keys.finish("a", "k", "f", 1.0, 200, b"{}")
    assert await keys.begin("b", "k", "f", 1.0) is None


async def test_freed_key_can_be_used_again(keys: IdempotencyKeys) -> None:
    """What changed nothing leaves nothing."""
    await keys.begin("a", "k", "f", 1.0)
    await keys.free("a", "k")
    assert await keys.begin("a", "k", "g", 1.0) is None


async def test_begun_key_outlives_the_process(keys: IdempotencyKeys, store: Store, tmp_path: Path) -> None:
    """Another life sees that it was begun and did not end."""
    await keys.begin("a", "k", "f", 1.0)
    await store.close()
    again = await Store.open(tmp_path)
    try:
        assert await IdempotencyKeys(again).begin("a", "k", "f", 2.0) == KeyRow("f", None, None)
    finally:
        await again.close()


async def test_key_is_kept_a_day(keys: IdempotencyKeys) -> None:
    """Until then it is known; after that the same text is a new key."""
    await keys.begin("a", "k", "f", 1.0)
    assert await keys.begin("a", "k", "g", 1.0 + KEYS_KEPT_S) == KeyRow("f", None, None)
    assert await keys.begin("a", "k", "g", 2.0 + KEYS_KEPT_S) is None
    assert keys.forgotten == 0


async def test_of_too_many_keys_the_oldest_goes_and_is_counted(
    keys: IdempotencyKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table is bounded in number as well."""
    monkeypatch.setattr(module, "KEYS_MAX", 2)
    for name in ("k1", "k2", "k3"):
        assert await keys.begin("a", name, "f", 10.0) is None
    assert keys.forgotten == 1
    assert await keys.begin("a", "k3", "f", 10.0) is not None
    assert await keys.begin("a", "k1", "f", 10.0) is None


async def test_whoever_has_many_keys_takes_none_from_others(
    keys: IdempotencyKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An application that sends all the time would else undo what a person relies on."""
    monkeypatch.setattr(module, "KEYS_MAX", 4)
    assert await keys.begin("person", "k", "f", 1.0) is None
    for number in range(9):
        assert await keys.begin("app", f"k{number}", "f", 2.0) is None
    assert await keys.begin("person", "k", "f", 3.0) is not None
    assert [await keys.begin("app", f"k{number}", "f", 3.0) is not None for number in (6, 7, 8)] == [True] * 3
    assert keys.forgotten == 6


@pytest.mark.parametrize("anew", [False, True])
async def test_of_too_many_bytes_the_oldest_answers_go_and_their_keys_stay(
    keys: IdempotencyKeys, store: Store, monkeypatch: pytest.MonkeyPatch, anew: bool
) -> None:
    """Nothing is done twice for want of room; also where another life kept the first ones."""
    monkeypatch.setattr(module, "ANSWERS_BYTES_MAX", 100)
    for number in range(3):
        await keys.begin("a", f"k{number}", "f", 1.0)
        await keys.finish("a", f"k{number}", "f", 1.0, 200, b"x" * 45)
        if anew and number == 1:
            keys = IdempotencyKeys(store)
    assert [await keys.begin("a", f"k{number}", "f", 2.0) for number in range(3)] == [
        KeyRow("f", 200, None),
        KeyRow("f", 200, b"x" * 45),
        KeyRow("f", 200, b"x" * 45),
    ]
    assert (keys.let_go, keys.forgotten) == (1, 0)


async def test_old_keys_go_where_no_request_has_a_key_any_more(keys: IdempotencyKeys, store: Store) -> None:
    """What people sent and were answered does not lie about for longer than is said."""
    await keys.begin("a", "old", "f", 1_000.0)
    await keys.begin("a", "new", "f", 1_001.0)
    await store.retain(1_000.5 + KEYS_KEPT_S, age_s=1e9, bytes_max=1 << 40)
    assert await store.fetch("SELECT idempotency_key FROM idempotency_keys") == [("new",)]


async def test_answer_is_kept_where_the_store_was_begun_anew_meanwhile(
    keys: IdempotencyKeys, damage_store: Callable[[], Awaitable[None]]
) -> None:
    """What was done is in the fresh store, so that it was done must be as well."""
    assert await keys.begin("a", "k", "f", 1.0) is None
    await damage_store()
    await keys.finish("a", "k", "f", 1.0, 200, b"{}")
    assert await keys.begin("a", "k", "f", 2.0) == KeyRow("f", 200, b"{}")


STEPS = st.lists(
    st.tuples(st.sampled_from(["begin", "finish", "free", "reopen"]), st.sampled_from("ab"), st.sampled_from("kl")),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(STEPS)
def test_keys_are_what_was_said_of_them_across_restarts(steps: list[tuple[str, str, str]]) -> None:
    """Whatever comes in which order, by two askers with the same two keys, and however often it is opened anew."""

    async def follow() -> None:
        known: dict[tuple[str, str], KeyRow] = {}
        with tempfile.TemporaryDirectory() as folder:
            store = await Store.open(Path(folder))
            try:
                for at, (step, asker, key) in enumerate(steps):
                    keys = IdempotencyKeys(store)
                    if step == "begin":
                        assert await keys.begin(asker, key, f"f{at}", float(at)) == known.get((asker, key))
                        known.setdefault((asker, key), KeyRow(f"f{at}", None, None))
                    elif step == "finish":
                        await keys.finish(asker, key, f"f{at}", float(at), 200, b"%d" % at)
                        known[asker, key] = KeyRow(f"f{at}", 200, b"%d" % at)
                    elif step == "free":
                        await keys.free(asker, key)
                        known.pop((asker, key), None)
                    else:
                        await store.close()
                        store = await Store.open(Path(folder))
            finally:
                await store.close()

    asyncio.run(follow())


async def test_hostile_keys_are_kept_as_they_are(keys: IdempotencyKeys) -> None:
    """What a client chooses is never part of a statement."""
    for key in ("'; DROP TABLE idempotency_keys; --", "%", "\ud800"):
        assert await keys.begin("a", key, "f", 1.0) is None
        assert await keys.begin("a", key, "f", 1.0) is not None
