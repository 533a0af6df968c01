"""docs/dialects.md, held against the tables of the dialects; its examples are decoded to the detections it states."""

from __future__ import annotations

import json
import re
import struct
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from sidecar.app.config import ModelConfig
from sidecar.dialects import NAMES, REASONS, ROUTES, DialectSettings, decode
from sidecar.dialects.object_rows import FORMATS, PLAIN, REKOGNITION
from sidecar.dialects.roles import NAMES as OUTPUT_NAMES
from sidecar.dialects.table import DIALECTS
from tests.docs.blocks import Block, blocks_of
from tests.kit.build import exchange

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "dialects.md").read_text("utf-8")
SECTIONS = {
    name: text.split("\n## ")[0]
    for name, text in re.findall(r"^### `(\w+)`\n(.*?)(?=^### |\Z)", PAGE, re.MULTILINE | re.DOTALL)
}
PNG_640_480 = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 480)


def rows(text: str) -> list[list[str]]:
    """The cells of every table row whose first cell is code or a number, backticks left on."""
    return [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in re.findall(r"^\| [`\d].*\|$", text, re.MULTILINE)
    ]


def codes(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_every_dialect_has_its_section_and_an_example() -> None:
    """In the order in which a setting may name them, ``auto`` last; none is only half there."""
    assert set(SECTIONS) == set(NAMES) == set(DIALECTS)
    for name, text in SECTIONS.items():
        named = [block.how["dialect"] for block in blocks_of(name, text) if block.language == "json"]
        assert named, name
        assert set(named) == {name}


@pytest.mark.parametrize("name", NAMES)
def test_example_is_decoded_to_the_detections_it_states(name: str) -> None:
    """By the dialect itself, with the options that stand above it."""
    blocks = blocks_of(name, SECTIONS[name])
    options: dict[str, Any] = {}
    for block in blocks:
        if block.language == "yaml":
            options = yaml.safe_load(block.text)["models"][0]
    stated = [
        (int(image), label, float(score), [float(number) for number in box.split(", ")])
        for image, label, score, box in rows(SECTIONS[name])
    ]
    assert stated
    settings = DialectSettings(dialect=name, class_names=tuple(options.get("class_names", ())))
    for block in blocks:
        for value in _values(block):
            assert _decoded(value, settings) == stated, value


def _values(block: Block) -> list[Any]:
    if block.language != "json":
        return []
    try:
        return [json.loads(block.text)]
    except json.JSONDecodeError:
        return [json.loads(line) for line in block.text.splitlines()]


def _decoded(value: Any, settings: DialectSettings) -> list[tuple[int, str, float, list[float]]]:
    answer = exchange(response_body=json.dumps(value).encode(), request_head=PNG_640_480)
    found = []
    for index, image in enumerate(decode(answer, settings)):
        seen = image.detections
        assert not seen.normalised
        for box, score, code in zip(seen.boxes.tolist(), seen.scores.tolist(), seen.classes.tolist(), strict=True):
            found.append((index, seen.labels[code], score, [round(number, 2) for number in box]))
    return found


def test_routes_on_the_page_are_those_that_workers_match() -> None:
    """In their order, each with the dialect that is tried first."""
    known = [[f"`{method} {route.path}`", f"`{route.dialect}`"] for route in ROUTES for method in route.methods]
    assert rows(section("Paths that carry predictions")) == known


def test_names_of_outputs_are_those_of_the_code_in_their_order() -> None:
    """The order is what decides between several."""
    said = {codes(role)[0]: tuple(codes(names)) for role, names in rows(section("Which output is which"))}
    assert said == dict(OUTPUT_NAMES)


def test_forms_of_rows_are_those_of_the_code() -> None:
    """Each with the fields of its score and of its class."""
    said = rows(section("Rows of one detection"))
    known = [form for form in (*FORMATS, REKOGNITION) if form not in PLAIN]
    assert sorted(codes(row[0])[0] for row in said) == sorted(form.name for form in known)
    for form in known:
        (row,) = [row for row in said if codes(row[0]) == [form.name]]
        box = codes(row[1])
        assert ([box.pop(0)] if form.container else []) == ([form.container] if form.container else [])
        assert list(form.box(dict(zip(box, (1.0, 2.0, 3.0, 4.0), strict=True)))) == [1.0, 2.0, 3.0, 4.0]
        assert codes(row[2]) == [form.score]
        assert codes(row[3]) == [*form.names, *form.indices]


def test_fields_of_any_other_row_are_those_of_the_code() -> None:
    """What a hand-written server may call its box, its score and its class."""
    (line,) = re.findall(r"^\| any other \|(.*)\|$", PAGE, re.MULTILINE)
    box, score, classes = map(codes, line.split("|"))
    assert {form.container for form in PLAIN} - {""} <= set(box)
    assert {form.score for form in PLAIN} == set(score)
    assert {name for form in PLAIN for name in (*form.names, *form.indices)} == set(classes)


def test_every_option_is_told_with_the_forms_it_takes() -> None:
    """``box_format`` has the same words as the configuration."""
    said = {name: codes(row[1]) for row in rows(section("Options")) for name in codes(row[0])}
    assert set(said) == set(ModelConfig.model_fields) - {"name", "independent_images"}
    assert said["box_format"] == [name for name in get_args(ModelConfig.model_fields["box_format"].annotation) if name]
    assert said["outputs"][:4] == list(OUTPUT_NAMES)


def test_every_reason_is_told_and_every_bound_is_the_codes() -> None:
    """Whoever meets an ``undecodable`` finds it here."""
    found = rows(section("What is not read, and why"))
    assert tuple(codes(row[0])[0] for row in found if len(row) == 2) == REASONS
    bounds = re.findall(r"^\| [^|`]+ \| (\d+) \| `(\S+)\.(\w+)` \|$", PAGE, re.MULTILINE)
    assert len(bounds) >= 8
    for value, module, name in bounds:
        assert getattr(import_module(f"sidecar.{module}"), name) == int(value), name
