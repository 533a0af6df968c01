"""What is wrong with a head that the grammar refuses, in words: for whoever has to mend the client. Pure."""

from __future__ import annotations

import re

from sidecar.proxy.fields import TOKEN

_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BARE_LF = re.compile(rb"(?<!\r)\n")
_BARE_CR = re.compile(rb"\r(?!\n|\Z)")
_FOLDED = re.compile(rb"\n[ \t]")
BROKEN_LINE = re.compile(b"|".join(one.pattern for one in (_CONTROL, _BARE_LF, _BARE_CR)))
"""What no line of a head or trailer may have."""
BROKEN = re.compile(BROKEN_LINE.pattern + b"|" + _FOLDED.pattern)
"""What no head may have, wherever it is cut."""
_NAME = re.compile(TOKEN)
_VERSION = re.compile(rb"HTTP/1\.[01]")
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] [1-5][0-9][0-9](?: .*)?", re.DOTALL)
_TLS = b"\x16\x03"
_NO_STATUS = "the first line is not a version of 1.0 or 1.1, a status of three digits, a reason"
_NO_END = "its end is not an empty line"


def fault_of_request(head: bytes) -> str:
    r"""The first thing that is wrong with ``head``, or with the beginning of one. Nothing of it is repeated: it may be
    anything.

    >>> fault_of_request(b"GET / HTTP/1.1\r\nHost : a\r\n\r\n")
    'malformed head: space before the colon in line 2'
    >>> fault_of_request(b"GET  / HTTP/1.1\r\n\r\n")
    'malformed head: the first line is not a method, a target and a version with one space between them'
    """
    fault = "it is TLS, which this port does not speak" if head.startswith(_TLS) else _fault_of_characters(head)
    first, *fields = head.split(b"\r\n")
    return f"malformed head: {fault or _fault_of_first(first) or _fault_of_fields(fields, 2) or _NO_END}"


def fault_of_response(head: bytes) -> str:
    """The same of a model server's answer."""
    first, *fields = head.split(b"\r\n")
    status = "" if _STATUS_LINE.fullmatch(first) else _NO_STATUS
    return f"malformed response head: {_fault_of_characters(head) or status or _fault_of_fields(fields, 2) or _NO_END}"


def fault_of_trailers(block: bytes) -> str:
    """The same of the lines behind a chunked body."""
    fault = _fault_of_characters(block) or _fault_of_fields(block.split(b"\r\n"), 1)
    return f"malformed trailer: {fault or 'a field of framing, which belongs in the head'}"


def _fault_of_characters(head: bytes) -> str:
    control = _CONTROL.search(head)
    if control is not None:
        return f"control character 0x{control[0][0]:02x} in line {_line_of(head, control.start())}"
    for pattern, text in ((_BARE_LF, "LF without CR"), (_BARE_CR, "CR without LF")):
        found = pattern.search(head)
        if found is not None:
            return f"{text} in line {_line_of(head, found.start())}"
    found = _FOLDED.search(head)
    if found is not None:
        return f"line {_line_of(head, found.start()) + 1} begins with a space: folded lines are refused"
    return ""


def _fault_of_first(line: bytes) -> str:
    parts = line.split(b" ")
    if len(parts) != 3 or not all(parts):
        return "the first line is not a method, a target and a version with one space between them"
    method, target, version = parts
    if not _NAME.fullmatch(method):
        return "the method has a character that none may have"
    if not _VERSION.fullmatch(version):
        return "its version is neither 1.1 nor 1.0"
    return "" if target.isascii() else "the target has a character beyond ASCII: it is to be percent-encoded"


def _fault_of_fields(lines: list[bytes], first: int) -> str:
    for number, line in enumerate(lines, first):
        name, colon, _ = line.partition(b":")
        if not line:
            return ""
        if not colon:
            return f"line {number} has no colon"
        if name.endswith((b" ", b"\t")):
            return f"space before the colon in line {number}"
        if not _NAME.fullmatch(name):
            return f"the name in line {number} is empty or has a character that none may have"
    return ""


def _line_of(head: bytes, position: int) -> int:
    return head.count(b"\n", 0, position) + 1
