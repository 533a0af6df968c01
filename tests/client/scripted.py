"""A real HTTP server whose answers a test writes."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, bytes, dict[str, str]]


class Script:
    """Answers requests in order from ``answers`` and keeps what was asked: method, path, headers, body. After the last
    answer it hangs up. One that is shorter than it says breaks off, once it was held as long as ``hold`` takes."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                script.asked.append((self.command, self.path, dict(self.headers), body))
                if not script.answers:
                    return
                status, content, headers = script.answers.pop(0)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)
                if int(headers.get("Content-Length", 0)) > len(content):
                    self.wfile.flush()
                    script.hold()

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *arguments: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def go_away(self) -> None:
        """Nobody takes a connection there any more; a server that still looked for one would."""
        self.server.shutdown()
        self.server.server_close()

    def hold(self) -> Any:
        """Nothing, unless a test puts something in its place."""

    def will_give(self, document: Any, status: int = 200, **headers: str) -> None:
        """The next answer; names of headers have _ for -."""
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.answers.append((status, content, {name.replace("_", "-"): value for name, value in headers.items()}))

    @property
    def calls(self) -> list[str]:
        """Methods and paths of what was asked."""
        return [f"{method} {path}" for method, path, _, _ in self.asked]
