"""Feedback that a page sends from a browser: what a preflight and an answer say (Fetch standard, CORS protocol)."""

from __future__ import annotations

import pytest

from tests.proxy.test_feedback import JSON, PREDICT, MakeDesk, detail_of, post

APP = "https://app.example.com"


def preflight(origin: bytes, method: bytes = b"POST") -> bytes:
    return (
        b"OPTIONS /feedback HTTP/1.1\r\nHost: a\r\nOrigin: %b\r\nAccess-Control-Request-Method: %b\r\n"
        b"Access-Control-Request-Headers: content-type\r\n\r\n" % (origin, method)
    )


async def test_page_of_an_allowed_origin_may_send_feedback(make_desk: MakeDesk) -> None:
    """The preflight says what may be sent, the answer that it may be read; credentials are never asked for."""
    desk = await make_desk(feedback={"origins": (APP, "https://other.example.com")})
    asked, answered = await desk.converse(preflight(APP.encode()), post(fields=JSON + b"Origin: %b\r\n" % APP.encode()))
    for status, fields, _ in (asked, answered):
        assert (status, fields[b"access-control-allow-origin"], fields[b"vary"]) == (200, APP.encode(), b"Origin")
        assert b"access-control-allow-credentials" not in fields
    assert asked[1][b"access-control-allow-methods"] == b"POST"
    assert asked[1][b"access-control-allow-headers"] == b"Content-Type"
    assert asked[1][b"access-control-max-age"] == b"600"
    assert asked[2] == b""
    assert answered[1][b"access-control-expose-headers"] == b"Retry-After"
    assert len(desk.asked) == 1
    assert desk.rig.upstream.requests == []


async def test_page_may_read_errors_too(make_desk: MakeDesk) -> None:
    """A page whose feedback is refused is told why."""
    desk = await make_desk(monitor=False, feedback={"origins": (APP,)})
    for fields in (JSON, b""):
        answer = await desk.rig.send(post(fields=fields + b"Origin: %b\r\n" % APP.encode()))
        assert answer[1][b"access-control-allow-origin"] == APP.encode()
        assert detail_of(answer)


@pytest.mark.parametrize("origins", [(), (APP,)])
@pytest.mark.parametrize("origin", [b"https://evil.example.com", b"null", b"https://app.example.com.evil.com"])
async def test_preflight_of_another_origin_is_refused(
    make_desk: MakeDesk, origins: tuple[str, ...], origin: bytes
) -> None:
    """A browser then sends nothing; where no origin is allowed, answers hold nothing of CORS."""
    desk = await make_desk(feedback={"origins": origins})
    refused, predicted = await desk.converse(preflight(origin), PREDICT)
    assert (refused[0], predicted[0]) == (403, 200)
    assert "feedback.origins" in detail_of(refused)
    assert not [name for name in refused[1] if name.startswith(b"access-control")]
    assert (b"vary" in refused[1]) == bool(origins)


async def test_star_lets_every_page_send(make_desk: MakeDesk) -> None:
    """One answer fits all, so caches need not tell origins apart."""
    desk = await make_desk(feedback={"origins": ("*",)})
    status, fields, _ = await desk.rig.send(preflight(b"null"))
    assert (status, fields[b"access-control-allow-origin"]) == (200, b"*")
    assert b"vary" not in fields


async def test_applications_that_are_no_pages_need_no_origin(make_desk: MakeDesk) -> None:
    """Without CORS in play the path says what it takes, and a page of the same origin is served as anybody."""
    desk = await make_desk(feedback={"origins": (APP,)})
    status, fields, _ = await desk.rig.send(b"OPTIONS /feedback HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (status, fields[b"allow"]) == (200, b"POST, OPTIONS")
    assert not [name for name in fields if name.startswith(b"access-control")]
    assert (await desk.rig.send(post(fields=JSON + b"Origin: http://a\r\n")))[0] == 200


async def test_preflights_of_other_paths_stay_the_model_servers(make_desk: MakeDesk) -> None:
    """What the model server says of its own paths, predictions among them, is not touched."""
    desk = await make_desk(feedback={"origins": ("*",)})
    _, fields, body = await desk.rig.send(preflight(APP.encode()).replace(b"/feedback", b"/predict"))
    assert body == b"ok"
    _, answer, _ = await desk.rig.send(PREDICT.replace(b"\r\n\r\n", b"\r\nOrigin: %b\r\n\r\n" % APP.encode()))
    assert not [name for name in (*fields, *answer) if name.startswith(b"access-control")]
