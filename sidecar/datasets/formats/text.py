"""Text from outside, made safe for a format: what XML can't hold, numbers, and pieces of long documents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import orjson

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 (section 2.2, Char) has no way to write."""
_KEPT = {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
"""Readers turn bare line ends and tabs into other blanks (XML 1.0, sections 2.11 and 3.3.3)."""


def xml_names(names: Iterable[str]) -> dict[str, str]:
    """Each name as XML can hold it. Characters that it can't are replaced, and the names stay distinct.

    >>> xml_names(["a", "b\\0", "b\\1"])
    {'a': 'a', 'b\\x00': 'b�', 'b\\x01': 'b� (2)'}
    """
    found: dict[str, str] = {}
    names = list(names)
    taken = {name for name in names if not _NOT_XML.search(name)}
    for name in names:
        clean = wanted = _NOT_XML.sub("\ufffd", name)
        number = 2
        while clean != name and clean in taken:
            clean = f"{wanted} ({number})"
            number += 1
        taken.add(clean)
        found[name] = clean
    return found


def xml_text(text: str) -> str:
    """``text`` between two tags.

    >>> xml_text("a<b\\n")
    'a&lt;b&#10;'
    """
    return escape(_NOT_XML.sub("\ufffd", text), _KEPT)


def xml_attribute(text: str) -> str:
    """``text`` as an attribute's value, in its quotes.

    >>> print(xml_attribute('a"b'), xml_attribute("<"))
    'a"b' "&lt;"
    """
    return quoteattr(_NOT_XML.sub("\ufffd", text))


def number(value: float, digits: int = 2) -> str:
    """A number with up to ``digits`` decimals and no trailing zeros.

    >>> number(12.0), number(-0.001), number(1.25)
    ('12', '0', '1.25')
    """
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def json_list(documents: Iterable[Any]) -> Iterator[bytes]:
    """The pieces of a JSON list, a document a line, so that a long one is never held whole."""
    yield b"["
    for place, document in enumerate(documents):
        yield (b",\n" if place else b"\n") + orjson.dumps(document)
    yield b"\n]"
