"""A guarded POST against receivers that fail in every way."""

import ssl

import pytest
import trustme

from sidecar.alerts.channels.channel import SendError
from sidecar.alerts.channels.posting import ANSWER_BYTES_MAX, Request, post
from sidecar.alerts.channels.targets import Guard
from tests.kit.alert_receivers import HttpReceiver


async def failure_of(url: str, now: float = 0.0, **options: object) -> SendError:
    with pytest.raises(SendError) as caught:
        await post(Guard(["127.0.0.1", "localhost"]), Request(url, b"{}", {}, **options), now)
    return caught.value


async def test_body_and_headers_arrive_as_given(receiver: HttpReceiver) -> None:
    """What is posted is what arrives, as JSON, under our name."""
    await post(Guard(["127.0.0.1"]), Request(receiver.url + "/a%2Fb?c=1%2B2", b'{"x":1}', {"webhook-id": "7"}), 0.0)
    (posted,) = receiver.posted
    assert (posted.path, posted.body) == ("/a%2Fb?c=1%2B2", b'{"x":1}')
    assert posted.headers["content-type"] == "application/json"
    assert (posted.headers["webhook-id"], posted.headers["user-agent"]) == ("7", "inference-sidecar")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_is_a_refusal_that_says_so(status: int, receiver: HttpReceiver) -> None:
    """A redirect is not followed, not even to the same host, and the reason says that it was one."""
    receiver.script.append((status, {"Location": receiver.url + "/elsewhere"}))
    error = await failure_of(receiver.url + "/hook")
    assert not error.passing
    assert f"answered {status}, a redirect, which is not followed" in error.reason
    assert [posted.path for posted in receiver.posted] == ["/hook"]


@pytest.mark.parametrize(
    ("status", "passing"),
    [
        (400, False),
        (401, False),
        (404, False),
        (408, True),
        (410, False),
        (425, True),
        (429, True),
        (500, True),
        (503, True),
    ],
)
async def test_status_decides_whether_a_failure_passes(status: int, passing: bool, receiver: HttpReceiver) -> None:
    """5xx, 408, 425 and 429 pass with time, all other refusals don't."""
    receiver.always = status
    error = await failure_of(receiver.url)
    assert (error.passing, str(status) in error.reason) == (passing, True)


async def test_retry_after_is_told(receiver: HttpReceiver) -> None:
    """What a receiver asks for in Retry-After, in seconds or as a date, is told, up to a bound."""
    receiver.script.extend(
        (429, {"Retry-After": text}) for text in ("90", "Thu, 01 Jan 1970 00:02:00 GMT", "9999999", "soon")
    )
    asked = [(await failure_of(receiver.url, now=100.0)).retry_after_s for _ in range(4)]
    assert asked == [90.0, 20.0, 3_600.0, 0.0]


async def test_receiver_that_hangs_is_a_timeout(receiver: HttpReceiver) -> None:
    """No answer in time is a failure that passes and says how long was waited."""
    receiver.script.append("stall")
    error = await failure_of(receiver.url + "/s3cret", timeout_s=0.2)
    assert error.passing
    assert error.reason == f"http://127.0.0.1:{receiver.port} did not answer within 0.2 s"


async def test_success_whose_body_hangs_is_a_success(receiver: HttpReceiver) -> None:
    """Once a 2xx has come the message was taken: it must not be sent again because the rest of the answer is late."""
    receiver.script.append("stall body")
    await post(Guard(["127.0.0.1"]), Request(receiver.url, b"{}", {}, timeout_s=5.0), 0.0)


async def test_connection_that_is_cut_or_refused_passes(receiver: HttpReceiver) -> None:
    """Without an answer there is a next time."""
    receiver.script.append("cut")
    assert (await failure_of(receiver.url)).passing
    await receiver.stop()
    error = await failure_of(receiver.url)
    assert error.passing
    assert "can't be connected to" in error.reason


async def test_answer_is_quoted_bounded_where_it_may_be(receiver: HttpReceiver) -> None:
    """The reason has the beginning of a configured receiver's answer as one line, and nothing of any other's."""
    receiver.always = (404, {}, "no_team\r\n" + "x" * (ANSWER_BYTES_MAX * 50))
    error = await failure_of(receiver.url, quote_answer=True)
    assert "answered 404: no_team xxx" in error.reason
    assert len(error.reason) < 400
    assert "no_team" not in (await failure_of(receiver.url)).reason


async def test_proxy_of_the_environment_is_not_used(receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would connect where nobody checked."""
    proxy = HttpReceiver()
    await proxy.start()
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    monkeypatch.setenv("NO_PROXY", "")
    await post(Guard(["127.0.0.1"]), Request(receiver.url, b"{}", {}), 0.0)
    await proxy.stop()
    assert (len(receiver.posted), proxy.posted) == (1, [])


async def test_unknown_certificate_is_not_accepted() -> None:
    """A receiver whose certificate nobody vouches for gets nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost", "127.0.0.1").configure_cert(context)
    receiver = HttpReceiver()
    await receiver.start(context)
    error = await failure_of(f"https://127.0.0.1:{receiver.port}/s3cret")
    await receiver.stop()
    assert error.reason == f"https://127.0.0.1:{receiver.port} shows a certificate that can't be verified"
    assert receiver.posted == []
