"""Where a client asks, and what it shows of itself there: its arguments, or the environment's."""

from __future__ import annotations

import errno
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from urllib.parse import urlsplit

import httpx2

from sidecar.client.errors import invalid_field

URL = "http://127.0.0.1:8081"
HERE = ("127.0.0.1", "localhost", "::1")
"""What is on this machine is asked without the proxy that the environment may name."""
TIMEOUT_S_MAX = 1e9
FilePath = str | PathLike[str]


@dataclass(frozen=True, slots=True)
class Address:
    """Where to ask. ``headers`` hold the token, so nothing shows them; ``proxied``: the environment may name a proxy
    for it."""

    url: str
    headers: dict[str, str] = field(repr=False)
    tls: ssl.SSLContext = field(repr=False)
    proxied: bool = field(repr=False)


def address(
    base_url: str | None,
    token: str | None,
    ca_file: FilePath | None,
    cert_file: FilePath | None,
    key_file: FilePath | None,
    environment: Mapping[str, str] = os.environ,
) -> Address:
    """What the arguments of a client come to. Without ``base_url`` what else is not given comes from the environment
    too; with one it does not: a token goes only where whoever set it meant it to go.

    Raises InvalidRequest naming the argument, OSError of a file.

    >>> address(None, None, None, None, None, {"SIDECAR_URL": "sidecar.local:8081", "SIDECAR_TOKEN": "t"}).headers
    {'Authorization': 'Bearer t'}
    >>> address("http://[::1]:8081/", None, None, None, None, {"SIDECAR_TOKEN": "t"})
    Address(url='http://[::1]:8081')
    """
    if base_url is None:
        base_url = environment.get("SIDECAR_URL") or URL
        token = token or environment.get("SIDECAR_TOKEN") or None
        ca_file = ca_file or environment.get("SIDECAR_CA_FILE") or None
        cert_file = cert_file or environment.get("SIDECAR_CERT_FILE") or None
        key_file = key_file or environment.get("SIDECAR_KEY_FILE") or None
    url = _url(base_url)
    tls = _tls(url, ca_file, cert_file, key_file)
    return Address(url, _headers(token), tls, proxied=urlsplit(url).hostname not in HERE)


def checked_timeout(timeout_s: float) -> float:
    """``timeout_s``. Raises InvalidRequest where it is no length of time that can be waited.

    >>> checked_timeout(2.5)
    2.5
    """
    if isinstance(timeout_s, bool) or not isinstance(timeout_s, int | float) or not 0 < timeout_s <= TIMEOUT_S_MAX:
        raise invalid_field("timeout_s", f"must be a number of seconds more than 0, not {timeout_s!r}")
    return timeout_s


def _url(text: str) -> str:
    """A URL, which may leave out ``http://``."""
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise invalid_field("base_url", str(error)) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise invalid_field("base_url", f"must be such as {URL}")
    if parts.username is not None or parts.query or parts.fragment:
        # as it stands it would get into the texts of errors
        raise invalid_field("base_url", "must hold no user, query or fragment; a token has an argument of its own")
    return url.rstrip("/")


def _headers(token: str | None) -> dict[str, str]:
    if token is None:
        return {}
    if not token.strip() or not all("!" <= character <= "~" for character in token.strip()):
        raise invalid_field("token", "must be printable ASCII characters without spaces")
    return {"Authorization": f"Bearer {token.strip()}"}


def _tls(url: str, ca_file: FilePath | None, cert_file: FilePath | None, key_file: FilePath | None) -> ssl.SSLContext:
    if key_file is not None and cert_file is None:
        raise invalid_field("key_file", "is of use only with cert_file")
    if ca_file is None and cert_file is None:
        return _default_tls(url)
    for path in (ca_file, cert_file, key_file):
        if path is not None and not os.access(path, os.R_OK):  # ssl's own errors do not say which file
            code = errno.EACCES if os.path.exists(path) else errno.ENOENT
            raise OSError(code, os.strerror(code), os.fspath(path))
    try:
        tls = ssl.create_default_context(cafile=None if ca_file is None else os.fspath(ca_file))
    except ssl.SSLError as error:
        raise invalid_field("ca_file", f"{ca_file} holds no certificates ({error})") from None
    if cert_file is not None:
        try:
            tls.load_cert_chain(cert_file, key_file, password=_no_password)
        except ssl.SSLError as error:
            raise invalid_field("cert_file", f"{cert_file} and its key do not go together ({error})") from None
    return tls


def _default_tls(url: str) -> ssl.SSLContext:
    """What trusts whom the system does; over http, where it is not used and would take a while to read, nobody."""
    if url.startswith("http:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        return httpx2.create_ssl_context()
    except OSError as error:
        told = f"is not given, and what SSL_CERT_FILE or SSL_CERT_DIR names can't be used ({error})"
        raise invalid_field("ca_file", told) from error


def _no_password() -> str:
    """A key is read as it is: nobody is asked for a password at the terminal."""
    return ""
