"""axe-core, which finds what keeps people from using a page: fetched once, held to its hash, never part of the product.

It is kept in ``.venv-test/axe`` (or beside pyproject.toml in ``.venv-axe``); a file there is used as long as it is the
one that the hash below is of.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import tarfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.dashboard.browser import Page

VERSION = "4.14.1"
ADDRESS = f"https://registry.npmjs.org/axe-core/-/axe-core-{VERSION}.tgz"
INTEGRITY = "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
SCRIPT = "package/axe.min.js"
FETCH_S = 60.0
TARBALL_BYTES_MAX = 32 << 20
ROOT = Path(__file__).resolve().parents[2]
RUN = """
const [within, done] = arguments;
// All rules of WCAG 2.2 up to AA and of good practice; those of AAA and what axe itself is not sure of are left out.
const left = ["wcag2aaa", "experimental", "deprecated"];
const rules = Object.fromEntries(
  axe.getRules().map(({ ruleId, tags }) => [ruleId, { enabled: !tags.some((tag) => left.includes(tag)) }]),
);
axe.run(within ? document.querySelector(within) : document, { rules, resultTypes: ["violations"] })
  .then(({ violations, testEngine }) => done({ version: testEngine.version, violations }))
  .catch((error) => done({ error: String(error) }));
"""


class AxeUnavailable(Exception):
    """Why axe-core is not here, in words for a skipped test."""


class Violation(NamedTuple):
    """A rule that a page breaks: its id, what helps, and the elements as (selector, what is wrong)."""

    rule: str
    help: str
    nodes: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        shown = "".join(f"\n    {selector}: {' '.join(wrong.split())}" for selector, wrong in self.nodes[:6])
        return f"{self.rule} ({self.help}), {len(self.nodes)} elements{shown}"


def script() -> str:
    """The source of axe-core. Raises AxeUnavailable where it can't be had."""
    kept = _folder() / f"axe-core-{VERSION}.tgz"
    if not kept.is_file() or not _is_whole(kept.read_bytes()):
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(f".{os.getpid()}")  # several test processes may fetch at once
        partial.write_bytes(_fetched())
        partial.replace(kept)
    with tarfile.open(fileobj=io.BytesIO(kept.read_bytes())) as packed:
        member = packed.extractfile(SCRIPT)
        assert member is not None
        return member.read().decode()


def _folder() -> Path:
    environment = ROOT / ".venv-test"
    return environment / "axe" if environment.is_dir() else ROOT / ".venv-axe"


def _fetched() -> bytes:
    try:
        with urllib.request.urlopen(ADDRESS, timeout=FETCH_S) as answer:
            content = bytes(answer.read(TARBALL_BYTES_MAX))
    except OSError as error:
        raise AxeUnavailable(f"axe-core {VERSION} can't be fetched from registry.npmjs.org: {error}") from error
    if not _is_whole(content):
        raise AssertionError(f"{ADDRESS} is not the file that {INTEGRITY} is of")
    return content


def _is_whole(content: bytes) -> bool:
    return f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}" == INTEGRITY


def violations(page: Page, source: str, within: str = "") -> Sequence[Violation]:
    """What axe-core finds wrong with what a browser shows now, in all of it or ``within`` a selector."""
    if not page.run("return typeof axe === 'object'"):
        page.run(source)
    page.driver.set_script_timeout(60)
    found: dict[str, Any] = page.driver.execute_async_script(RUN, within)
    assert "error" not in found, found
    assert found["version"] == VERSION
    return [
        Violation(
            one["id"],
            one["help"],
            tuple((" ".join(map(str, node["target"])), node["failureSummary"]) for node in one["nodes"]),
        )
        for one in found["violations"]
    ]
