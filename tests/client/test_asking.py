"""How both clients ask, against real HTTP servers whose answers the tests write; and their connections."""

from __future__ import annotations

import json
import os
import threading
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import sidecar
from sidecar.client import (
    AsyncClient,
    Client,
    ConnectionFailed,
    InvalidRequest,
    NotFound,
    ServerError,
)
from tests.client.scripted import Script

ZIP = {"Content-Type": "application/zip"}


class Kept(BaseHTTPRequestHandler):
    """Says at which port the asker is, over connections that are kept."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps({"id": str(self.client_address[1])}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def kept_url() -> Iterator[str]:
    """Where it is served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Kept)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


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
    with pytest.raises(ServerError, match="not application/zip"):
        client.export_dataset_version("v", "coco", tmp_path / "out.zip")
    async with AsyncClient(script.url) as aio:
        with pytest.raises(ServerError, match="not application/zip"):
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
    script.go_away()
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
    assert len(waited) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system forks no processes")
def test_process_that_is_forked_off_has_connections_of_its_own(kept_url: str) -> None:
    """As a loader of training data makes them: else each would read answers that are the other's."""
    with Client(kept_url) as client:
        before = client.get_alert("a").id
        reading, writing = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads, from Python 3.12 on
            child = os.fork()
        if child == 0:
            try:
                os.write(writing, client.get_alert("a").id.encode())
            finally:
                os._exit(0)
        os.close(writing)
        os.waitpid(child, 0)
        theirs = os.read(reading, 100).decode()
        os.close(reading)
        assert theirs.isdigit()
        assert theirs != before
        assert client.get_alert("a").id == before


def test_clients_are_completed_by_an_interpreter() -> None:
    """They are imported only when they are asked for."""
    assert {"Client", "AsyncClient", "__version__"} <= set(dir(sidecar))
