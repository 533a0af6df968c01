"""Which calls are made again, when, and with what: against a server whose answers the test writes."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from sidecar.client import AsyncClient, Busy, Changed, Client, Conflict, ConnectionFailed, NotFound, ServerError
from sidecar.client.attempts import ATTEMPTS_MAX, RETRY_AFTER_S_MAX, UNREACHABLE, UNTRUSTED, Attempts
from sidecar.client.calls import SLOW_TIMEOUT_S, Call, reading
from sidecar.client.calls_drift import check_drift
from sidecar.client.results import Document
from tests.client.scripted import Script


def test_get_is_tried_again_and_waits_as_told(script: Script, client: Client, waits: list[float]) -> None:
    """A passing fault of a GET is not seen; Retry-After is kept to, a little longer so that a fleet comes in turn."""
    script.will_give(b"", 503)
    script.will_give(b"", 502, Retry_After=f"{RETRY_AFTER_S_MAX:.0f}")
    script.will_give({"ok": True})
    assert client.status().ok is True
    assert 0.05 <= waits[0] <= 0.1
    assert RETRY_AFTER_S_MAX < waits[1] <= RETRY_AFTER_S_MAX + 0.2


def test_get_is_given_up_after_three_attempts(script: Script, client: Client, waits: list[float]) -> None:
    """A fault that stays is raised."""
    for _ in range(ATTEMPTS_MAX):
        script.will_give(b"<html>", 503)
    with pytest.raises(ServerError):
        client.model_figures()
    assert (len(script.asked), script.answers) == (ATTEMPTS_MAX, [])


def test_pause_that_is_too_long_is_not_waited_for(script: Script, client: Client, waits: list[float]) -> None:
    """Who is slowed down for a minute is told so at once."""
    script.will_give({"type": "about:blank", "detail": "too many wrong tokens"}, 429, Retry_After="60")
    with pytest.raises(Busy, match="too many"):
        client.status()
    assert (len(script.asked), waits) == (1, [])


def test_post_is_tried_again_under_one_key(script: Script, client: Client, waits: list[float]) -> None:
    """Each attempt bears the same key and body, another call another key; so the sidecar does it once."""
    script.will_give(b"", 503)
    script.will_give({"id": "try"})
    script.will_give({"id": "try"})
    assert client.stop_ab_test("try", reason="slow").id == client.stop_ab_test("try", reason="slow").id == "try"
    keys = [headers["Idempotency-Key"] for _, _, headers, _ in script.asked]
    assert keys[0] == keys[1] != keys[2]
    assert re.fullmatch("[0-9a-f]{32}", keys[0])
    assert [json.loads(body) for _, _, _, body in script.asked] == [{"reason": "slow"}] * 3


def test_post_whose_answer_was_lost_waits_for_the_first_to_end(
    script: Script, client: Client, waits: list[float]
) -> None:
    """409 with Retry-After means that the first attempt is still at work."""
    script.will_give(b"", 504)
    script.will_give({"type": "about:blank", "detail": "still at work"}, 409, Retry_After="1")
    script.will_give({"id": "a1"})
    assert client.acknowledge_alert("a1", by="ann").id == "a1"
    assert len(waits) == 2


def test_conflict_is_no_fault_in_passing(script: Script, client: Client) -> None:
    """409 without Retry-After is an answer like another."""
    script.will_give({"type": "about:blank", "detail": "'try' is running there"}, 409)
    with pytest.raises(Conflict, match="is running"):
        client.create_ab_test("Try", "det@1", "det@2")
    assert len(script.asked) == 1


CHANGES: list[tuple[Callable[[Client], Any], int]] = [
    (lambda client: client.configure_data_engine("m", {}), ATTEMPTS_MAX),
    (lambda client: client.configure_data_engine("m", {}, if_match='"e"'), 1),
    (lambda client: client.update_alert("a1", name="b"), ATTEMPTS_MAX),
    (lambda client: client.update_alert("a1", name="b", if_match='"e"'), 1),
    (lambda client: client.delete_alert("a1"), 1),
    (lambda client: client.revoke_token("t1"), ATTEMPTS_MAX),
    (lambda client: client.create_token("ci"), 1),
]


@pytest.mark.parametrize(("change", "attempts"), CHANGES)
def test_change_is_tried_again_only_where_twice_is_as_once(
    script: Script, client: Client, change: Callable[[Client], Any], attempts: int
) -> None:
    """What was deleted is not there to be deleted again, a tag has changed, and a secret is not given twice."""
    for _ in range(ATTEMPTS_MAX):
        script.will_give(b"", 502)
    with pytest.raises(ServerError):
        change(client)
    assert len(script.asked) == attempts


def test_token_creation_bears_no_key(script: Script, client: Client) -> None:
    """The sidecar keeps no secret to give again, and refuses the key."""
    script.will_give({"id": "1", "token": "sct_x"})
    client.create_token("ci")
    assert "Idempotency-Key" not in script.asked[0][2]


def test_what_never_reached_the_sidecar_is_always_tried_again(script: Script, waits: list[float]) -> None:
    """Even a deletion, where nobody took the connection."""
    script.go_away()
    with Client(script.url, sleep=waits.append) as client, pytest.raises(ConnectionFailed):
        client.delete_alert("a1")
    assert len(waits) == ATTEMPTS_MAX - 1


def test_connection_that_breaks_is_made_again(script: Script, client: Client, waits: list[float]) -> None:
    """Three times in vain; the error says where."""
    with pytest.raises(ConnectionFailed, match=re.escape(script.url)):
        client.status()  # the script has no answers: it hangs up
    assert (len(script.asked), len(waits)) == (ATTEMPTS_MAX, ATTEMPTS_MAX - 1)


def test_slow_call_that_timed_out_is_not_made_again() -> None:
    """A sidecar that is still comparing is not asked to compare twice at once."""
    call = check_drift({})
    assert call.timeout_s == SLOW_TIMEOUT_S
    with pytest.raises(ConnectionFailed, match="no answer within 30 s"):
        Attempts(call, "http://x", timeout_s=10).after_no_answer(httpx2.ReadTimeout("too slow"))
    assert Attempts(call, "http://x").after_no_answer(httpx2.ConnectTimeout("")) > 0
    assert Attempts(call, "http://x").after_refusal(503, {}, b"") > 0


@pytest.mark.parametrize(("if_match", "sent"), [('"e"', '"e"'), ("e", '"e"'), ("*", "*")])
def test_condition_is_sent_as_the_tag_it_is(script: Script, client: Client, if_match: str, sent: str) -> None:
    """An ``etag`` works as it was read; without its quotes too."""
    script.will_give({"type": "about:blank", "detail": "If-Match: it was changed meanwhile"}, 412)
    with pytest.raises(Changed) as raised:
        client.update_alert("a1", enabled=False, if_match=if_match)
    assert (raised.value.status, script.asked[0][2]["If-Match"]) == (412, sent)


def test_stream_that_breaks_off_is_asked_for_again(script: Script, client: Client, waits: list[float]) -> None:
    """Events come one by one over what breaks; once nothing comes any more it is an error."""
    events = {"Content_Type": "text/event-stream"}
    script.will_give(b': hello\n\nevent: figures\ndata: {"n": 1}\n\ndata: {"n": 2}\n\n', **events)
    script.will_give(b"", 503)
    script.will_give(b'data: {"n": 3}\n\n', **events)
    stream = client._listen(Call("GET", "/live", reading(Document)))
    assert [next(stream).n, next(stream).n, next(stream).n] == [1, 2, 3]
    with pytest.raises(ConnectionFailed):
        next(stream)
    assert len(script.asked) == 3 + ATTEMPTS_MAX - 1


def test_stream_that_falls_silent_is_asked_for_again(
    script: Script, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection may be gone without a word, and nobody is at work on anything meanwhile."""
    events = {"Content_Type": "text/event-stream"}
    script.will_give(b'data: {"n": 1}\n\n', Content_Length="999", **events)
    script.will_give(b'data: {"n": 2}\n\n', **events)
    silence = threading.Event()
    monkeypatch.setattr(script, "hold", silence.wait)
    patience_s = 3.0  # no less than what a busy machine may take to send the first event
    with Client(script.url, timeout_s=0.2, sleep=waits.append) as client:
        stream = client._listen(Call("GET", "/live", reading(Document), timeout_s=patience_s))
        assert next(stream).n == 1
        assert next(stream).n == 2
    silence.set()
    assert len(waits) == 1


