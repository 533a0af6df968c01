"""POSTs with an Idempotency-Key, over real connections and a real store."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from aiohttp import ClientResponse, ClientSession, web
from aiohttp.test_utils import TestClient
from multidict import CIMultiDict

from sidecar.access import TokenFile
from sidecar.api import Services
from sidecar.api.handlers import ROUTES
from sidecar.api.idempotency import ANSWER_BYTES_MAX, Once
from sidecar.api.problems import Problem
from sidecar.app.admin_port import AdminPort
from sidecar.app.load import load_config
from sidecar.app.loop import Loop
from sidecar.recording import IdempotencyKeys, Store, StoreError
from tests.api.looped import UPSTREAMS
from tests.kit.ports import free_ports

Http = TestClient[Any, Any]
PATH = "/api/v1/datasets"


def with_key(key: str, **more: str) -> dict[str, str]:
    """The header, and others."""
    return {"Idempotency-Key": key, **more}


async def test_second_request_gets_the_first_answer(http: Http) -> None:
    """Made twice is made once: the second answer is the first one's, and says so."""
    first = await http.post(PATH, json={"name": "Night"}, headers=with_key("k1"))
    second = await http.post(PATH, json={"name": "Night"}, headers=with_key("k1"))
    assert (first.status, second.status) == (200, 200)
    assert await first.read() == await second.read()
    assert second.headers["Idempotent-Replay"] == "true"
    assert "Idempotent-Replay" not in first.headers
    third = await http.post(PATH, json={"name": "Night"}, headers=with_key("k2"))
    assert third.status == 409  # without the key it would be a second one


async def test_key_of_another_request_is_refused(http: Http) -> None:
    """A key that is used twice for two things is a fault of the client, and nothing is done."""
    await http.post(PATH, json={"name": "Night"}, headers=with_key("k1"))
    for path, body in ((PATH, {"name": "Day"}), ("/api/v1/alerts", {"name": "Night"})):
        answer = await http.post(path, json=body, headers=with_key("k1"))
        assert answer.status == 422
        if path == PATH:
            assert (await answer.json())["errors"][0]["field"] == "Idempotency-Key"
    assert len((await (await http.get(PATH)).json())["items"]) == 1


async def test_refused_request_frees_its_key(http: Http) -> None:
    """What changed nothing may be mended and sent again under the same key."""
    assert (await http.post(PATH, json={"name": "  "}, headers=with_key("k1"))).status == 422
    await http.post(PATH, json={"name": "Night"})
    assert (await http.post(PATH, json={"name": "Night"}, headers=with_key("k1"))).status == 409
    assert (await http.post(PATH, json={"name": "Day"}, headers=with_key("k1"))).status == 200


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "k" * 201, "a\tb"])
async def test_what_is_no_key_is_refused(http: Http, key: str) -> None:
    """And named."""
    answer = await http.post(PATH, json={"name": "Night"}, headers=with_key(key))
    assert answer.status == 422
    assert (await answer.json())["errors"][0]["field"] == "Idempotency-Key"


async def test_two_keys_are_none(http: Http) -> None:
    """Which of them is meant nobody can tell."""
    headers = CIMultiDict([("Idempotency-Key", "k1"), ("Idempotency-Key", "k2")])
    answer = await http.post(PATH, json={"name": "Night"}, headers=headers)
    assert (answer.status, (await answer.json())["errors"][0]["field"]) == (422, "Idempotency-Key")


async def test_of_equal_requests_at_once_one_is_done(http: Http, once: Once) -> None:
    """The others are told to wait, or get its answer; none of them makes a second one."""
    answers = await asyncio.gather(*(http.post(PATH, json={"name": "Night"}, headers=with_key("k")) for _ in range(10)))
    statuses = Counter(answer.status for answer in answers)
    assert statuses[200] >= 1
    assert statuses[200] + statuses[409] == 10
    assert {await answer.read() for answer in answers if answer.status == 200} == {await answers_first(answers)}
    assert once.counts["begun"] == 1
    assert once.counts["begun"] + once.counts["replayed"] + once.counts["in_flight"] == 10


async def answers_first(answers: list[Any]) -> bytes:
    """The body of the one that was done."""
    done = [answer for answer in answers if answer.status == 200 and "Idempotent-Replay" not in answer.headers]
    assert len(done) == 1
    body: bytes = await done[0].read()
    return body


