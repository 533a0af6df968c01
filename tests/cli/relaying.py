"""A way to a server that can be cut and mended, at one address."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from typing import Any
from urllib.parse import urlsplit

from tests.kit.ports import free_ports


class Relay:
    """Passes bytes on between those who connect to ``url`` and the server at ``target``, in a thread."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", free_ports(1)[0]))
        self._address = self._listener.getsockname()
        self.url = f"http://127.0.0.1:{self._address[1]}"
        self._peers: dict[socket.socket, socket.socket] = {}
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._pass_on)

    def __enter__(self) -> Relay:
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._ended.set()
        self._thread.join(20)
        self.cut()
        self._selector.close()

    def cut(self) -> None:
        """Break all connections, and refuse new ones."""
        with self._lock:
            for end in [self._listener, *self._peers]:  # in this order: who is cut off finds nobody
                with contextlib.suppress(KeyError, ValueError):
                    self._selector.unregister(end)
                end.close()
            self._peers.clear()

    def mend(self) -> None:
        """Let connections through again."""
        with self._lock:
            self._listener = socket.create_server(self._address)
            self._selector.register(self._listener, selectors.EVENT_READ)

    def _pass_on(self) -> None:
        while not self._ended.is_set():
            for key, _ in self._selector.select(0.05):
                with self._lock, contextlib.suppress(OSError, KeyError):
                    self._serve(key.fileobj)

    def _serve(self, end: Any) -> None:
        if end is self._listener:
            near, far = end.accept()[0], socket.create_connection(self._target)
            for one, other in ((near, far), (far, near)):
                self._peers[one] = other
                self._selector.register(one, selectors.EVENT_READ)
            return
        other = self._peers[end]
        chunk = end.recv(65_536)
        if chunk:
            other.sendall(chunk)
            return
        for each in (end, other):
            self._selector.unregister(each)
            each.close()
            del self._peers[each]