def test_event_without_data_is_skipped(script: Script, client: Client) -> None:
    """It says when to come back, or that the stream lives."""
    told = b'retry: 500\n\nevent: hello\n\nid: 7\ndata:\n\ndata: {"n": 1}\n\n'
    script.will_give(told, Content_Type="text/event-stream")
    assert next(client._listen(Call("GET", "/live", reading(Document)))).n == 1


def test_page_is_no_stream(script: Script, client: Client) -> None:
    """What answers anything with a page is no sidecar, and is not asked again."""
    script.will_give(b"<html>", Content_Type="text/html")
    with pytest.raises(ServerError, match="not text/event-stream; is this a sidecar's admin port"):
        next(iter(client.live()))
    assert len(script.asked) == 1


def test_redirect_is_told_and_not_followed(script: Script, client: Client) -> None:
    """The token goes nowhere else; the error names what the address should have been."""
    script.will_give(b"", 308, Location="https://elsewhere.example.com/api/v1/status?a=b")
    with pytest.raises(ServerError, match=r"redirect to https://elsewhere\.example\.com/api/v1/status, not") as error:
        client.status()
    assert (error.value.status, len(script.asked)) == (308, 1)


async def test_both_clients_say_in_the_same_words_why_nobody_answers(script: Script) -> None:
    """And a traceback what to do about it; asyncio by itself says only that all attempts failed."""
    script.go_away()

    async def at_once(_: float) -> None:
        """No time passes."""

    async with AsyncClient(script.url, sleep=at_once) as aio:
        with pytest.raises(ConnectionFailed) as of_aio:
            await aio.status()
    with Client(script.url, sleep=lambda _: None) as client, pytest.raises(ConnectionFailed) as of_sync:
        client.status()
    assert str(of_aio.value) == str(of_sync.value) == f"{script.url}: [Errno 111] Connection refused"
    assert of_aio.value.__notes__ == of_sync.value.__notes__ == [UNREACHABLE]


