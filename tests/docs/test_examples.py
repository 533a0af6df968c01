"""Every example of README.md and docs/*.md is executed, in the order of its page, against a sidecar that runs.

What a page's author writes and what stands ready is told in ``blocks`` (markers) and ``world`` (ports, models, days).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sidecar.api.handlers import ROUTES
from sidecar.api.openapi import openapi_document
from tests.docs.blocks import Block, blocks_of, pages
from tests.docs.past import fill
from tests.docs.running import run_json, run_python, run_scrape, run_shell, run_yaml
from tests.docs.world import World, model_servers

PAGES = {page.name: blocks_of(page.name, page.read_text("utf-8")) for page in pages()}


TOGETHER = ("alerts.md", "drift.md", "metrics.md")
"""Pages whose examples get along with each other share a world, since each takes seconds; any other has its own."""
BLOCKS = [block for page in sorted(PAGES, key=lambda page: (page not in TOGETHER, page)) for block in PAGES[page]]


@pytest.fixture(scope="module")
def world_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], World]]:
    """``world_of(page)``: one world a page, made when its first block needs it and ended with the next one's."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "past").mkdir()
    until = time.time()
    asyncio.run(fill(folder / "past", until))
    worlds: dict[str, World] = {}
    with model_servers(folder) as servers:

        def of(page: str) -> World:
            name = TOGETHER[0] if page in TOGETHER else page
            if name not in worlds:
                for world in worlds.values():
                    world.end()
                worlds[name] = World(folder / name, folder / "past", until, dict(servers))
            return worlds[name]

        try:
            yield of
        finally:
            for world in worlds.values():
                world.end()


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The API's description."""
    return openapi_document(ROUTES, "0")


@pytest.mark.parametrize("block", [block for block in BLOCKS if not block.reason or "file" in block.how], ids=str)
def test_example_works(
    block: Block, world_of: Callable[[str], World], document: dict[str, Any], tmp_path: Path
) -> None:
    """It does what its page says, after the examples above it."""
    if file := block.how.get("file"):
        of_page = world_of(block.page)
        (of_page.folder / file).write_text(of_page.told(block.text))
    if block.reason:
        return
    if block.language == "python":
        run_python(block, world_of(block.page))
    elif block.language == "sh":
        run_shell(block, world_of(block.page))
    elif block.language == "json":
        run_json(block, document)
    elif "prometheus" in block.how:
        run_scrape(block, world_of(block.page))
    else:
        run_yaml(block, tmp_path)


def test_examples_that_are_not_run_are_few_and_say_why(record_property: Callable[[str, object], None]) -> None:
    """Pictures, installations that other tests make, and demos that take minutes; each with its reason."""
    left_out = [block for block in BLOCKS if block.reason]
    for block in left_out:
        record_property(str(block), block.reason)
        print(f"{block}: {block.reason}")
    assert [str(block) for block in left_out if block.language == "python"] == []
    assert len(left_out) * 4 <= len(BLOCKS)


def test_pages_are_all_found() -> None:
    """A new page's examples are examples, and the pages everybody is sent to are there."""
    assert {"README.md", "api.md", "cli.md", "settings.md", "dialects.md", "metrics.md"} <= PAGES.keys()
