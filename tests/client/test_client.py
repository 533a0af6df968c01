"""Both clients against a real HTTP server whose answers the test writes."""

from __future__ import annotations

import inspect
import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sidecar.client import (
    AsyncClient,
    Client,
    ConnectionFailed,
    InvalidRequest,
    NotFound,
    Record,
    ServerError,
    SidecarError,
    Unauthorized,
)

Answer = tuple[int, bytes, dict[str, str]]
ZIP = {"Content-Type": "application/zip"}


class Script:
    """Answers requests in order from ``answers`` and keeps what was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                script.asked.append((self.command, self.path, dict(self.headers), body))
                status, content, headers = script.answers.pop(0)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *arguments: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def will_give(self, document: Any, status: int = 200, **headers: str) -> None:
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.answers.append((status, content, headers))


@pytest.fixture
def script() -> Iterator[Script]:
    """A running server."""
    made = Script()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def waits() -> list[float]:
    """How long the client slept, without sleeping."""
    return []


@pytest.fixture
def client(script: Script, waits: list[float]) -> Iterator[Client]:
    """A client of the scripted server."""
    with Client(script.url, token="t", timeout_s=5, sleep=waits.append) as made:
        yield made


def test_result_answers_to_keys_and_attributes(script: Script, client: Client) -> None:
    """A prediction's parts are reached either way, and the token is sent."""
    script.will_give({"prediction_id": "a/b", "detections": [{"label": "cat"}]})
    found = client.get_prediction("a/b")
    assert (found.detections[0].label, found["detections"][0]["label"]) == ("cat", "cat")
    method, path, headers, _ = script.asked[0]
    assert (method, path, headers["Authorization"]) == ("GET", "/api/v1/predictions/a%2Fb", "Bearer t")


def test_missing_attribute_names_what_there_is() -> None:
    """A typo is told with the names that would have done."""
    with pytest.raises(AttributeError, match="label"):
        _ = Record.of({"label": 1}).lable


def test_predictions_go_over_all_pages_only_as_far_as_asked(script: Script, client: Client) -> None:
    """The second page is asked for when the first is used up."""
    script.will_give({"items": [{"n": 1}, {"n": 2}], "next": "c"})
    script.will_give({"items": [{"n": 3}], "next": None})
    found = client.predictions(model="m", since=datetime(2026, 1, 1, tzinfo=UTC), label=None)
    assert [next(found).n, next(found).n] == [1, 2]
    assert len(script.asked) == 1
    assert [record.n for record in found] == [3]
    assert script.asked[1][1] == "/api/v1/predictions?model=m&since=2026-01-01T00%3A00%3A00%2B00%3A00&cursor=c"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, NotFound), (401, Unauthorized), (403, Unauthorized), (422, InvalidRequest), (500, ServerError)],
)
def test_error_has_its_kind_and_the_words_of_the_problem(
    script: Script, client: Client, status: int, kind: type[SidecarError]
) -> None:
    """Each status is an exception of its own, with the fields that are wrong."""
    problem = {"type": "about:blank", "detail": "share: too much"}
    script.will_give(problem | {"errors": [{"field": "share", "message": "too much"}]}, status)
    with pytest.raises(kind, match="too much") as raised:
        client.ramp_shadow_test("x", 2.0)
    assert raised.value.status == status
    assert raised.value.errors[0].field == "share"


def test_get_is_tried_again_and_waits_as_told(script: Script, client: Client, waits: list[float]) -> None:
    """A passing fault of a GET is not seen; Retry-After is kept to."""
    script.will_give(b"", 503)
    script.will_give(b"", 502, **{"Retry-After": "2"})
    script.will_give({"ok": True})
    assert client.status().ok is True
    assert waits == [0.1, 2.0]


def test_get_is_given_up_after_three_attempts(script: Script, client: Client, waits: list[float]) -> None:
    """A fault that stays is raised."""
    for _ in range(3):
        script.will_give(b"<html>", 503)
    with pytest.raises(ServerError):
        client.models()
    assert (len(script.asked), script.answers) == (3, [])


def test_change_is_never_tried_again(script: Script, client: Client, waits: list[float]) -> None:
    """A POST that failed may have had its effect, so it is not sent twice."""
    script.will_give(b"", 503)
    with pytest.raises(ServerError):
        client.stop_ab_test("x", reason="slow")
    method, path, _, body = script.asked[0]
    assert (len(script.asked), method, path, waits) == (1, "POST", "/api/v1/ab-tests/x/stop", [])
    assert json.loads(body) == {"reason": "slow"}


