"""The pages as they are sent, and the static files under addresses that change with their content."""

from __future__ import annotations

import functools
import gzip
import hashlib
import mimetypes
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import jinja2

DIGEST_CHARS = 12
PACKED_FROM_BYTES = 512
"""What is smaller is not worth packing."""
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


class Page(NamedTuple):
    """A page at ``paths`` (patterns of the router); ``of`` is the page that the navigation marks as current, ``key``
    the letter that leads to it after G."""

    name: str
    title: str
    paths: tuple[str, ...]
    of: str
    charts: bool = False
    key: str = ""


PAGES: tuple[Page, ...] = (
    Page("overview", "Overview", ("/",), "overview", charts=True, key="O"),
    Page("predictions", "Predictions", ("/predictions",), "predictions", key="P"),
    Page("prediction", "Prediction", ("/predictions/{prediction_id}",), "predictions"),
    Page("review", "Review", ("/review",), "review", key="R"),
    Page("experiments", "Experiments", ("/experiments",), "experiments", key="E"),
    Page("experiment", "Experiment", ("/experiments/{kind}/{test_id}",), "experiments", charts=True),
    Page("drift", "Drift", ("/drift",), "drift", charts=True, key="D"),
    Page("alerts", "Alerts", ("/alerts",), "alerts", charts=True, key="A"),
    Page("datasets", "Datasets", ("/datasets", "/datasets/{dataset_id}"), "datasets", key="T"),
    Page("settings", "Settings", ("/settings",), "settings", key="S"),
)
"""Every page, in the order of the navigation; those whose name is not their ``of`` are reached from others."""


@dataclass(frozen=True, slots=True)
class StaticFile:
    """Bytes as they are sent, and the same packed by gzip; ``packed`` is None where that is not worth it."""

    body: bytes = field(repr=False)
    content_type: str
    packed: bytes | None = field(repr=False)

    @classmethod
    def of(cls, body: bytes, content_type: str) -> StaticFile:
        """A file of ``body``."""
        packed = gzip.compress(body, 9, mtime=0) if len(body) >= PACKED_FROM_BYTES else None
        return cls(body, content_type, packed)


class Site:
    """All of the dashboard in memory. ``digest`` changes with any static file, and is part of their addresses: a
    browser may keep them for good.

    >>> site().pages["overview"].content_type, site().address("base/page.js").count("/")
    ('text/html; charset=utf-8', 4)
    """

    def __init__(self) -> None:
        root = files("sidecar.dashboard")
        contents = {name: entry.read_bytes() for name, entry in _files(root / "static")}
        self.digest = _digest(contents)
        self.static: Mapping[str, StaticFile] = {
            name: StaticFile.of(body, _type_of(name)) for name, body in contents.items()
        }
        self._templates = _environment(root / "templates", self.address)
        self.pages: Mapping[str, StaticFile] = {page.name: self._render(page) for page in PAGES}

    def address(self, name: str) -> str:
        """Where a static file is found. Raises KeyError where there is none."""
        self.static[name]
        return f"/static/{self.digest}/{name}"

    def login(self, path: str, *, refused: bool = False) -> bytes:
        """The form that asks for the token and leads to ``path`` then."""
        return self._templates.get_template("login.html").render(next=path, refused=refused).encode()

    def _render(self, page: Page) -> StaticFile:
        text = self._templates.get_template(f"{page.name}.html").render(page=page, pages=PAGES)
        return StaticFile.of(text.encode(), "text/html; charset=utf-8")


@functools.cache
def site() -> Site:
    """The one Site of a process, made when it is first asked for."""
    return Site()


def _environment(folder: Traversable, address: object) -> jinja2.Environment:
    import jinja2  # 2 MB that a monitor whose dashboard nobody opens does without

    loader = jinja2.DictLoader({name: entry.read_text("utf-8") for name, entry in _files(folder)})
    made = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.globals["static"] = address
    return made


def _files(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry


def _digest(contents: Mapping[str, bytes]) -> str:
    made = hashlib.sha256()
    for name, body in contents.items():
        made.update(f"{name}\0{len(body)}\0".encode())
        made.update(body)
    return made.hexdigest()[:DIGEST_CHARS]


def _type_of(name: str) -> str:
    ending = name[name.rindex(".") :]
    return _TYPES.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"
