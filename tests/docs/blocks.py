"""The fenced blocks of README.md and docs/*.md: every one is an example, and says how it is to be run.

A marker, an invisible comment right before the fence, says what its language alone does not:
``<!-- example: WORDS -->``, several joined by commas; a reason comes last, since it may hold commas.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("python", "sh", "yaml", "json", "")
"""A block without a language is a picture, and must say so by not being run."""
NOT_RUN = "not run:"
_MARKER = re.compile(r"<!-- example: (.+?) -->")
_WORD = {
    "serves": "",
    "serves on": "",
    "prometheus": "",
    "exits": r"[0-9]+",
    "schema": r"[A-Z]\w+(\.\w+)*",
    "file": r"[\w.-]+",
    "raises": r"\w+",
    "dialect": r"\w+",
    "as": r"\w+",
}
_OF = {
    "sh": ("serves", "serves on", "exits", "file"),
    "python": ("raises", "file"),
    "yaml": ("file", "prometheus"),
    "json": ("schema", "as", "dialect", "file"),
    "": ("file",),
}


class MarkerError(ValueError):
    """A marker that says nothing, or something that a block of its language can't be."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block. ``line`` is that of its fence, ``how`` what its marker says by word, ``reason`` why it is not run."""

    page: str
    line: int
    language: str
    text: str
    how: dict[str, str]
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line} {self.language}"


def pages() -> list[Path]:
    """All pages of the documentation: whoever adds one need not tell anybody."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks_of(page: str, text: str) -> list[Block]:
    """All blocks of a page in their order. Raises MarkerError with the line."""
    found: list[Block] = []
    opened: tuple[int, str, str] | None = None
    lines: list[str] = []
    above = ""  # the last line that is not blank
    for number, line in enumerate(text.splitlines(), 1):
        fence = re.fullmatch(r" *```(\S*) *", line)
        if opened is None:
            if above.startswith("<!-- example:") and line.strip() and not fence:
                raise MarkerError(f"{page}:{number}: the marker above is followed by no block")
            if fence:
                opened, lines = (number, fence[1], above), []
            elif line.strip():
                above = line.strip()
        elif fence and not fence[1]:
            found.append(_block(page, opened, dedent("\n".join(lines)) + "\n"))
            opened, above = None, "```"
        else:
            lines.append(line)
    if opened is not None:
        raise MarkerError(f"{page}:{opened[0]}: the block does not end")
    if above.startswith("<!-- example:"):
        raise MarkerError(f"{page}:{len(text.splitlines())}: the marker is followed by no block")
    return found


def _block(page: str, opened: tuple[int, str, str], text: str) -> Block:
    line, language, above = opened
    place = f"{page}:{line}"
    if language not in LANGUAGES:
        raise MarkerError(f"{place}: {language!r} is none of {', '.join(LANGUAGES[:-1])}")
    how: dict[str, str] = {}
    reason = ""
    if above.startswith("<!--"):
        marker = _MARKER.fullmatch(above)
        if marker is None:
            raise MarkerError(f"{place}: {above!r} is no marker, expected <!-- example: ... -->")
        how, reason = _words(place, language, marker[1])
    if language == "" and not reason:
        raise MarkerError(f"{place}: a block without a language needs <!-- example: {NOT_RUN} REASON -->")
    return Block(page, line, language, text, how, reason)


def _words(place: str, language: str, marker: str) -> tuple[dict[str, str], str]:
    """(what the marker says by word, the reason not to run the block)."""
    said, _, reason = marker.partition(NOT_RUN)
    if NOT_RUN in marker and len(reason.split()) < 3:
        raise MarkerError(f"{place}: a reason is more than {reason.strip()!r}")
    how: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in said.split(","))):
        word = next((word for word in sorted(_WORD, key=len, reverse=True) if f"{part} ".startswith(f"{word} ")), "")
        rest = part.removeprefix(word).strip()
        if not word or not re.fullmatch(_WORD[word], rest):
            raise MarkerError(f"{place}: {part!r} is not how an example can be run")
        if word not in _OF[language]:
            raise MarkerError(f"{place}: a {language or 'bare'} block can't be `{part}`")
        how[word] = rest
    return how, reason.strip()
