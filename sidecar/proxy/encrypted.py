"""TLS on a connection, either way: ciphertext on the wire's side, plain bytes on the protocol's.

A protocol finds here a transport like TCP's, and hears of a connection once its handshake is done. The library's own
keeps as much room as the largest body of a connection took, can't end a response as HTTP does (close_notify, then read
on what still comes), tells nobody of handshakes under way, and takes an upstream's cut-off answer for a whole one; this
does none of that.

What comes in is decrypted at once, so a paused reader stops the wire; what goes out is in the wire's buffer alone.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, TypeVar, cast

_RECORD_BYTES_MAX = 16_384
_SLICE_BYTES = 2 * _RECORD_BYTES_MAX
Inner = TypeVar("Inner", bound=asyncio.Protocol)
Connect = Callable[[Callable[[], "ToUpstream"]], Awaitable[tuple[asyncio.BaseTransport, "ToUpstream"]]]


_Data = bytes | bytearray | memoryview


def _slices(data: _Data) -> Iterable[_Data]:
    """``data`` in parts: OpenSSL's buffers stay as large as the largest part that they have held."""
    if len(data) <= _SLICE_BYTES:
        return (data,)
    view = memoryview(data)
    return (view[start : start + _SLICE_BYTES] for start in range(0, len(view), _SLICE_BYTES))


class Broken(ConnectionResetError):
    """A connection ended otherwise than TLS has it; the text says how."""


class HandshakeError(OSError):
    """There is no connection; ``reason`` says what was wrong with the other side, or with us in its eyes."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"TLS with the upstream failed: {reason}")
        self.reason = reason


def reason_of(error: ssl.SSLError) -> str:
    """What went wrong, in few words, without what OpenSSL adds for its authors.

    >>> reason_of(ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)"))
    'wrong version number'
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    text = str(error.args[-1] if error.args else error)
    return text.partition("] ")[2].partition(" (_ssl")[0] or text


