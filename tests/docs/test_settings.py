"""docs/settings.md, held against the configuration's types and the bounds of the code."""

from __future__ import annotations

import re
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest

from sidecar.app.config import LimitsConfig
from sidecar.app.supervisor import NEEDS_RESTART
from sidecar.types import Limits
from tests.docs.settings import Setting, settings_of

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "settings.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in PAGE.splitlines()
    if line.startswith("| `")
]
KNOWN = {setting.path: setting for setting in settings_of()}
LIMITED = [
    "low_confidence",
    "close_to_threshold",
    "edge_cases",
    "new_class",
    "rare_class",
    "classes.NAME",
    "disagreement",
]
"""The rules that ``RULE`` stands for."""


def documented() -> list[tuple[str, list[str]]]:
    """(path, cells) of each row about a setting; a row about ``RULE`` is one about each rule."""
    found = []
    for cells in ROWS:
        path = cells[0].strip("`")
        if len(cells) == 4:
            rules = LIMITED if "RULE" in path else [""]
            found += [(path.replace("RULE", rule), cells) for rule in rules]
    return found


def test_every_setting_is_documented_once_and_no_other() -> None:
    """A setting that is missing on the page is one that nobody finds; one that has gone misleads."""
    paths = [path for path, _ in documented()]
    assert sorted(paths) == sorted(KNOWN)


@pytest.mark.parametrize("setting", KNOWN.values(), ids=lambda setting: setting.path)
def test_type_and_default_on_the_page_are_the_codes(setting: Setting) -> None:
    """And its meaning is told; where tests of versions are asked for, the page says what the types don't."""
    (cells,) = [cells for path, cells in documented() if path == setting.path]
    _, type_text, default, meaning = cells
    assert default == setting.default
    assert type_text == setting.type or (setting.type == "any" and type_text)
    assert meaning


def test_page_says_what_a_reload_does_not_take() -> None:
    """All others follow it."""
    said = re.search(r"All settings follow at once but for those of\s+(.+?): a change", PAGE, re.DOTALL)
    assert said is not None
    assert re.findall(r"`(\w+)`", said[1]) == list(NEEDS_RESTART)
    assert {setting.path.split(".")[0].strip("[]") for setting in KNOWN.values() if not setting.reload} == set(
        NEEDS_RESTART
    )


def test_every_bound_of_a_worker_is_a_setting_or_told_with_its_value() -> None:
    """What a request may meet is known beforehand."""
    said = {cells[0].strip("`"): cells[1] for cells in ROWS if len(cells) == 3}
    known = {
        item.name: f"{item.default:g}" if isinstance(item.default, float) else str(item.default)
        for item in fields(Limits)
    }
    assert said == {name: value for name, value in known.items() if name not in LimitsConfig.model_fields}


def test_bounds_elsewhere_are_those_of_the_code() -> None:
    """Each by its place."""
    said = re.findall(r"^\| [^`|]+(?:\[.+?\]\(.+?\) )?\| (\d+) \| `(\S+)\.(\w+)` \|$", PAGE, re.MULTILINE)
    assert len(said) >= 30
    for value, module, name in said:
        assert getattr(import_module(f"sidecar.{module}"), name) == int(value), f"{module}.{name}"