def test_certificate_that_is_not_trusted_is_told_with_what_to_give() -> None:
    """Only over https."""
    with pytest.raises(ConnectionFailed) as raised:
        Attempts(Call("GET", "/", reading(Document)), "https://x").after_no_answer(
            httpx2.ConnectError("certificate verify failed"), is_last=True
        )
    assert (str(raised.value), raised.value.__notes__) == (
        "https://x: certificate verify failed",
        [UNREACHABLE, UNTRUSTED],
    )


async def test_async_client_does_the_same(script: Script) -> None:
    """One key over its attempts; a stream."""
    waited: list[float] = []

    async def sleep(delay_s: float) -> None:
        waited.append(delay_s)

    script.will_give(b"", 503)
    script.will_give({"id": "a1"})
    script.will_give({"type": "about:blank", "detail": "no alert"}, 404)
    script.will_give(b'data: {"n": 1}\n\n', Content_Type="text/event-stream")
    async with AsyncClient(script.url, sleep=sleep) as client:
        assert (await client.acknowledge_alert("a1", by="ann")).id == "a1"
        with pytest.raises(NotFound):
            await client.get_alert("a9")
        stream = client._listen(Call("GET", "/live", reading(Document)))
        assert (await anext(stream)).n == 1
    keys = [headers["Idempotency-Key"] for method, _, headers, _ in script.asked if method == "POST"]
    assert (len(waited), len(set(keys)), len(keys)) == (1, 1, 2)
