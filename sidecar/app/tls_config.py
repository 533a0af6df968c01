"""The parts of the configuration that are about TLS on the data path: to clients, and to model servers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.proxy.certificate import CertificateError, validity
from sidecar.proxy.tls import listen_context, upstream_context
from sidecar.types import ListenTls, UpstreamTls

if TYPE_CHECKING:
    from sidecar.app.admin_config import AdminConfig
    from sidecar.app.config import ListenConfig
    from sidecar.app.upstream_config import UpstreamConfig


DAY_S = 86_400.0
SETTINGS = ("tls_ca_file", "tls_verify", "tls_cert_file", "tls_key_file", "tls_server_name")
"""Of an upstream."""
FILES = ("tls_ca_file", "tls_cert_file", "tls_key_file")


def listen_tls(listen: ListenConfig) -> ListenTls:
    """As the workers get it: names of files, never what is in them."""
    return ListenTls(_text(listen.tls_cert_file), _text(listen.tls_key_file))


def upstream_tls(upstream: UpstreamConfig) -> UpstreamTls:
    """As the workers get it: names of files, never what is in them."""
    return UpstreamTls(
        ca_file=_text(upstream.tls_ca_file),
        verify=upstream.tls_verify,
        cert_file=_text(upstream.tls_cert_file),
        key_file=_text(upstream.tls_key_file),
        server_name=upstream.tls_server_name,
    )


def listen_tls_faults(listen: ListenConfig) -> list[str]:
    """What is wrong with certificate and key of the data port. Each fault begins with its place."""
    if listen.tls_cert_file is None and listen.tls_key_file is None:
        return []
    faults = _missing("listen", {"tls_cert_file": listen.tls_cert_file, "tls_key_file": listen.tls_key_file})
    if listen.tls_cert_file is None or listen.tls_key_file is None:
        needed = "tls_cert_file" if listen.tls_cert_file is None else "tls_key_file"
        faults.append(f"listen.{needed}: needed too, tls_cert_file and tls_key_file go together")
    if not faults:
        try:
            listen_context(listen_tls(listen))
        except OSError as error:
            faults.append(f"listen.tls_cert_file: certificate and key can't be used: {error}")
    return faults


def upstream_tls_faults(upstreams: Sequence[UpstreamConfig]) -> list[str]:
    """What is wrong with the settings of TLS of upstreams, without a look at any file."""
    faults = []
    for index, upstream in enumerate(upstreams):
        place = f"upstreams.{index}"
        given = [name for name in SETTINGS if name in upstream.model_fields_set]
        if upstream_tls(upstream) != UpstreamTls() and not upstream.url.startswith("https://"):
            faults.append(f"{place}.{given[0]}: goes with an https:// URL, and the upstream's is {upstream.url}")
        if upstream.tls_key_file is not None and upstream.tls_cert_file is None:
            faults.append(f"{place}.tls_cert_file: needed too, tls_key_file is the key of that certificate")
        if upstream.tls_ca_file is not None and not upstream.tls_verify:
            faults.append(f"{place}.tls_ca_file: is of no use where tls_verify is false")
    return faults


def upstream_file_faults(upstreams: Sequence[UpstreamConfig], known: Iterable[UpstreamConfig] = ()) -> list[str]:
    """What is wrong with the files that upstreams name. Those of ``known`` are in use and not looked at: what becomes
    of them while the sidecar runs changes nothing."""
    used = {upstream_tls(upstream) for upstream in known} | {UpstreamTls()}
    faults = []
    for index, upstream in enumerate(upstreams):
        if upstream_tls(upstream) not in used:
            place = f"upstreams.{index}"
            missing = _missing(place, {name: getattr(upstream, name) for name in FILES})
            faults += missing or _unusable(place, upstream_tls(upstream))
    return faults


def unverified(upstreams: Iterable[UpstreamConfig]) -> list[str]:
    """The names of the upstreams whose certificates are not checked: whoever stands between can read and answer."""
    return [upstream.name for upstream in upstreams if not upstream.tls_verify]


def ended_certificates(
    listen: ListenConfig, admin: AdminConfig, upstreams: Iterable[UpstreamConfig], now: float
) -> Iterator[tuple[str, int]]:
    """The certificates that are shown and hold no longer: the setting that names each, and since how many days. One
    that can't be read is told of elsewhere."""
    files = {"listen.tls_cert_file": listen.tls_cert_file, "admin.tls_cert_file": admin.tls_cert_file}
    files |= {f"upstreams[{index}].tls_cert_file": item.tls_cert_file for index, item in enumerate(upstreams)}
    for place, file in files.items():
        if file is None:
            continue
        try:
            _, ends_at = validity(file.read_text("ascii", "replace"))
        except (OSError, CertificateError):
            continue
        if ends_at <= now:
            yield place, int((now - ends_at) // DAY_S)


def _unusable(place: str, tls: UpstreamTls) -> list[str]:
    parts = {
        "tls_ca_file": UpstreamTls(ca_file=tls.ca_file),
        "tls_cert_file": UpstreamTls(cert_file=tls.cert_file, key_file=tls.key_file),
    }
    for name, part in parts.items():
        if part != UpstreamTls():
            try:
                upstream_context(part)
            except OSError as error:
                return [f"{place}.{name}: can't be used: {error}"]
    return []


def _missing(place: str, files: dict[str, Path | None]) -> list[str]:
    return [
        f"{place}.{name}: {str(file)!r} is no file"
        for name, file in files.items()
        if file is not None and not file.is_file()
    ]


def _text(path: Path | None) -> str:
    return "" if path is None else str(path)
