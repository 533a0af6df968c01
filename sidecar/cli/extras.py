"""What of the sidecar is installed: the light base asks a running one, an extra is needed to run one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.util import find_spec

from sidecar.cli.asking import fail

DISTRIBUTION = "inference-sidecar"
SERVER_MODULES = (
    *("aiohttp", "aiosmtplib", "aiosqlite", "jinja2", "numpy", "orjson", "PIL", "prometheus_client", "pydantic"),
    *("pydantic_settings", "setproctitle", "structlog", "uvloop"),
)
"""What the packages of the extra ``server`` are imported as."""
_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[([a-z, ]+)\])?.*;.*extra\s*==\s*['\"]([a-z]+)['\"]")


def need_server(what: str) -> None:
    """As ``need`` of the extra ``server``, whose packages' own records are read only where one may be missing: that
    takes longer than it takes to look for them."""
    if not all(map(find_spec, SERVER_MODULES)):
        need("server", what)


def need(extra: str, what: str) -> None:
    """End the command where the packages of ``extra`` are not all there. ``what`` needs them."""
    missing = missing_of(extra)
    if missing:
        fail(
            f"{what} needs more than the light install that asks a running sidecar: {', '.join(missing)}\n"
            f"install it with: pip install '{DISTRIBUTION}[{extra}]'"
        )


def missing_of(extra: str) -> list[str]:
    """Packages of an extra that are not installed; none where the sidecar itself is not installed as a package."""
    from importlib import metadata

    try:
        requirements = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return []
    return sorted(name for name in packages_of(extra, requirements) if not _is_installed(name))


def packages_of(extra: str, requirements: Iterable[str]) -> set[str]:
    """The packages that an extra names, and those of the extras it builds on.

    >>> told = ["rich>=14", 'aiohttp>=3; extra == "server"', 'inference-sidecar[server]; extra == "demo"']
    >>> packages_of("demo", told), packages_of("server", told)
    ({'aiohttp'}, {'aiohttp'})
    """
    told = list(requirements)
    found: set[str] = set()
    for requirement in told:
        parts = _REQUIREMENT.match(requirement)
        if parts is None or parts[3] != extra:
            continue
        if parts[1] == DISTRIBUTION:
            found |= {name for other in (parts[2] or "").split(",") for name in packages_of(other.strip(), told)}
        else:
            found.add(parts[1])
    return found


def _is_installed(name: str) -> bool:
    from importlib import metadata

    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True
