"""What TLS is made of: contexts from files, made anew when the files change, for connections from then on.

A worker reads the files itself, so no key crosses the link. A pair that can't be used changes nothing: the one before
serves on, ``fault`` says what is wrong. Files are read once they have stayed the same for two looks, because a
certificate and its key are seldom replaced in one moment, or at once where somebody asks for it (SIGHUP).
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from sidecar.proxy.certificate import CertificateError, validity
from sidecar.proxy.encrypted import HandshakeError, Inner, encrypt_to_upstream
from sidecar.types import ListenTls, UpstreamTls, Variant

CHECK_S = 2.0
"""How often the files are looked at."""
PEM_BYTES_MAX = 1 << 20
_Signature = tuple[tuple[int, int, int] | None, ...]


def listen_context(tls: ListenTls) -> ssl.SSLContext:
    """How the data port speaks TLS. Raises OSError (ssl.SSLError is one) where certificate and key can't be used."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    # an encrypted key is refused: else OpenSSL would ask at the terminal and the start would hang
    context.load_cert_chain(tls.cert_file, tls.key_file, password="")
    return context


def upstream_context(tls: UpstreamTls) -> ssl.SSLContext:
    """How an upstream is spoken to. Its own authority stands in for those of the machine. Raises OSError."""
    context = ssl.create_default_context(cafile=tls.ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert_file:
        context.load_cert_chain(tls.cert_file, tls.key_file or None, password="")
    return context


class FromFiles:
    """A context made of ``files``. ``use`` says whose it is: ``listen``, or ``upstream NAME``.

    ``context`` is None until one could be made. ``validity`` is of the certificate that is shown, from when until when
    (None: none is), ``renewed`` counts the times others were taken up. ``verifies`` is of upstreams: whether theirs is
    checked.
    """

    def __init__(
        self,
        use: str,
        files: Iterable[str],
        cert_file: str,
        make: Callable[[], ssl.SSLContext],
        server_name: str = "",
        verifies: bool = True,
    ) -> None:
        self.use = use
        self._server_name = server_name
        self.verifies = verifies
        self.context: ssl.SSLContext | None = None
        self.validity: tuple[float, float] | None = None
        self.fault = ""
        self.renewed = 0
        self.news: tuple[str, str, dict[str, str]] | None = None
        self._files = tuple(file for file in files if file)
        self._cert_file = cert_file
        self._make = make
        self._seen = self._read_at = self._good_at = self._look()
        self._read()
        if self.context is not None:
            self.news = None

    @property
    def watched(self) -> bool:
        """Whether there are files that may change."""
        return bool(self._files)

    def name_of(self, host: str) -> str:
        """The name that the certificate of the server at ``host`` must have."""
        return self._server_name or host

    def usable(self) -> ssl.SSLContext:
        """Raises OSError where no context could be made so far."""
        if self.context is None:
            raise HandshakeError(self.fault)
        return self.context

    def check(self, at_once: bool = False) -> None:
        """Reads the files where they have changed and are at rest, or ``at_once``. It may block, and never raises."""
        seen = self._look()
        at_rest, self._seen = seen == self._seen, seen
        if (at_rest or at_once) and seen != self._read_at:
            self._read_at = seen
            self._read()

    def _look(self) -> _Signature:
        return tuple(map(_signature, self._files))

    def _read(self) -> None:
        try:
            context = self._make()
            holds = validity(_text(self._cert_file)) if self._cert_file else None
        except (OSError, CertificateError) as error:
            fault = _words(error, self._files)
            if fault != self.fault:
                self.news = ("error", "certificate_not_taken", {"use": self.use, "reason": fault})
            self.fault = fault
            return
        first, changed = self.context is None, self._read_at != self._good_at
        self.context, self.validity, self.fault, self.news = context, holds, "", None
        self._good_at = self._read_at
        if first or changed:
            self.renewed += not first
            self.news = ("info", "certificate_taken", {"use": self.use})

    def figures(self) -> dict[str, object]:
        """What a STATUS frame says of it."""
        return {
            "use": self.use,
            "starts_at": self.validity and self.validity[0],
            "expires_at": self.validity and self.validity[1],
            "fault": self.fault,
            "renewed": self.renewed,
            "verifies": self.verifies,
        }


def listening(tls: ListenTls) -> FromFiles | None:
    """What the data port speaks TLS with; None: it does not."""
    if not tls.cert_file:
        return None
    return FromFiles("listen", (tls.cert_file, tls.key_file), tls.cert_file, lambda: listen_context(tls))


def speaking_to(variant: Variant) -> FromFiles | None:
    """What an upstream is spoken to with; None: its URL is of plain HTTP."""
    tls = variant.tls
    if urlsplit(variant.url).scheme != "https":
        return None
    return FromFiles(
        f"upstream {variant.name}",
        (tls.ca_file, tls.cert_file, tls.key_file),
        tls.cert_file,
        lambda: upstream_context(tls),
        tls.server_name,
        tls.verify,
    )


async def connect(make: Callable[[], Inner], address: str, port: int, host: str, tls: FromFiles | None) -> Inner:
    """What ``make`` gives, connected to ``address``, which was found for ``host``. Raises OSError."""
    loop = asyncio.get_running_loop()
    if tls is None:
        _, connection = await loop.create_connection(make, address, port)
        return connection
    return await encrypt_to_upstream(
        lambda wire: loop.create_connection(wire, address, port), make, tls.usable(), tls.name_of(host)
    )


class Watch:
    """Looks at the files of ``sources()`` for as long as it runs, in a thread: a file system may hang.

    ``say(level, event, fields)`` gives whether it was heard; what was not is said again at the next look.
    """

    def __init__(
        self, sources: Callable[[], Iterable[FromFiles]], say: Callable[[str, str, dict[str, str]], bool]
    ) -> None:
        self._sources = sources
        self._say = say
        self._asked = asyncio.Event()

    def hurry(self) -> None:
        """Read all files anew now."""
        self._asked.set()

    async def run(self, check_s: float = CHECK_S) -> None:
        while True:
            try:
                async with asyncio.timeout(check_s):
                    await self._asked.wait()
            except TimeoutError:
                pass
            at_once = self._asked.is_set()
            self._asked.clear()
            await self.look(at_once)

    async def look(self, at_once: bool = False) -> None:
        """Once, now."""
        for source in [source for source in self._sources() if source.watched]:
            await asyncio.to_thread(source.check, at_once)
            news = source.news
            if news is not None and self._say(*news):
                source.news = None


def _signature(file: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _text(file: str) -> str:
    with open(file, "rb") as pem:
        return pem.read(PEM_BYTES_MAX).decode("ascii", "replace")


def _words(error: Exception, files: tuple[str, ...]) -> str:
    """What is wrong, with the names of files and nothing that stands in them."""
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.strerror:
        missing = [file for file in files if not os.access(file, os.R_OK)]
        return f"{error.strerror}: {', '.join(missing or files)}"
    return f"{', '.join(files)}: {error}"
