"""The model server of the benchmark: as little work a request as Python can do, so that proxies are what is measured.

    python tests/benchmarks/proxy_stub.py PORT [PORT ...]

Each port is a model version and answers its own 20 detections. One thread, epoll, no event loop. Bodies are discarded
by the kernel (MSG_TRUNC), never copied.
"""

from __future__ import annotations

import json
import random
import select
import socket
import sys
from collections.abc import Sequence

DETECTIONS = 20
TARGET = "/v2/models/stub/infer"
HEAD_READ_BYTES = 16_384
DISCARD_BYTES_MAX = 4 << 20
SEND_BUFFER_BYTES = 1 << 20
_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"


def reply_body(version: int = 1) -> bytes:
    """A KServe V2 reply of 2.7 KB with 20 detections, always the same for a version."""
    rng = random.Random(20 + version)
    corners = [(rng.uniform(0, 600), rng.uniform(0, 400)) for _ in range(DETECTIONS)]
    boxes = [side for x, y in corners for side in (x, y, x + rng.uniform(20, 300), y + rng.uniform(20, 300))]
    scores = sorted((rng.uniform(0.3, 0.99) for _ in range(DETECTIONS)), reverse=True)
    classes = [rng.choice(("person", "bicycle", "car", "traffic light")) for _ in range(DETECTIONS)]
    tensors: list[tuple[str, list[int], str, Sequence[object]]] = [
        ("boxes", [DETECTIONS, 4], "FP32", boxes),
        ("scores", [DETECTIONS], "FP32", scores),
    ]
    tensors.append(("classes", [DETECTIONS], "BYTES", classes))
    tensors.append(("areas", [DETECTIONS], "FP32", [round(rng.uniform(400, 90_000), 2) for _ in range(DETECTIONS)]))
    outputs = [dict(zip(("name", "shape", "datatype", "data"), tensor, strict=True)) for tensor in tensors]
    return json.dumps({"model_name": "stub", "model_version": str(version), "outputs": outputs}).encode()


def reply(version: int) -> bytes:
    body = reply_body(version)
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


class Connection:
    """Just enough HTTP: bodies by Content-Length, the same reply to every request."""

    __slots__ = ("head", "left", "reply", "sock")
    room = memoryview(bytearray(DISCARD_BYTES_MAX))

    def __init__(self, sock: socket.socket, answer: bytes) -> None:
        self.sock = sock
        self.reply = answer
        self.head = b""
        self.left = 0

    def readable(self) -> bool:
        """Take what has come. False: the connection is over."""
        if self.left:
            taken = self.sock.recv_into(self.room, min(self.left, DISCARD_BYTES_MAX), socket.MSG_TRUNC)
            if not taken:
                return False
            self.left -= taken
            return bool(self.left) or self._answer()
        received = self.sock.recv(HEAD_READ_BYTES)
        if not received:
            return False
        self.head += received
        while self.head:
            end = self.head.find(_END)
            if end < 0:
                return True
            length, body = content_length(self.head[:end]), len(self.head) - end - len(_END)
            if body < length:
                self.left, self.head = length - body, b""
                return True
            self.head = self.head[end + len(_END) + length :]
            if not self._answer():
                return False
        return True

    def _answer(self) -> bool:
        """Whole or not at all: a reply fits into the socket's buffer unless its reader has gone to sleep."""
        return self.sock.send(self.reply) == len(self.reply)


def content_length(head: bytes) -> int:
    start = head.lower().find(_LENGTH)
    return int(head[start + len(_LENGTH) :].split(b"\r\n", 1)[0]) if start >= 0 else 0


def serve(ports: list[int]) -> None:
    """For ever."""
    poll = select.epoll()
    listeners: dict[int, tuple[socket.socket, bytes]] = {}
    for version, port in enumerate(ports, 1):
        listener = socket.create_server(("127.0.0.1", port), backlog=4_096)
        listener.setblocking(False)
        listeners[listener.fileno()] = (listener, reply(version))
        poll.register(listener, select.EPOLLIN)
    connections: dict[int, Connection] = {}
    while True:
        for descriptor, _ in poll.poll():
            connection = connections.get(descriptor)
            if connection is None:
                accept(*listeners[descriptor], connections, poll)
                continue
            try:
                goes_on = connection.readable()
            except BlockingIOError:
                continue
            except (OSError, ValueError):
                goes_on = False
            if not goes_on:
                connections.pop(descriptor).sock.close()


def accept(listener: socket.socket, answer: bytes, connections: dict[int, Connection], poll: select.epoll) -> None:
    try:
        sock, _ = listener.accept()
    except OSError:
        return
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    connections[sock.fileno()] = Connection(sock, answer)
    poll.register(sock, select.EPOLLIN)


if __name__ == "__main__":
    serve([int(port) for port in sys.argv[1:]])
