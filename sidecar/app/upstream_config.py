"""The configuration of model servers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path
from socket import gethostname
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from sidecar.app.masking import masked_url
from sidecar.app.parts import Name, Part, Share, like

if TYPE_CHECKING:
    from sidecar.app.config import ListenConfig

SERVERS_MAX = 16
"""Of one upstream."""
EXAMPLE = "http://127.0.0.1:8000"
_PORTS = {"http": 80, "https": 443}


def address_of(url: str) -> str:
    """The URL without a slash at its end. Raises ValueError, which quotes no user, password or query."""
    try:
        parts = urlsplit(url)
        port_is_good = parts.port is None or parts.port > 0
    except ValueError:
        port_is_good, parts = False, urlsplit("")
    shown = masked_url(url)
    if "@" in url:
        raise ValueError(
            f"{shown!r} must be scheme, host and port alone, such as {EXAMPLE}: a user and password don't belong here. "
            "The Authorization field of each request is passed on, so clients send their own; a certificate to show "
            "is `tls_cert_file`"
        )
    if parts.scheme not in _PORTS or not parts.hostname or not port_is_good:
        raise ValueError(f"{shown!r} is no address of a model server, expected e.g. {EXAMPLE}")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError(f"{shown!r} must hold scheme, host and port only; give a path of its own as `path`")
    return f"{parts.scheme}://{parts.netloc}"


Address = Annotated[str, AfterValidator(address_of)]


class UpstreamConfig(Part):
    """A model server, or one model version on it. ``urls`` are all its servers where there are several, and ``url`` is
    the first of them."""

    name: Name
    url: Address
    urls: Annotated[tuple[Address, ...], Field(max_length=SERVERS_MAX)] = ()
    version: str = ""
    path: str = ""
    host: Literal["preserve", "upstream"] = "preserve"
    score_threshold: Share | None = None
    tls_ca_file: Path | None = None
    tls_verify: bool = True
    tls_cert_file: Path | None = None
    tls_key_file: Path | None = None
    tls_server_name: Annotated[
        str, like(r"([A-Za-z0-9_:-][A-Za-z0-9_.:-]*)?", "a host's name such as model.internal, or empty")
    ] = ""

    @model_validator(mode="before")
    @classmethod
    def _first_of_urls(cls, given: Any) -> Any:
        if isinstance(given, dict) and "url" not in given and given.get("urls"):
            return {**given, "url": _first_good(given["urls"])}
        return given

    @field_validator("urls")
    @classmethod
    def _urls(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        if twice := [url for index, url in enumerate(urls) if url in urls[:index]]:
            raise ValueError(f"must all be different, and {twice[0]} stands there twice")
        if len({url.partition(":")[0] for url in urls}) > 1:
            raise ValueError("must all be http:// or all be https://")
        return urls

    @model_validator(mode="after")
    def _url_is_one_of_urls(self) -> UpstreamConfig:
        if self.urls and self.url != self.urls[0]:
            raise ValueError(f"url: {self.url!r} is not the first of `urls`: give `urls` alone")
        return self

    @field_validator("path")
    @classmethod
    def _path(cls, path: str) -> str:
        if path and not path.startswith("/"):
            raise ValueError(f"{path!r} must begin with /")
        return path


def _first_good(urls: Any) -> str:
    """The first of ``urls``. Where that is none, any address: what is wrong with ``urls`` is said of them, once."""
    try:
        return address_of(urls[0])
    except (ValueError, TypeError, AttributeError, LookupError):
        return EXAMPLE


def own_port_faults(upstreams: Sequence[UpstreamConfig], listen: ListenConfig) -> Iterator[str]:
    """Upstreams that are the sidecar's own data port, whose requests would come back to it for ever. Each begins with
    its place. No name is asked for: only what is plainly this port is found."""
    for index, upstream in enumerate(upstreams):
        for number, url in enumerate(upstream.urls or (upstream.url,)):
            parts = urlsplit(url)
            port = parts.port or _PORTS[parts.scheme]
            if listen.port == port and _is_own(parts.hostname or "", listen.host):
                place = f"upstreams.{index}.urls.{number}" if upstream.urls else f"upstreams.{index}.url"
                yield (
                    f"{place}: {url} is the sidecar's own data port (listen.port is {port}): give the model server's "
                    "own port here, or the sidecar another"
                )


def _is_own(host: str, listens: str) -> bool:
    """Whether what listens on ``listens`` is met at ``host``, so far as that shows without asking for a name.

    >>> _is_own("localhost", "127.0.0.1"), _is_own("127.0.0.1", "0.0.0.0"), _is_own("127.0.0.2", "127.0.0.1")
    (True, True, False)
    >>> _is_own("model", "0.0.0.0"), _is_own("127.0.0.1", "10.0.0.5"), _is_own("10.0.0.5", "10.0.0.5")
    (False, False, True)
    """
    if host.lower() == listens.lower():
        return True
    reached, bound = _addresses(host), _addresses(listens)
    if listens in ("", "0.0.0.0", "::"):
        loopback = any(ip_address(one).is_loopback for one in reached)
        return loopback or host.lower() == gethostname().lower()
    return bool(reached & bound)


def _addresses(host: str) -> set[str]:
    """The literal addresses that a connection to ``host`` may go to; of a name but ``localhost`` none are known."""
    known = {"localhost": {"127.0.0.1", "::1"}, "0.0.0.0": {"127.0.0.1"}, "::": {"::1", "127.0.0.1"}}
    if (found := known.get(host.lower())) is not None:
        return found
    try:
        return {str(ip_address(host))}
    except ValueError:
        return set()