class Encrypted(asyncio.Protocol, asyncio.Transport):
    """A protocol of the wire, and the transport of ``inner``."""

    def __init__(self, inner: asyncio.Protocol) -> None:
        asyncio.Transport.__init__(self)
        self._inner = inner
        self._wire: asyncio.Transport = cast(asyncio.Transport, None)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: ssl.SSLObject = cast(ssl.SSLObject, None)
        self._open = self._closing = self._paused = self._said_goodbye = self._heard_goodbye = False
        self._cut: Exception | None = None

    def _handshaken(self) -> None:
        """The handshake is done; ``inner`` is told next."""

    def _failed(self, reason: str, detail: str) -> None:
        """There will be no connection; the wire is closed by then."""

    # -- the wire's side -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        if self._open:
            self._inner.connection_lost(self._cut or exc)
        else:
            self._failed("gone", "it closed the connection within the handshake")

    def data_received(self, data: bytes) -> None:
        if self._said_goodbye:
            self._inner.data_received(data)  # nobody reads it any more, it is only measured
            return
        if self._open:
            self._read(data)
            return
        self._incoming.write(data)
        if self._shake_hands():
            self._read()

    def eof_received(self) -> bool | None:
        if self._open and self._heard_goodbye:
            return not self._closing
        return self._ended_unsaid()

    def _ended_unsaid(self) -> bool:
        """The wire has ended without close_notify. What this says of the connection depends on the side."""
        return False

    def pause_writing(self) -> None:
        if self._open:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._open:
            self._inner.resume_writing()

    def _shake_hands(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return False
        except ssl.SSLError as error:
            self._flush()  # the alert that tells the other side
            self._closing = True
            self._wire.close()
            self._failed("handshake", reason_of(error))
            return False
        self._flush()
        self._open = True
        self._handshaken()
        self._inner.connection_made(self)
        return True

    def _read(self, data: bytes = b"") -> None:
        """Hands on what can be decrypted of what has come, ``data`` the last of it."""
        if self._paused or self._closing or self._said_goodbye:
            self._incoming.write(data)
            return
        chunks: list[bytes] = []
        ended, broken = False, None
        try:
            for part in _slices(data):
                self._incoming.write(part)
                ended = self._decrypt(chunks)
        except ssl.SSLError as error:
            broken = error
        self._flush()  # an alert, or the answer to a change of keys
        if chunks:
            self._inner.data_received(chunks[0] if len(chunks) == 1 else b"".join(chunks))
        if broken is not None:
            self._break(broken)
        elif ended and not self._heard_goodbye:
            self._heard_goodbye = True
            if not self._closing and not self._inner.eof_received():
                self.close()

    def _decrypt(self, chunks: list[bytes]) -> bool:
        """Adds what is there to ``chunks``. True: the other side has said that there will be no more."""
        tls, incoming = self._tls, self._incoming
        with suppress(ssl.SSLWantReadError):
            while incoming.pending or tls.pending():
                chunk = tls.read(_RECORD_BYTES_MAX)
                if not chunk:
                    return True
                chunks.append(chunk)
        return False

    def _break(self, error: ssl.SSLError) -> None:
        if not self._closing:
            self._cut = Broken(f"TLS: {reason_of(error)}")
            self._closing = True
            self._wire.close()

    def _flush(self) -> None:
        if self._outgoing.pending and not self._wire.is_closing():
            self._wire.write(self._outgoing.read())

    def _say_goodbye(self) -> None:
        if self._open and not self._said_goodbye:
            self._said_goodbye = True
            with suppress(ssl.SSLError):  # it wants to read the other side's, for which nobody waits
                self._tls.unwrap()
            self._flush()

    # -- the protocol's side ---------------------------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if not data or self._closing or self._said_goodbye:
            return
        try:
            for part in _slices(data):
                self._tls.write(part)
                self._flush()
        except ssl.SSLError as error:
            self._break(error)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview[Any]]) -> None:
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """No more is written; what still comes is handed to ``inner`` as it is on the wire, to be measured."""
        if not self._closing:
            self._say_goodbye()
            self._wire.write_eof()

    def close(self) -> None:
        if not self._closing:
            self._say_goodbye()
            self._closing = True
            self._wire.close()

    def abort(self) -> None:
        """Ends it without close_notify, so that nobody takes what was sent for whole."""
        self._closing = True
        self._wire.abort()

    def is_closing(self) -> bool:
        return self._closing or self._wire.is_closing()

    def pause_reading(self) -> None:
        self._paused = True
        self._wire.pause_reading()

    def resume_reading(self) -> None:
        self._paused = False
        if self._wire.is_closing():
            return
        self._wire.resume_reading()
        if self._incoming.pending:
            asyncio.get_running_loop().call_soon(self._read)

    def is_reading(self) -> bool:
        return not self._paused

    def get_write_buffer_size(self) -> int:
        return self._wire.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._wire.set_write_buffer_limits(high, low)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._tls if name == "ssl_object" else self._wire.get_extra_info(name, default)


def _heard(ready: asyncio.Future[None]) -> None:
    """Whoever waited may have gone: a failure that nobody took is no fault."""
    if not ready.cancelled():
        ready.exception()


class ToUpstream(Encrypted):
    """The client's side. ``ready`` ends with the handshake, or with a HandshakeError."""

    def __init__(self, inner: asyncio.Protocol, context: ssl.SSLContext, server_name: str) -> None:
        super().__init__(inner)
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ready.add_done_callback(_heard)
        try:
            self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        except ValueError as error:  # a name that can't be one
            raise HandshakeError(f"{server_name!r} is no name to ask for") from error

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._shake_hands()

    def can_write_eof(self) -> bool:
        """An answer is still to be read when the request ends."""
        return False

    def _handshaken(self) -> None:
        if not self.ready.done():
            self.ready.set_result(None)

    def _failed(self, reason: str, detail: str) -> None:
        if not self.ready.done():
            self.ready.set_exception(HandshakeError(detail))

    def _ended_unsaid(self) -> bool:
        """What has no other end than this may have been cut off by anybody (RFC 9112, 9.8): it is not whole."""
        self._cut = Broken("TLS: it ended without close_notify")
        return False


async def encrypt_to_upstream(connect: Connect, make: Callable[[], Inner], context: ssl.SSLContext, name: str) -> Inner:
    """What ``make`` gives, over a connection that ``connect`` makes of a protocol factory as ``create_connection`` of
    a loop does; it has heard ``connection_made`` then. ``name`` stands in the certificate. Raises OSError."""
    inner = make()
    _, wire = await connect(lambda: ToUpstream(inner, context, name))
    try:
        await wire.ready
    except asyncio.CancelledError:
        wire.abort()
        raise
    return inner
