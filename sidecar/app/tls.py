"""TLS of the admin port."""

from __future__ import annotations

import ssl
from pathlib import Path


def tls_context(cert_file: Path | None, key_file: Path | None, client_ca_file: Path | None) -> ssl.SSLContext | None:
    """How the admin port speaks TLS; None: it does not. With ``client_ca_file`` clients must show a certificate.

    Raises OSError (ssl.SSLError is one) where the files can't be read or don't belong together.
    """
    if cert_file is None or key_file is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # an encrypted key is refused: else OpenSSL would ask at the terminal and the start would hang
    context.load_cert_chain(cert_file, key_file, password="")
    if client_ca_file is not None:
        context.load_verify_locations(client_ca_file)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
