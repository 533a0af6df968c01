"""The markers of examples: what they mean, and that a mistake in one is a failure and never a block left out."""

from __future__ import annotations

import pytest

from tests.docs.blocks import MarkerError, blocks_of
from tests.docs.running import filled


def page(fence: str, marker: str = "") -> str:
    above = f"<!-- {marker} -->\n" if marker else ""
    return f"# Page\n\nText.\n{above}```{fence}\na\n```\n"


def test_blocks_come_in_order_with_their_lines_and_text() -> None:
    """A block in a list loses its indentation; what stands in one block is no fence of another."""
    found = blocks_of("p.md", "x\n```sh\none\n  two\n```\n\n- y\n\n  ```python\n  a = 1\n  ```\n")
    assert [(str(block), block.text) for block in found] == [
        ("p.md:2 sh", "one\n  two\n"),
        ("p.md:9 python", "a = 1\n"),
    ]


@pytest.mark.parametrize(
    ("fence", "marker", "how", "reason"),
    [
        ("sh", "", {}, ""),
        ("sh", "example: serves", {"serves": ""}, ""),
        ("sh", "example: serves on", {"serves on": ""}, ""),
        ("sh", "example: file a.sh, exits 2", {"file": "a.sh", "exits": "2"}, ""),
        ("json", "example: schema AlertBody.condition", {"schema": "AlertBody.condition"}, ""),
        ("yaml", "example: file p.yaml, not run: Prometheus, not us", {"file": "p.yaml"}, "Prometheus, not us"),
        ("", "example: not run: it is a picture", {}, "it is a picture"),
    ],
)
def test_marker_says_how_a_block_is_run(fence: str, marker: str, how: dict[str, str], reason: str) -> None:
    """By words, joined by commas; a reason comes last and may hold commas."""
    (block,) = blocks_of("p.md", page(fence, marker))
    assert (block.how, block.reason) == (how, reason)


@pytest.mark.parametrize(
    ("fence", "marker"),
    [
        ("", ""),
        ("bash", ""),
        ("sh", "a remark"),
        ("sh", "example: skipped"),
        ("sh", "example: not run: no"),
        ("sh", "example: exits"),
        ("python", "example: serves"),
        ("json", "example: schema"),
    ],
)
def test_marker_or_language_that_says_nothing_is_refused(fence: str, marker: str) -> None:
    """With the page and the line, so that no example is left out in silence."""
    with pytest.raises(MarkerError, match=r"^p\.md:[45]: "):
        blocks_of("p.md", page(fence, marker))


def test_marker_without_its_block_is_refused() -> None:
    """It would be of the next block, or of none."""
    with pytest.raises(MarkerError, match=r"p\.md:2: .* followed by no block"):
        blocks_of("p.md", "<!-- example: serves -->\nText.\n```sh\na\n```\n")
    with pytest.raises(MarkerError, match=r"p\.md:1: .* followed by no block"):
        blocks_of("p.md", "<!-- example: serves -->\n")


def test_placeholders_become_what_they_stand_for_when_the_command_runs() -> None:
    """Names in capitals alone, not in options, variables, comments or other words."""
    script = filled("sidecar review confirm ITEM # not ITEM\nITEMS=3 && x --ITEM JOB\n")
    first, second = script.splitlines()
    assert first.startswith('sidecar review confirm "$(')
    assert first.endswith(' ITEM)" # not ITEM')
    assert second.startswith('ITEMS=3 && x --ITEM "$(')


def test_capitals_that_stand_for_nothing_are_refused() -> None:
    """A page that writes THING where a value belongs has an example that nobody can run."""
    with pytest.raises(ValueError, match="'THING' stands for nothing"):
        filled("sidecar alerts show THING")
    assert filled("curl -X POST http://127.0.0.1:8080/x") == "curl -X POST http://127.0.0.1:8080/x"
