"""The dashboard's files as they are served."""

from __future__ import annotations

import posixpath
import re

import pytest

from sidecar.dashboard import PAGES, Page, site

STATIC = {name: file.body.decode() for name, file in site().static.items() if not name.startswith("vendor/")}
SCRIPTS = sorted(name for name in STATIC if name.endswith(".js"))
HTML = {page.name: site().pages[page.name].body.decode() for page in PAGES}
SVG_NAME = "http://www.w3.org/2000/svg"


def imports_of(name: str) -> list[str]:
    folder = posixpath.dirname(name)
    return [
        posixpath.normpath(posixpath.join(folder, found)) for found in re.findall(r'from "(\.[^"]+)"', STATIC[name])
    ]


def modules_of(name: str) -> set[str]:
    """A module with all that it imports."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += imports_of(module)
    return found


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_writes_text_only(name: str) -> None:
    """No sink that parses markup or code is in any script."""
    sinks = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|srcdoc|DOMParser|setHTML"
    assert not re.search(sinks, STATIC[name])


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_imports_files_that_are_there(name: str) -> None:
    """Without a build step nothing else would notice a module that is missing."""
    assert set(imports_of(name)) <= set(SCRIPTS)


def test_every_script_is_of_some_page() -> None:
    """What no page imports is left over."""
    used = set().union(*(modules_of(f"{page.of}/{page.name}.js") for page in PAGES))
    assert used == set(SCRIPTS)


def test_overview_names_all_its_modules_at_once() -> None:
    """One that is found by another's import alone would wait for that one, and the first screen with it."""
    named = re.findall(
        r'<(?:link rel="modulepreload" href|script type="module"[^>]* src)="/static/\w+/([^"]+)"', HTML["overview"]
    )
    assert sorted(named) == sorted(modules_of("overview/overview.js"))


@pytest.mark.parametrize("name", sorted(STATIC))
def test_file_names_no_other_host(name: str) -> None:
    """Nothing is loaded from elsewhere, which the policy would refuse anyway; what is on the page may be named."""
    assert not re.search(r"https?://|@import|url\((?!#)", STATIC[name].replace(SVG_NAME, ""))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_holds_nothing_inline(page: Page) -> None:
    """The policy would refuse a script or a style that stands in the page itself."""
    html = HTML[page.name]
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=", html)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_scripts_ask_the_page_for_elements_it_has(page: Page) -> None:
    """Every id that a page's scripts name is in the page, once; and each section has a place to say what is wrong."""
    ids = re.findall(r'\sid="([^"]+)"', HTML[page.name])
    modules = modules_of(f"{page.of}/{page.name}.js")
    asked = {found for script in modules for found in re.findall(r'byId\("([^"]+)"\)(?!\?)', STATIC[script])}
    assert sorted(ids) == sorted(set(ids))
    assert asked <= set(ids)
