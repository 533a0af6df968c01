"""Certificates for TLS on the data path, made in the test and put where a worker reads them."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from sidecar.types import ListenTls

DAYS = 40
"""How long the certificates last."""


@dataclass
class Authority:
    """An authority of its own; ``folder`` gets what it issues."""

    folder: Path
    ca: trustme.CA = field(default_factory=trustme.CA)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def ca_file(self) -> Path:
        """The certificate of the authority itself."""
        file = self.folder / "ca.pem"
        self.ca.cert_pem.write_to_path(str(file))
        return file

    def issue(self, name: str = "server", *hosts: str, days: float = DAYS) -> ListenTls:
        """A new certificate in the files of ``name``, in the place of one before."""
        ends = datetime.now(UTC) + timedelta(days=days)
        made = self.ca.issue_cert(*(hosts or ("localhost", "127.0.0.1")), not_after=ends)
        cert, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        cert.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
        key.write_bytes(made.private_key_pem.bytes())
        return ListenTls(str(cert), str(key))

    def server_context(self, files: ListenTls, clients: Authority | None = None) -> ssl.SSLContext:
        """Of a server that shows ``files``, and wants certificates of ``clients``."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(files.cert_file, files.key_file)
        if clients is not None:
            context.load_verify_locations(clients.ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def client_context(self) -> ssl.SSLContext:
        """Of a client that knows this authority alone."""
        return ssl.create_default_context(cafile=str(self.ca_file))


def shown(files: ListenTls) -> bytes:
    """The certificate in the file, in DER."""
    chain = Path(files.cert_file).read_text()
    end = "-----END CERTIFICATE-----"
    return ssl.PEM_cert_to_DER_cert(chain[: chain.index(end) + len(end)])