@pytest.fixture
async def admin_port(services: Services, tmp_path: Path) -> AsyncIterator[ClientSession]:
    """A client of the admin port as a monitor serves it: that of the tests' own server would cancel handlers."""
    (port,) = free_ports(1)
    config = load_config(None, {"upstreams": UPSTREAMS, "data_dir": tmp_path, "admin": {"port": port}})
    async with contextlib.AsyncExitStack() as stack:
        await AdminPort(config).serve(stack, services)
        yield await stack.enter_async_context(ClientSession(f"http://127.0.0.1:{port}"))


async def test_client_that_goes_away_gets_the_answer_when_it_asks_again(
    admin_port: ClientSession, loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was begun is done to its end, and its answer kept."""
    begun, gate, done = asyncio.Event(), asyncio.Event(), asyncio.Event()
    create, finish = loop.review.create_dataset, IdempotencyKeys.finish

    async def slowly(name: str, dataset_id: str | None) -> dict[str, Any]:
        begun.set()
        await gate.wait()
        return await create(name, dataset_id)

    async def finish_and_tell(*arguments: Any) -> None:
        await finish(*arguments)
        done.set()

    monkeypatch.setattr(loop.review, "create_dataset", slowly)
    monkeypatch.setattr(IdempotencyKeys, "finish", finish_and_tell)

    async def ask(name: str) -> ClientResponse:
        return await admin_port.post(PATH, json={"name": name}, headers=with_key("k"))

    asked = asyncio.create_task(ask("Night"))
    await begun.wait()
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    early = await ask("Night")
    assert (early.status, early.headers["Retry-After"]) == (409, "1")
    assert (await ask("Day")).status == 422
    gate.set()
    await done.wait()
    late = await ask("Night")
    assert (late.status, late.headers["Idempotent-Replay"]) == (200, "true")
    assert len((await (await admin_port.get(PATH)).json())["items"]) == 1


async def test_replayed_answer_has_the_tag_of_the_first(http: Http) -> None:
    """So that a lost answer is as good as one that came."""
    condition = {"metric": "avg_confidence", "operator": "lt", "threshold": 0.7, "window": "1h"}
    body = {"model_id": "det", "name": "Low", "condition": condition}
    first = await http.post("/api/v1/alerts", json=body, headers=with_key("k"))
    second = await http.post("/api/v1/alerts", json=body, headers=with_key("k"))
    assert second.headers["Idempotent-Replay"] == "true"
    assert second.headers["ETag"] == first.headers["ETag"]


async def test_refused_condition_frees_the_key(http: Http) -> None:
    """Read again, the same change may be asked for under the same key; done, it is not refused for its own effect."""
    body = {"name": "Try", "model_a_id": "det@1", "model_b_id": "det@2", "config": {"traffic_split": 0.1}}
    test = await (await http.post("/api/v1/ab-tests", json=body)).json()
    path = f"/api/v1/ab-tests/{test['id']}/pause"
    assert (await http.post(path, json={}, headers=with_key("k", **{"If-Match": '"old"'}))).status == 412
    for _ in range(2):
        answer = await http.post(path, json={}, headers=with_key("k", **{"If-Match": test["etag"]}))
        assert answer.status == 200


async def test_signed_report_takes_no_key_before_it_is_judged(services: Services, serve: Any, store: Store) -> None:
    """Who is not known to be the trainer neither takes a key nor gets an answer by one."""
    shut = await serve(replace(services, token="fixed"))
    headers = with_key("k", **{"webhook-id": "m", "webhook-timestamp": "1", "webhook-signature": "v1,no"})
    answer = await shut.post("/api/v1/training-jobs/x/report", json={"status": "failed"}, headers=headers)
    assert answer.status == 403
    assert await store.fetch("SELECT COUNT(*) FROM idempotency_keys") == [(0,)]


async def test_keys_of_two_tokens_never_meet(services: Services, serve: Any) -> None:
    """One asker's answer is not another's."""
    tokens = TokenFile(services.data_dir)
    shut = await serve(replace(services, token="fixed", tokens=tokens))
    _, secret = tokens.create("other", ("admin",), time.time(), None)
    body = {"name": "Night"}
    first = await shut.post(PATH, json=body, headers=with_key("k", Authorization="Bearer fixed"))
    second = await shut.post(PATH, json=body, headers=with_key("k", Authorization=f"Bearer {secret}"))
    assert (first.status, second.status) == (200, 409)


async def test_secret_is_not_kept_for_a_key(http: Http) -> None:
    """The answer that holds a token's secret would stand in the store."""
    answer = await http.post("/api/v1/tokens", json={"name": "ci"}, headers=with_key("k"))
    assert answer.status == 422
    assert (await (await http.get("/api/v1/tokens")).json())["items"] == []


def test_every_post_but_of_a_secret_gives_json() -> None:
    """What is kept of an answer is its JSON."""
    posts = [route for route in ROUTES if route.method == "POST"]
    assert len(posts) > 30
    for route in posts:
        assert route.gives is not None, route.path
        assert (route.media_type, route.endless) == ("application/json", False), route.path
    assert [route.path for route in posts if route.is_secret] == ["/api/v1/tokens"]


@pytest.fixture
def once(services: Services) -> Once:
    """Keys over the real store."""
    assert services.once is not None
    return services.once


async def test_repetition_while_the_first_is_at_work_is_told_so(once: Once) -> None:
    """It neither waits nor does it a second time."""
    gate, begun, runs = asyncio.Event(), asyncio.Event(), 0

    async def slow() -> web.Response:
        nonlocal runs
        runs += 1
        begun.set()
        await gate.wait()
        return web.Response(body=b"{}")

    first = asyncio.create_task(once.answer("a", "k", "f", slow))
    await begun.wait()
    with pytest.raises(Problem, match="still at work") as refused:
        await once.answer("a", "k", "f", slow)
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (409, "1")
    gate.set()
    assert (await first).status == 200
    assert (await once.answer("a", "k", "f", slow)).headers["Idempotent-Replay"] == "true"
    assert runs == 1


async def test_what_a_killed_process_began_is_not_done_again(once: Once, store: Store) -> None:
    """Nobody knows whether it took effect, so the asker is told to look."""

    async def killed() -> web.Response:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await once.answer("a", "k", "f", killed)
    another_life = Once(IdempotencyKeys(store), time.time)
    with pytest.raises(Problem, match="not known") as refused:
        await another_life.answer("a", "k", "f", killed)
    assert refused.value.status == 409


async def test_handler_that_fails_frees_the_key(once: Once) -> None:
    """A fault of ours leaves nothing that stands in the way."""

    async def fails() -> web.Response:
        raise RuntimeError("no")

    async def works() -> web.Response:
        return web.Response(body=b"{}")

    with pytest.raises(RuntimeError):
        await once.answer("a", "k", "f", fails)
    assert (await once.answer("a", "k", "f", works)).status == 200


async def lose_keys(store: Store) -> None:
    """Let the store fail for keys, and for nothing else."""

    async def drop(connection: aiosqlite.Connection) -> None:
        await connection.execute("ALTER TABLE idempotency_keys RENAME TO lost")

    await store.run(drop)


async def find_keys(store: Store) -> None:
    """Let it work again."""

    async def restore(connection: aiosqlite.Connection) -> None:
        await connection.execute("ALTER TABLE lost RENAME TO idempotency_keys")

    await store.run(restore)


async def test_answer_that_could_not_be_kept_is_given_and_not_done_again(once: Once, store: Store) -> None:
    """The asker hears that it was done; a repetition that it is not known."""

    async def works() -> web.Response:
        await lose_keys(store)
        return web.Response(body=b"{}")

    assert (await once.answer("a", "k", "f", works)).status == 200
    await find_keys(store)
    with pytest.raises(Problem, match="not known"):
        await once.answer("a", "k", "f", works)


async def test_refusal_is_told_even_where_its_key_could_not_be_freed(once: Once, store: Store) -> None:
    """Why the request failed, not why its key did."""

    async def refuses() -> web.Response:
        await lose_keys(store)
        raise Problem(422, "share: must be at most 1")

    with pytest.raises(Problem, match="share"):
        await once.answer("a", "k", "f", refuses)


async def test_nothing_is_done_where_the_key_can_not_be_taken(once: Once, store: Store) -> None:
    """Done without a trace it might be done twice."""
    await lose_keys(store)

    async def never() -> web.Response:
        raise AssertionError

    with pytest.raises(StoreError):
        await once.answer("a", "k", "f", never)
    await find_keys(store)


async def test_answer_too_long_to_keep_is_not_replayed_but_done_once(once: Once) -> None:
    """The repetition learns that it took effect."""
    runs = 0

    async def long() -> web.Response:
        nonlocal runs
        runs += 1
        return web.Response(body=b" " * (ANSWER_BYTES_MAX + 1))

    await once.answer("a", "k", "f", long)
    with pytest.raises(Problem, match="took effect"):
        await once.answer("a", "k", "f", long)
    assert runs == 1
    assert once.counts["too_long"] == 1
