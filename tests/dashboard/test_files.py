"""The dashboard's files as they are served."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

STATIC = {entry.name: entry.read_text() for entry in (files("sidecar.dashboard") / "static").iterdir()}
SCRIPTS = sorted(name for name in STATIC if name.endswith(".js"))
SVG_NAME = "http://www.w3.org/2000/svg"


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_writes_text_only(name: str) -> None:
    """No sink that parses markup or code is in any script."""
    sinks = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|srcdoc|DOMParser|setHTML"
    assert not re.search(sinks, STATIC[name])


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_imports_files_that_are_there(name: str) -> None:
    """Without a build step nothing else would notice a module that is missing."""
    for imported in re.findall(r'from "([^"]+)"', STATIC[name]):
        assert imported.removeprefix("./") in SCRIPTS


@pytest.mark.parametrize("name", sorted(STATIC))
def test_file_names_no_other_host(name: str) -> None:
    """Nothing is loaded from elsewhere, which the policy would refuse anyway."""
    assert not re.search(r"https?://|@import|url\(", STATIC[name].replace(SVG_NAME, ""))


def test_scripts_ask_the_page_for_elements_it_has() -> None:
    """Every id that a script names is in the page."""
    there = set(re.findall(r'id="([^"]+)"', STATIC["index.html"]))
    asked = {name for script in SCRIPTS for name in re.findall(r'byId\("([^"]+)"\)', STATIC[script])}
    sections = {f"{name}-fault" for name in re.findall(r'section\("([^"]+)"', STATIC["app.js"])}
    assert len(sections) > 3
    assert asked | sections <= there
