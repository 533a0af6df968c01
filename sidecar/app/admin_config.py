"""The part of the configuration that is about the admin port."""

from __future__ import annotations

import time
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from sidecar.access import TokenFile, TokenFileError
from sidecar.app.parts import Part, Port
from sidecar.app.tls import tls_context

LOOPBACK_HOSTS = ("::1", "localhost")
LOOPBACK_NETWORK = IPv4Network("127.0.0.0/8")


class AdminConfig(Part):
    """API, /metrics and dashboard. Any address but loopback needs a token or a certificate of each client.

    ``token_file`` holds a token with every scope; others are made with ``sidecar token create``. ``require_token``: on
    loopback too. With ``tls_cert_file`` and ``tls_key_file`` the port speaks HTTPS; with ``client_ca_file`` each client
    must show a certificate that this authority signed.
    """

    host: str = "127.0.0.1"
    port: Port = 8081
    token_file: Path | None = None
    require_token: bool = False
    tls_cert_file: Path | None = None
    tls_key_file: Path | None = None
    client_ca_file: Path | None = None

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        try:
            return IPv4Address(self.host) in LOOPBACK_NETWORK
        except ValueError:
            return self.host in LOOPBACK_HOSTS

    @property
    def token_demanded(self) -> bool:
        """Whether nobody is let in without a token."""
        open_enough = self.is_loopback or self.client_ca_file is not None
        return self.require_token or self.token_file is not None or not open_enough


def admin_faults(admin: AdminConfig, data_dir: Path) -> list[str]:
    """What is wrong with it beyond single values. Each fault begins with its place."""
    faults = []
    for name in ("token_file", "tls_cert_file", "tls_key_file", "client_ca_file"):
        path: Path | None = getattr(admin, name)
        if path is not None and not path.is_file():
            faults.append(f"admin.{name}: {str(path)!r} is no file")
    if admin.token_file is not None and admin.token_file.is_file():
        try:
            read_token(admin.token_file)
        except (OSError, ValueError) as error:
            faults.append(f"admin.token_file: {error}")
    if (admin.tls_cert_file is None) != (admin.tls_key_file is None):
        missing = "tls_key_file" if admin.tls_key_file is None else "tls_cert_file"
        faults.append(f"admin.{missing}: needed too, tls_cert_file and tls_key_file go together")
    if admin.client_ca_file is not None and admin.tls_cert_file is None:
        faults.append("admin.tls_cert_file: needed where client_ca_file is set, certificates are of TLS")
    if not faults:
        try:
            tls_context(admin.tls_cert_file, admin.tls_key_file, admin.client_ca_file)
        except OSError as error:
            faults.append(f"admin.tls_cert_file: certificate, key and client_ca_file can't be used: {error}")
    if admin.token_demanded and admin.token_file is None:
        faults += _token_faults(admin, data_dir)
    return faults


def _token_faults(admin: AdminConfig, data_dir: Path) -> list[str]:
    """What is wrong where one of the tokens in the data folder has to let somebody in."""
    why = "require_token is set" if admin.require_token else f"admin.host is not loopback (it is {admin.host!r})"
    needed = f"admin.token_file: needed where {why}"
    try:
        if TokenFile(data_dir).has_live(time.time()):
            return []
    except (TokenFileError, OSError) as error:
        return [f"{needed} and the tokens that were made can't be read: {error}".replace("\n", " ")]
    return [
        f"{needed}; or make a token first: sidecar token create NAME --scope admin --data-dir {data_dir}; or demand "
        "certificates of clients: admin.client_ca_file"
    ]


def read_token(file: Path | None) -> str | None:
    """The token in a file; None: there is no such setting. Raises OSError, and ValueError where none stands in it."""
    if file is None:
        return None
    try:
        token = file.read_text("utf-8").strip()
    except UnicodeDecodeError:
        token = ""  # what stands in it is not told
    if not token or not token.isprintable():
        raise ValueError(f"{str(file)!r} holds no token: one line of printable text is expected")
    return token
