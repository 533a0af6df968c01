"""The map of the house and the pages about it know every room there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import sidecar
from tests.docs.blocks import ROOT, pages

HOUSE = ROOT / "sidecar"
ROOMS = sorted(
    path.name.removesuffix(".py")
    for path in HOUSE.iterdir()
    if (path.suffix == ".py" or (path / "__init__.py").exists()) and not path.name.startswith("__")
)


@pytest.mark.parametrize("room", ROOMS)
def test_room_is_on_the_map_and_in_the_architecture(room: str) -> None:
    """A room that no map shows is one that nobody finds, or keeps to its rules."""
    shown = (sidecar.__doc__ or "").split("\n\n")[2]
    names = re.findall(r"[a-z_]+", " ".join(line[:22] for line in shown.splitlines()) + shown.rpartition(";")[2])
    assert room in names
    allowed = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    assert re.search(rf"^{room}:", allowed, re.MULTILINE)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    """To a file that is there, and to a heading that it has."""
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", page.read_text("utf-8")):
        file = (page.parent / target) if target else page
        assert file.exists(), f"{page.name}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in slugs, f"{page.name}: {target}#{anchor}"


def test_readme_leads_to_every_page() -> None:
    """Whoever begins at the README finds all there is, at once or by one more page."""
    readme = (ROOT / "README.md").read_text("utf-8")
    direct = set(re.findall(r"\]\(docs/([\w-]+\.md)", readme))
    onward = {name for page in direct for name in _links(ROOT / "docs" / page)}
    assert {page.name for page in pages()} - {"README.md"} <= direct | onward


def _links(page: Path) -> list[str]:
    return re.findall(r"\]\(([\w-]+\.md)", page.read_text("utf-8")) if page.exists() else []
