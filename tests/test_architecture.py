"""The rules of docs/architecture.md, read from that page and held against the code's imports."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "sidecar"


def allowed() -> dict[str, set[str]]:
    block = (
        (ROOT / "docs/architecture.md")
        .read_text()
        .split("may import `types`, `hashing`, `durations`, `retrying` and `holm`.\n")[1]
        .split("\n```\n")[1]
    )
    rows = (line.split(":") for line in block.split("```")[0].strip().splitlines())
    return {room: {*names.split(), room, "types", "hashing", "durations", "retrying", "holm"} for room, names in rows}


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = (
                [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "sidecar" else [node.module]
            )
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        rooms |= {name.split(".")[1] for name in names if name.startswith("sidecar.")}
    return {room for room in rooms if (PACKAGE / room).is_dir() or (PACKAGE / f"{room}.py").exists()}


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem in allowed())


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_imports_only_what_its_room_may(path: Path) -> None:
    """No import runs back up the house, and none goes sideways where the page doesn't say so."""
    room = room_of(path)
    assert room in allowed(), f"docs/architecture.md does not know the room {room!r}"
    assert imported_rooms(path) <= allowed()[room]


def test_sql_stands_in_recording_only() -> None:
    """A statement outside the store's package would escape its migrations and its one writing connection."""
    verbs = ("SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM", "CREATE TABLE")
    for path in PACKAGE.rglob("*.py"):
        if room_of(path) == "recording":
            continue
        texts = [node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
        found = [text for text in texts if isinstance(text, str) and text.lstrip().startswith(verbs)]
        assert not found, f"{path}: {found}"


def test_modules_stay_readable_in_length() -> None:
    """A module over 400 lines does more than one thing."""
    long = {str(path): len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {path: lines for path, lines in long.items() if lines > 400} == {}