def test_change_that_made_twice_is_as_if_made_once_is_tried_again(
    script: Script, client: Client, waits: list[float]
) -> None:
    """Feedback, versions of datasets and the rules of a data engine; a fault that is not in passing is not."""
    script.will_give(b"", 503)
    script.will_give({"id": "a"})
    assert client.submit_feedback("p0", "correct").id == "a"
    script.will_give(b"", 502)
    script.will_give({"id": "v"})
    assert client.create_dataset_version("d").id == "v"
    script.will_give(b"", 500)
    with pytest.raises(ServerError):
        client.configure_data_engine("m", {})
    bodies = [body for _, _, _, body in script.asked]
    assert (len(bodies), bodies[0], bodies[2], waits) == (5, bodies[1], bodies[3], [0.1, 0.1])


def test_download_that_breaks_off_is_begun_anew(script: Script, client: Client, tmp_path: Path) -> None:
    """What is saved in the end is whole, and nothing else is left."""
    script.will_give(b"hal", **{"Content-Length": "6", **ZIP})
    script.will_give(b"", 503)
    script.will_give(b"whole", **ZIP)
    client.export_dataset_version("v", "coco", tmp_path / "out.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["out.zip"]
    assert (tmp_path / "out.zip").read_bytes() == b"whole"


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/html"}])
async def test_download_of_something_else_is_a_server_error(
    script: Script, client: Client, tmp_path: Path, headers: dict[str, str]
) -> None:
    """A page that answers 200 is not saved as a zip file, by either client."""
    script.will_give(b"<html>", **headers)
    script.will_give(b"<html>", **headers)
    with pytest.raises(ServerError, match="no zip file"):
        client.export_dataset_version("v", "coco", tmp_path / "out.zip")
    async with AsyncClient(script.url) as aio:
        with pytest.raises(ServerError, match="no zip file"):
            await aio.export_dataset_version("v", "coco", tmp_path / "out.zip")
    assert os.listdir(tmp_path) == []


def test_download_that_fails_leaves_what_was_there(script: Script, client: Client, tmp_path: Path) -> None:
    """Three times in vain."""
    path = tmp_path / "out.zip"
    path.write_bytes(b"before")
    for _ in range(3):
        script.will_give(b"hal", **{"Content-Length": "6", **ZIP})
    with pytest.raises(ConnectionFailed):
        client.export_dataset_version("v", "coco", path)
    assert ([found.name for found in tmp_path.iterdir()], path.read_bytes()) == (["out.zip"], b"before")


def test_nobody_there_is_connection_failed(script: Script, waits: list[float]) -> None:
    """An unreachable sidecar is told with its address."""
    script.server.server_close()
    with (
        Client(script.url, timeout_s=1, sleep=waits.append) as client,
        pytest.raises(ConnectionFailed, match=r"127\.0\.0\.1"),
    ):
        client.status()
    assert len(waits) == 2


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b""])
def test_answer_of_something_else_is_a_server_error(script: Script, client: Client, body: bytes) -> None:
    """A wrong port gives a clear error, not a JSON traceback."""
    script.will_give(body)
    with pytest.raises(ServerError, match="admin port"):
        client.status()


@pytest.mark.parametrize("body", [b"404 page not found", b'{"detail": "Not Found"}'])
def test_404_of_something_else_is_a_server_error(script: Script, client: Client, body: bytes) -> None:
    """Another program's 404 is not taken for an id that nothing has."""
    script.will_give(body, 404)
    with pytest.raises(ServerError, match="no admin port of a sidecar"):
        client.get_alert("a1")


@pytest.mark.parametrize("bad", ["", ".", ".."])
def test_id_that_would_change_the_path_is_refused(client: Client, bad: str) -> None:
    """No id leads to another endpoint."""
    with pytest.raises(InvalidRequest):
        client.get_sample(bad)


def test_time_without_zone_is_refused_before_it_is_sent(client: Client) -> None:
    """A naive time is ambiguous."""
    with pytest.raises(InvalidRequest, match="since"):
        client.summaries(since=datetime(2026, 1, 1))


def test_sample_image_is_bytes(script: Script, client: Client) -> None:
    """The image comes as it was kept."""
    script.will_give(b"\x89PNG\x00")
    assert client.sample_image("s1") == b"\x89PNG\x00"


async def test_async_client_reads_pages_and_retries(script: Script) -> None:
    """The asyncio client does the same."""
    waited: list[float] = []

    async def sleep(delay_s: float) -> None:
        waited.append(delay_s)

    script.will_give(b"", 503)
    script.will_give({"items": [{"n": 1}], "next": "c"})
    script.will_give({"items": [{"n": 2}], "next": None})
    script.will_give({"type": "about:blank", "detail": "gone"}, 404)
    async with AsyncClient(script.url, sleep=sleep) as client:
        assert [record.n async for record in client.samples(limit=1)] == [1, 2]
        with pytest.raises(NotFound, match="gone"):
            await client.stop_ab_test("x")
    assert waited == [0.1]


def test_both_clients_have_the_same_methods() -> None:
    """What one can do the other can, with the same arguments."""

    def parameters(kind: type) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(method).parameters)
            for name, method in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
        }

    assert parameters(Client) == parameters(AsyncClient)
