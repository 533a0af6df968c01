"""The end of a listener: whom the kernel has accepted is served, nobody else comes."""

from __future__ import annotations

import select
import socket
import sys

import pytest

from sidecar.proxy.listener import drop_new


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="no other kernel can")
@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_listener_drops_new_connections_and_keeps_those_it_has(family: socket.AddressFamily, host: str) -> None:
    """One that waits to be accepted can be, and takes part in both directions; a new one gets no answer."""
    if family == socket.AF_INET6 and not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    with (
        socket.create_server((host, 0), family=family) as listener,
        socket.create_connection(listener.getsockname()[:2]) as waiting,
        socket.socket(family) as late,
    ):
        assert drop_new(listener)
        late.setblocking(False)
        late.connect_ex(listener.getsockname())
        accepted, _ = listener.accept()
        with accepted:
            waiting.sendall(b"request")
            assert accepted.recv(100) == b"request"
            accepted.sendall(b"answer")
            assert waiting.recv(100) == b"answer"
        assert select.select([listener], [late], [], 0.05) == ([], [], [])


def test_socket_that_takes_no_filter_is_left_alone() -> None:
    """Where the kernel refuses, the caller is told and goes on without."""
    listener = socket.socket()
    listener.close()
    assert not drop_new(listener)
